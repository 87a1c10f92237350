import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { open } from "holdfast";
import { makeNodeHost } from "../../src/host/node-host.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite-store.ts";
import { makeBatch, type Store } from "../../src/store/store.ts";
import { expectEqual, inFolder, type Outcome, type Size } from "../harness.ts";
import type { Tuple } from "./drive.ts";
import { driveOf, inChunks, makeQuestions, prepare } from "./stage.ts";

const plan = { tiny: 5_000, quick: 1_000_000, full: 10_000_000 };

/** From the store into memory, and how much of that it takes; questions are answered meanwhile. */
export function load(size: Size): Promise<Outcome> {
  return inFolder(async (folder) => {
    const relationships = plan[size];
    const path = join(folder, "drive.db");
    await fill(path, relationships);
    const before = await residentBytes();
    const begun = performance.now();
    // So that even small ones are loaded in the background; answers are kept in memory of their own.
    const app = await open({
      services: [],
      store: path,
      authz: { loadedFirstMax: 0, cacheBytes: 0 },
    });
    const openMs = performance.now() - begun;
    const port = app.authz.tenant("drive");
    const asks = makeQuestions(relationships, { count: 1_000, popular: false });
    let loaded = false;
    const loading = app.authz.loaded().then(() => {
      loaded = true;
    });
    let meanwhile = 0;
    const answers: unknown[] = [];
    for (const ask of asks) {
      if (loaded) break;
      answers.push(await port.checkNow(ask));
      meanwhile++;
    }
    await loading;
    const seconds = (performance.now() - begun) / 1_000;
    const again = asks.slice(0, meanwhile).map((ask) => port.checkNow(ask));
    const same = again.filter((answer, at) => answer === answers[at]).length;
    expectEqual("answers that were the same before and after", same, meanwhile);
    const check = expectEqual(
      "relationships in memory",
      app.relations.tenant("drive").view.graph.size,
      relationships,
    );
    const bytes = ((await residentBytes()) - before) / relationships;
    await app.close();
    const figure = (name: string, ours: number, unit: string): Outcome["figures"][number] => ({
      case: name,
      ours,
      reference: null,
      ratio: null,
      unit,
    });
    return {
      figures: [figure("load", seconds, "s"), figure("load.memory", bytes, "bytes each")],
      check,
      notes: [
        `${relationships} relationships; open after ${openMs.toFixed(0)} ms`,
        `${meanwhile} checks were answered while they were loaded`,
      ],
    };
  });
}

/** Straight into the store, which no engine has open: what is measured is how it comes out again. */
async function fill(path: string, relationships: number): Promise<void> {
  const app = await open({ services: [], store: path });
  const { tenant } = await prepare(app);
  const { number } = tenant;
  let { applied: revision } = tenant;
  await app.close();
  const store = await openSqliteStore({ path, host: makeNodeHost() });
  const [claim] = await store.claim([0], "bench");
  const epochs = new Map([[0, claim?.epoch ?? 0]]);
  for (const tuples of inChunks(driveOf(relationships), 5_000)) {
    await commit(store, { tuples, revision: ++revision, tenant: number, epochs });
  }
  await store.close();
}

interface Fill {
  readonly tuples: readonly Tuple[];
  readonly revision: number;
  readonly tenant: number;
  readonly epochs: ReadonlyMap<number, number>;
}

async function commit(store: Store, { tuples, revision, tenant, epochs }: Fill): Promise<void> {
  const batch = makeBatch(epochs);
  const inserts = tuples.map(
    ([resourceType, resourceId, relation, subjectType, subjectId, subjectRelation]) => ({
      resourceType,
      resourceId,
      relation,
      subjectType,
      subjectId,
      subjectRelation,
      caveat: "",
      context: null,
      expiresAt: null,
      created: revision,
      deleted: null,
    }),
  );
  const log = JSON.stringify({ updates: [] });
  batch.relations.push({ tenant, revision, at: Date.now(), inserts, deletes: [], log });
  await store.commit(batch);
}

/** What is freed in the background is not counted: buffers of before are, for a moment. */
async function residentBytes(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void; // what the flag exposes
  for (let round = 0; round < 3; round++) {
    collect();
    await setTimeout(100);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
