import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeNodeHost } from "../../host/node-host.ts";
import type { StorePlace } from "../conformance/place.ts";
import { testStore } from "../conformance.ts";
import { openSqliteStore } from "./sqlite-store.ts";

testStore("sqlite store", async (): Promise<StorePlace> => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-store-"));
  const host = makeNodeHost();
  return {
    open: () => openSqliteStore({ path: join(folder, "store.db"), host, partitions: 16 }),
    remove: () => rm(folder, { recursive: true }),
  };
});
