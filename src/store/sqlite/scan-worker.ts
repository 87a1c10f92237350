import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { reasonOf } from "../../model/errors.ts";
import { assert } from "../../std/assert.ts";
import type { TupleScan } from "../relations.ts";
import { Names } from "./names.ts";
import type { ScanAnswer } from "./scan-runner.ts";
import { TupleScanner } from "./tuple-scanner.ts";

/* The thread that reads relationships from the file while the engine's thread serves. */

assert(parentPort !== null, "the scan worker runs in a thread");
const port = parentPort;
const db = new DatabaseSync(String(workerData), { readOnly: true, timeout: 1000 });
const scanner = new TupleScanner(db, new Names(db, "read"));

port.on("message", (scan: TupleScan | "close") => {
  if (scan === "close") {
    db.close();
    port.close();
    return;
  }
  const answer = read(scan);
  if (answer.kind === "failed") port.postMessage(answer);
  else {
    const { chunk } = answer;
    // What is transferred and not copied.
    port.postMessage(answer, [
      chunk.resourceTypes.buffer as ArrayBuffer, // made by this thread
      chunk.relations.buffer as ArrayBuffer,
      chunk.subjectTypes.buffer as ArrayBuffer,
      chunk.subjectRelations.buffer as ArrayBuffer,
      chunk.created.buffer as ArrayBuffer,
      chunk.deleted.buffer as ArrayBuffer,
    ]);
  }
});

function read(scan: TupleScan): ScanAnswer {
  try {
    return { kind: "chunk", chunk: scanner.chunk(scan) };
  } catch (error) {
    return { kind: "failed", reason: reasonOf(error) };
  }
}
