/**
 * No-op calls per second through the gateway alone: a port that answers at once, and a client in a
 * process of its own. Run it as `npm run node -- src/gateway/gateway.bench.ts [connections] [seconds]`.
 */
import { fork } from "node:child_process";
import { connect } from "node:net";
import { makeNodeHost } from "../host/node-host.ts";
import { fail } from "../model/errors.ts";
import { defaultLimits } from "../model/limits.ts";
import type { TextPort } from "../model/port.ts";
import { makeGateway } from "./gateway.ts";

async function serve(): Promise<void> {
  const outcome = { id: "inv_aaaa1", output: "null", error: null };
  const port: Partial<TextPort> = { callText: async () => outcome };
  const gateway = makeGateway({
    port: port as TextPort, // nothing else is asked here
    definitions: () => [],
    limits: defaultLimits,
    host: makeNodeHost(),
    tokens: [],
    metrics: () => [],
    ready: () => true,
    version: "0",
  });
  const { url } = await gateway.listen({ hostname: "127.0.0.1", port: 0 });
  process.send?.(url);
}

/** One request after another on one connection; counts whole answers. */
function keepCalling(port: number, count: () => void): void {
  const head = `POST /call/bench/noop HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: application/json`;
  const request = `${head}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
  const socket = connect(port, "127.0.0.1", () => socket.write(request));
  socket.setNoDelay(true);
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    const end = text.indexOf("\r\n\r\n");
    if (end < 0 || text.length < end + 8) return;
    if (!text.startsWith("HTTP/1.1 200 ")) throw fail("internal", { reason: text });
    text = "";
    count();
    socket.write(request);
  });
}

async function measure(connections: number, seconds: number): Promise<void> {
  const server = fork(import.meta.filename, ["serve"]);
  const url = await new Promise<string>((resolve) => server.once("message", resolve));
  let answers = 0;
  const port = Number(new URL(url).port);
  for (let i = 0; i < connections; i++) keepCalling(port, () => void answers++);
  await new Promise((resolve) => setTimeout(resolve, 1000)); // the compiler warms up
  answers = 0;
  const startedAt = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const rate = answers / ((performance.now() - startedAt) / 1000);
  console.log(`${Math.round(rate)} calls/s over ${connections} connections`);
  server.kill();
  process.exit();
}

if (process.argv[2] === "serve") await serve();
else await measure(Number(process.argv[2] ?? 64), Number(process.argv[3] ?? 5));
