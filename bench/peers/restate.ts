import type { ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { firstMessage, removeFolder, start, startNode, stop, tempFolder } from "./children.ts";
import type { Contender } from "./contender.ts";
import { drive } from "./drive.ts";
import { versionOf } from "./install.ts";

const READY_MS = 20_000;
const CLIENT = "./restate-client.ts";
const require = createRequire(import.meta.url);

export function restate(): Contender {
  let folder: string | undefined;
  let server: ChildProcess | undefined;
  let app: ChildProcess | undefined;
  let ingress = "";
  return {
    name: "restate",
    version:
      `restate-server ${versionOf("@restatedev/restate-server")}, ` +
      `restate-sdk ${versionOf("@restatedev/restate-sdk")}`,
    cases: {
      "wf10.http": (budget) => drive(CLIENT, ingress, "wf10.http", "workflows/s", budget),
      "call.http": (budget) => drive(CLIENT, ingress, "call.http", "calls/s", budget),
      "hot.http": (budget) => drive(CLIENT, ingress, "hot.http", "calls/s", budget),
      "wf10.latency": (budget) => drive(CLIENT, ingress, "wf10.latency", "ms", budget),
    },
    async start() {
      folder = await tempFolder();
      app = startNode("restate-app.ts", []);
      const port = await firstMessage(app, READY_MS);
      server = startServer(folder);
      const [ingressPort, adminPort] = await listening(server);
      ingress = `http://127.0.0.1:${ingressPort}`;
      const reply = await fetch(`http://127.0.0.1:${adminPort}/deployments`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ uri: `http://127.0.0.1:${port}` }),
        signal: AbortSignal.timeout(READY_MS),
      });
      if (!reply.ok) throw new Error(`Restate refused the deployment: ${await reply.text()}`);
      // The first call waits until the partitions have their leaders.
      const call = { method: "POST", signal: AbortSignal.timeout(READY_MS) };
      const first = await fetch(`${ingress}/noop/call`, call);
      if (!first.ok) throw new Error(`Restate refused a call: ${await first.text()}`);
    },
    async stop() {
      await stop(server);
      await stop(app);
      if (folder !== undefined) removeFolder(folder);
    },
  };
}

/** Everything stays as Restate ships it but for where it listens and what it logs. */
function startServer(folder: string): ChildProcess {
  const platform = `${process.platform}-${process.arch}`;
  const binary = require.resolve(`@restatedev/restate-server-${platform}/bin/restate-server`);
  const args = ["--no-logo", "--base-dir", join(folder, "restate"), "--node-name", "bench"];
  args.push("--listen-mode", "tcp", "--bind-ip", "127.0.0.1", "--use-random-ports", "true");
  // Its default filter, less a look for Kubernetes that fails loudly.
  args.push("--log-format", "json", "--log-filter", "warn,restate=info,octocrab=off");
  const env = { ...process.env, DO_NOT_TRACK: "1" };
  return start(binary, args, { cwd: folder, env, stdio: ["ignore", "pipe", 2] });
}

/** Restate picks its ports itself and says which only in its log. */
function listening(server: ChildProcess): Promise<[ingress: number, admin: number]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("Restate did not get ready")), READY_MS);
    server.once("exit", (code) => reject(new Error(`Restate ended early (${code})`)));
    server.once("error", reject);
    if (server.stdout === null) return;
    const ports = new Map<unknown, number>();
    // The reader stays for good: a full pipe would halt the server.
    createInterface({ input: server.stdout }).on("line", (line) => {
      const [, port, name] = /"server\.port":(\d+),"server_name":"([^"]+)"/.exec(line) ?? [];
      if (port === undefined) return;
      ports.set(name, Number(port));
      const ingress = ports.get("http-ingress-server");
      const admin = ports.get("admin-api-server");
      if (ingress === undefined || admin === undefined) return;
      clearTimeout(timer);
      resolve([ingress, admin]);
    });
  });
}
