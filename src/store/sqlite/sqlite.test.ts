import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeNodeHost } from "../../host/node-host.ts";
import type { StorePlace } from "../conformance/place.ts";
import { testStore } from "../conformance.ts";
import { openSqliteStore } from "./sqlite-store.ts";

let places = 0;

testStore("sqlite store", async (): Promise<StorePlace> => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-store-"));
  const host = makeNodeHost();
  // In every second store entries go into the index by subject soon, and not only by the thousand.
  const freshMax = places++ % 2 === 0 ? 10 : 100_000;
  return {
    open: () => openSqliteStore({ path: join(folder, "store.db"), host, partitions: 16, freshMax }),
    remove: () => rm(folder, { recursive: true }),
  };
});
