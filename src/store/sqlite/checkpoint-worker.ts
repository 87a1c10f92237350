import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { reasonOf } from "../../model/errors.ts";
import { assert } from "../../std/assert.ts";
import type { CheckpointMode, CheckpointReport } from "./checkpointer.ts";

/*
 * The thread that moves pages from the WAL into the database file, so that the engine's thread
 * waits for neither the copying nor the two fsyncs of it.
 */

assert(parentPort !== null, "the checkpoint worker runs in a thread");
const port = parentPort;
const db = new DatabaseSync(String(workerData), { timeout: 0 });
db.exec("PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = FULL");

port.on("message", (mode: CheckpointMode | "close") => {
  if (mode === "close") {
    db.close();
    port.close();
    return;
  }
  port.postMessage(checkpoint(mode));
});

function checkpoint(mode: CheckpointMode): CheckpointReport {
  try {
    const row = db.prepare(`PRAGMA wal_checkpoint(${mode})`).get();
    return { done: row?.["busy"] === 0 && row["log"] === row["checkpointed"], reason: null };
  } catch (error) {
    return { done: false, reason: reasonOf(error) };
  }
}
