import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect, makeClient } from "holdfast/client";
import {
  compare,
  expectEqual,
  inFolder,
  inTurn,
  type Outcome,
  type Size,
  spread,
} from "./harness.ts";
import { start as startProcess, stop } from "./peers/children.ts";
import { noop } from "./programs.ts";

const rounds = { tiny: 1, quick: 5, full: 15 };
const cli = join(import.meta.dirname, "..", "src", "cli", "main.ts");
const app = join(import.meta.dirname, "programs.ts");
/** What any server in Node costs: a process that listens and says so. */
const bareServer = `require("node:http").createServer().listen(0, "127.0.0.1", function () {
  console.log("ready at http://127.0.0.1:" + this.address().port);
})`;

/** `holdfast dev` from nothing to ready, against a bare HTTP server in Node. */
export function start(size: Size): Promise<Outcome> {
  return inFolder(async (folder) => {
    let launches = 0;
    let answered = 0;
    const ours = async (): Promise<number> => {
      const store = join(folder, `${launches++}.db`);
      const args = [...process.execArgv, cli, "dev", app, "--port", "0", "--store", store];
      return await timeToReady(args, async (url) => {
        const answer = await makeClient(connect({ url })).call(noop).call();
        expectEqual("the first call", answer, 0);
        answered++;
      });
    };
    const reference = (): Promise<number> => timeToReady(["-e", bareServer]);
    // The first launch of all fills the compile cache.
    await ours();
    const values = await inTurn(rounds[size], ours, reference);
    return {
      figures: [compare("start", "ms", values)],
      check: expectEqual("launches that answered a call", answered, launches),
      notes: [spread("ms to ready", values.ours), spread("a bare server, ms", values.reference)],
    };
  });
}

async function timeToReady(
  args: readonly string[],
  use: (url: string) => Promise<void> = async () => {},
): Promise<number> {
  const begun = performance.now();
  const child = startProcess(process.execPath, args, { stdio: ["ignore", "pipe", 2] });
  try {
    const url = await readyUrl(child);
    const took = performance.now() - begun;
    await use(url);
    return took;
  } finally {
    await stop(child);
  }
}

/** The address in the line that says that it is ready. */
function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`it ended with ${code} before it was ready`)));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [url] = /http:\/\/[\d.]+:\d+/.exec(line) ?? [];
      if (url !== undefined) resolve(url);
    });
  });
}
