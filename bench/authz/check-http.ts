import { fork } from "node:child_process";
import { join } from "node:path";
import { expectEqual, median, type Outcome, type Size } from "../harness.ts";
import { firstMessage, stop } from "../peers/children.ts";
import type { HttpLoad, HttpReport } from "./http-load.ts";

const plan = {
  tiny: { size: 2_000, forMs: 100, rounds: 1 },
  quick: { size: 100_000, forMs: 1_500, rounds: 3 },
  full: { size: 1_000_000, forMs: 3_000, rounds: 5 },
};
const startMs = 60_000;

/** Our own API from a separate process: one check a request, and a hundred a request. */
export async function checkHttp(size: Size): Promise<Outcome> {
  const { size: relationships, forMs, rounds } = plan[size];
  const server = fork(join(import.meta.dirname, "http-server.ts"), [String(relationships)]);
  const load = fork(join(import.meta.dirname, "http-load.ts"));
  try {
    const url = (await firstMessage(server, startMs)) as string; // http-server.ts sends nothing else
    await firstMessage(load, startMs);
    const single: number[] = [];
    const bulk: number[] = [];
    let wrong = 0;
    for (let round = -1; round < rounds; round++) {
      for (const perRequest of [1, 100]) {
        const ask: HttpLoad = { url, relationships, perRequest, forMs };
        load.send(ask);
        const report = (await firstMessage(load, forMs + startMs)) as HttpReport; // its only answer
        wrong += report.wrong;
        // The first round warms up.
        if (round >= 0) (perRequest === 1 ? single : bulk).push(report.checksPerSecond);
      }
    }
    const figure = (name: string, ours: number): Outcome["figures"][number] => ({
      case: name,
      ours,
      reference: null,
      ratio: null,
      unit: "checks/s",
    });
    return {
      figures: [figure("check.http", median(single)), figure("check.http.bulk", median(bulk))],
      check: expectEqual("answers that were no answers", wrong, 0),
      notes: [`${relationships} relationships; 50 connections, and a bulk is 100 checks`],
    };
  } finally {
    await Promise.all([stop(server), stop(load)]);
  }
}
