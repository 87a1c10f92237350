import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import { makeNodeHost } from "../../host/node-host.ts";
import { HoldfastError, reasonOf } from "../../model/errors.ts";
import { assert } from "../../std/assert.ts";
import { QueryConnection } from "./query-connection.ts";
import type { QueryAnswer, QueryRequest } from "./query-runner.ts";

/*
 * The process that runs queries, with a connection that can only read. It is killed when a query
 * takes too long, and must also end when its parent is killed in the middle of one, when nothing on
 * this thread would notice: so a second thread waits for the end of standard input, which the
 * parent holds open as long as it lives.
 */

const valueMaxBytes = 64 * 1024 * 1024;

const watch = `require("node:fs").readSync(0, Buffer.alloc(1)); process.kill(process.pid, "SIGKILL")`;

const [path, tag] = process.argv.slice(2);
assert(path !== undefined && tag !== undefined, "the query process needs a path and a tag");
new Worker(watch, { eval: true, execArgv: [] });
// One value cannot eat the memory of the machine (from Node 25.8 on, which knows the option).
const db = new DatabaseSync(path, { readOnly: true, limits: { length: valueMaxBytes } });
const host = makeNodeHost();
const secret = `${host.random()} ${host.random()} ${host.random()}`;
const connection = new QueryConnection(db, tag, secret);

process.on("disconnect", () => process.exit());
// A terminal and a service manager send these to the whole group: the parent decides when it ends.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.on("message", (request: QueryRequest) => answer(run(request)));
answer({ kind: "ready" });

function answer(message: QueryAnswer): void {
  process.send?.(message);
}

function run(request: QueryRequest): QueryAnswer {
  try {
    return {
      kind: "rows",
      result: connection.run(request.sql, request.parameters, request.rowsMax),
    };
  } catch (error) {
    const told = error instanceof HoldfastError ? error.details["reason"] : undefined;
    return { kind: "refused", reason: String(told ?? reasonOf(error)) };
  }
}
