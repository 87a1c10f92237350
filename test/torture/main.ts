// `npm run torture -- --kills 200 [--seconds 300] [--seed 7]`: kills the real server under load and
// accounts for everything that it had acknowledged. Ends with one line, and 0 if nothing is amiss.
import { parseArgs } from "node:util";
import { sabotages } from "./sabotage.ts";
import { type TortureReport, torture } from "./torture.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "20" },
    seconds: { type: "string" },
    seed: { type: "string" },
    // Damages the store before the accounting, to show that it would be seen: "lose" or "double".
    sabotage: { type: "string" },
  },
});

const seed = readNumber("seed") ?? Math.floor(Math.random() * 1e9);
const seconds = readNumber("seconds");
const tamper = values.sabotage === undefined ? undefined : sabotages[values.sabotage];
const startedAt = performance.now();

const report = await torture({
  kills: readNumber("kills") ?? 20,
  seed,
  ...(seconds === undefined ? {} : { seconds }),
  ...(tamper === undefined ? {} : { tamper }),
  progress: (line) => process.stderr.write(`${elapsed()} ${line}\n`),
});
for (const { kind, what, detail } of report.findings.slice(0, 100)) {
  process.stderr.write(`${kind}: ${what}: ${detail}\n`);
}
console.log(summary(report));
process.exitCode = report.findings.length > 0 ? 1 : 0;

function summary({ kills, acknowledged, unknown, steps, findings, folder }: TortureReport): string {
  const what = `${kills} kills, ${acknowledged} effects acknowledged, ${unknown} unanswered`;
  if (findings.length === 0) {
    return (
      `ok: ${what}; each acknowledged effect is there exactly once, no other twice; ` +
      `${steps.committed} steps have one result each, ${steps.repeated} of their runs were ` +
      `repetitions (seed ${seed}, ${elapsed()})`
    );
  }
  const first = findings.slice(0, 3).map(({ kind, what: of }) => `${kind} ${of}`);
  const rest = findings.length > 3 ? ` and ${findings.length - 3} more` : "";
  return `FAILED: ${what}; ${first.join(", ")}${rest} (seed ${seed}; everything is in ${folder})`;
}

function elapsed(): string {
  return `${Math.round((performance.now() - startedAt) / 1000)} s`;
}

function readNumber(name: "kills" | "seconds" | "seed"): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`--${name} takes a whole number, and not "${text}"`);
  process.exit(2);
}
