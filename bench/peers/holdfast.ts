import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { firstMessage, removeFolder, startNode, stop, tempFolder } from "./children.ts";
import type { Contender } from "./contender.ts";
import { drive } from "./drive.ts";

const READY_MS = 20_000;
const CLIENT = "./holdfast-client.ts";

/** This repository, from its source, on a SQLite file; all its settings as they come. */
export function holdfast(): Contender {
  let folder: string | undefined;
  let server: ChildProcess | undefined;
  let url = "";
  return {
    name: "holdfast",
    version: `holdfast ${ownVersion()}`,
    cases: {
      "wf10.http": (budget) => drive(CLIENT, url, "wf10.http", "workflows/s", budget),
      "call.http": (budget) => drive(CLIENT, url, "call.http", "calls/s", budget),
      "hot.http": (budget) => drive(CLIENT, url, "hot.http", "calls/s", budget),
      "wf10.latency": (budget) => drive(CLIENT, url, "wf10.latency", "ms", budget),
    },
    async start() {
      folder = await tempFolder();
      server = startNode("holdfast-app.ts", [join(folder, "holdfast.db")]);
      url = String(await firstMessage(server, READY_MS));
    },
    async stop() {
      await stop(server);
      if (folder !== undefined) removeFolder(folder);
    },
  };
}

function ownVersion(): string {
  const manifest = readFileSync(join(import.meta.dirname, "..", "..", "package.json"), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
