import { join } from "node:path";
import {
  compare,
  expectEqual,
  inFolder,
  inTurn,
  type Outcome,
  type Size,
  spread,
} from "./harness.ts";
import { type RunningServer, startLoad, startServer } from "./processes.ts";

const inFlight = 200;
const syncMs = 10;
const plan = {
  tiny: { warmupMs: 50, roundMs: 50, rounds: 1 },
  quick: { warmupMs: 800, roundMs: 500, rounds: 3 },
  full: { warmupMs: 3_000, roundMs: 3_000, rounds: 5 },
};

/** No-op calls over HTTP on a disk that takes 10 ms to sync, against the same on this disk. */
export function slowDisk(size: Size): Promise<Outcome> {
  return inFolder(async (folder) => {
    const { warmupMs, roundMs, rounds } = plan[size];
    const slow = await startServer(join(folder, "slow.db"), syncMs);
    const fast = await startServer(join(folder, "fast.db"), 0);
    const load = await startLoad();
    let calls = 0;
    const delays = new Map<RunningServer, number[]>([
      [slow, []],
      [fast, []],
    ]);
    const rate = async (server: RunningServer, forMs: number): Promise<number> => {
      await server.begin();
      const done = await load.run({ url: server.url, calls: "call", inFlight, forMs });
      delays.get(server)?.push((await server.end()).loopDelayMs);
      calls += done.calls;
      return done.perSecond;
    };
    for (const server of [slow, fast]) await rate(server, warmupMs);
    for (const found of delays.values()) found.length = 0;
    const values = await inTurn(
      rounds,
      () => rate(slow, roundMs),
      () => rate(fast, roundMs),
    );
    const kept = (await slow.end()).invocations + (await fast.end()).invocations;
    const check = expectEqual("invocations in both stores", kept, calls);
    await Promise.all([slow.stop(), fast.stop(), load.stop()]);
    const [late, early] = [delays.get(slow) ?? [], delays.get(fast) ?? []];
    return {
      figures: [
        compare("slow-disk", "calls/s", values),
        compare("slow-disk.loop-p99", "ms", { ours: late, reference: early }),
      ],
      check,
      notes: [
        spread("calls/s with slow syncs", values.ours),
        spread("calls/s on this disk", values.reference),
        spread("event-loop delay p99 with slow syncs, ms", late),
        spread("event-loop delay p99 on this disk, ms", early),
      ],
    };
  });
}
