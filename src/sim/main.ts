import { parseArgs } from "node:util";
import { simulate, type Verdict } from "./simulation.ts";
import { allSabotages, type Sabotage } from "./swarm.ts";
import { workloadNames } from "./workloads/all.ts";

const usage = `npm run sim -- [--seeds N] [--from S]   runs N worlds (default 1000) from seed S (default 1)
npm run sim -- --seed S                 runs one world, and says how it went
       --sabotage NAME                  plants a fault: ${allSabotages.join(", ")}
       --workload NAME                  this work alone: ${workloadNames.join(", ")}
       --stop                           stops at the first seed that fails`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
      sabotage: { type: "string" },
      workload: { type: "string" },
      stop: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const sabotage = (values.sabotage ?? null) as Sabotage | null; // checked here
  const numbers = [values.seeds, values.from, values.seed ?? "0"].map(Number);
  const workload = values.workload ?? null;
  const isKnown = workload === null || workloadNames.includes(workload);
  const wrong = !isKnown || (sabotage !== null && !allSabotages.includes(sabotage));
  if (values.help || wrong || !numbers.every(Number.isSafeInteger)) {
    console.error(usage);
    return values.help ? 0 : 2;
  }
  const [seeds = 0, from = 0, single = 0] = numbers;
  const options = { sabotage, workload, stop: values.stop };
  if (values.seed !== undefined) return await one(single, options);
  return await many(from, seeds, options);
}

async function one(seed: number, options: Options): Promise<number> {
  const verdict = await simulate(seed, options.sabotage, options.workload);
  console.log(`${verdict.workloads.join(", ")}\n${verdict.swarm}`);
  console.log(`${verdict.events} events, ${verdict.batches} batches, hash ${verdict.hash}`);
  if (verdict.violation === null) {
    console.log(`Seed ${seed} holds.`);
    return 0;
  }
  report(verdict, options);
  return 1;
}

interface Options {
  readonly sabotage: Sabotage | null;
  readonly workload: string | null;
  readonly stop: boolean;
}

async function many(from: number, seeds: number, options: Options): Promise<number> {
  const startedAt = performance.now();
  let toldAt = startedAt;
  let events = 0;
  const failed: number[] = [];
  for (let seed = from; seed < from + seeds; seed++) {
    const verdict = await simulate(seed, options.sabotage, options.workload);
    events += verdict.events;
    if (verdict.violation !== null) {
      failed.push(seed);
      report(verdict, options);
      if (options.stop) break;
    }
    if (performance.now() - toldAt < 2_000) continue;
    toldAt = performance.now();
    const done = seed - from + 1;
    const rate = ((done * 1_000) / (toldAt - startedAt)).toFixed(1);
    console.error(`${done} of ${seeds} seeds, ${failed.length} failed, ${rate} seeds/s`);
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const verdict = failed.length === 0 ? "all hold" : `${failed.length} fail: ${failed.join(" ")}`;
  console.log(`${seeds} seeds from ${from}: ${verdict} (${events} events in ${seconds} s)`);
  return failed.length === 0 ? 0 : 1;
}

function report(verdict: Verdict, { sabotage, workload }: Options): void {
  const { seed, violation, swarm, workloads, trace } = verdict;
  const planted = sabotage === null ? "" : ` --sabotage ${sabotage}`;
  const alone = workload === null ? "" : ` --workload ${workload}`;
  console.log(`
Seed ${seed} fails: ${violation}
  with ${workloads.join(", ")}
  in   ${swarm}
  last ${trace.slice(-30).join("\n       ")}
Again: npm run sim -- --seed ${seed}${planted}${alone}`);
}
