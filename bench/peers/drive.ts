// The load: a process of its own that keeps a number of calls in flight for a while, and reports.
// Started with: <module with calls()> <target> <case> <concurrency> <budget as JSON>
import { firstMessage, startNode, stop } from "./children.ts";
import type { Budget, Calls, CaseName, Measured } from "./contender.ts";

interface Report {
  readonly perSecond: number;
  readonly p50: number;
}

const MOST_IN_FLIGHT = 200;
const GRACE_MS = 15_000;

/** Throughput of a case with 200 calls in flight, or the latency of one call at a time. */
export async function drive(
  client: string,
  target: string,
  name: CaseName,
  unit: Measured["unit"],
  budget: Budget,
): Promise<Measured> {
  const inFlight = unit === "ms" ? 1 : MOST_IN_FLIGHT;
  const args = [client, target, name, String(inFlight), JSON.stringify(budget)];
  const child = startNode("drive.ts", args);
  try {
    const within = budget.warmupMs + budget.measureMs + GRACE_MS;
    const report = (await firstMessage(child, within)) as Report;
    return { value: unit === "ms" ? report.p50 : report.perSecond, unit };
  } finally {
    await stop(child);
  }
}

async function load(call: () => Promise<unknown>, inFlight: number, budget: Budget) {
  const begun = performance.now();
  const from = begun + budget.warmupMs;
  const until = from + budget.measureMs;
  const times: number[] = [];
  let calls = 0;
  let opened = begun;
  let closed = begun;
  async function worker(): Promise<void> {
    while (calls < budget.maxCalls) {
      const sent = performance.now();
      if (sent >= until) return;
      calls += 1;
      await call();
      const back = performance.now();
      if (back >= until) continue;
      closed = back;
      if (back >= from) times.push(back - sent);
      else opened = back;
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker));
  if (times.length === 0) throw new Error("no call ended within the time measured");
  times.sort((a, b) => a - b);
  const p50 = times[Math.floor(times.length / 2)] ?? Number.NaN;
  // From the last end before the window to the last one in it: calls that wait for one another
  // end in waves of 200, and a window with edges at fixed times would count a wave too many.
  return { perSecond: (times.length * 1_000) / (closed - opened), p50 } satisfies Report;
}

if (import.meta.main) {
  process.once("disconnect", () => process.exit(1));
  const [client = "", target = "", name = "", inFlight = "", budget = ""] = process.argv.slice(2);
  const module = (await import(client)) as { calls(target: string): Promise<Calls> };
  const call = (await module.calls(target))[name];
  if (call === undefined) throw new Error(`${client} has no case ${name}`);
  const report = await load(call, Number(inFlight), JSON.parse(budget) as Budget);
  process.send?.(report, () => process.exit(0));
}
