// A DBOS application: DBOS is a library, so its HTTP side is a handler of the application's own
// that runs the workflow and awaits it. Started with: <database URL>
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DBOS } from "@dbos-inc/dbos-sdk";

const STEPS = 10;

async function runTen(): Promise<number> {
  for (let i = 0; i < STEPS; i += 1) await DBOS.runStep(async () => i, { name: `step${i}` });
  return STEPS;
}

const workflows = new Map([
  ["/wf10", DBOS.registerWorkflow(runTen, { name: "wf10" })],
  ["/noop", DBOS.registerWorkflow(async () => 0, { name: "noop" })],
]);

const systemDatabaseUrl = process.argv[2] ?? "";
DBOS.setConfig({ name: "bench", systemDatabaseUrl, logLevel: "warn" });
await DBOS.launch();
await DBOS.registerQueue("bench");

const server = createServer((request, response) => {
  request.resume();
  const workflow = workflows.get(request.url ?? "");
  if (workflow === undefined) return void response.writeHead(404).end();
  workflow().then(
    (result) => response.end(JSON.stringify(result)),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));

process.once("disconnect", () => process.exit(1));
process.once("SIGTERM", () => void DBOS.shutdown().finally(() => process.exit(0)));
