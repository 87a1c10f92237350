// npm run bench -- peers [--quick] [--json]
import { parseArgs } from "node:util";
import type { Budget, CaseName, Contender, Measured } from "./contender.ts";
import { holdfast } from "./holdfast.ts";
import { install } from "./install.ts";

interface Row {
  readonly case: string;
  readonly ours: number | null;
  readonly reference: number;
  readonly ratio: number | null;
  readonly unit: string;
}

type Pair = readonly [warmup: number, measure: number];
type Figures = Map<CaseName, Measured>;

/** Seconds of warm-up and of measuring, by case: short for --quick, and the full length. */
const SECONDS: {
  readonly [name in CaseName]: { readonly quick: Pair; readonly full: Pair };
} = {
  // Always the first to run, so it warms the whole system: cold, Restate shows a sixth of its speed.
  "wf10.http": { quick: [3.5, 1.6], full: [8, 10] },
  "call.http": { quick: [0.5, 1.6], full: [2, 10] },
  "hot.http": { quick: [0.5, 1.6], full: [2, 10] },
  "wf10.latency": { quick: [0.2, 1], full: [1, 5] },
  // Its polling makes waves of a second or two, of which a few must fit in.
  "wf10.client": { quick: [1, 3], full: [3, 15] },
};
const MAX_CALLS = 2_000_000;

/** A case that only a peer has is held against the nearest one of ours. */
const NEAREST: { readonly [name in CaseName]?: CaseName } = { "wf10.client": "wf10.http" };

function budgetOf(name: CaseName, quick: boolean): Budget {
  const [warmup, measure] = SECONDS[name][quick ? "quick" : "full"];
  return { warmupMs: warmup * 1_000, measureMs: measure * 1_000, maxCalls: MAX_CALLS };
}

async function measure(contender: Contender, quick: boolean): Promise<Figures> {
  const figures: Figures = new Map();
  console.error(`${contender.name}: ${contender.version}`);
  try {
    await contender.start();
    for (const name of Object.keys(contender.cases) as CaseName[]) {
      const measured = await contender.cases[name]?.(budgetOf(name, quick));
      if (measured === undefined) continue;
      figures.set(name, measured);
      console.error(`  ${name}: ${round(measured.value)} ${measured.unit}`);
    }
  } finally {
    await contender.stop();
  }
  return figures;
}

function rowsOf(peer: string, theirs: Figures, ours: Figures): Row[] {
  return [...theirs].map(([name, { value, unit }]) => {
    const own = ours.get(NEAREST[name] ?? name)?.value ?? null;
    const ratio = own === null ? null : round(own / value);
    const reference = round(value);
    return { case: `${peer}/${name}`, ours: own && round(own), reference, ratio, unit };
  });
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

function table(rows: readonly Row[]): string {
  const cells = rows.map((row) =>
    [row.case, row.ours ?? "n/a", row.reference, row.ratio ?? "n/a", row.unit].map(String),
  );
  cells.unshift(["case", "ours", "reference", "ratio", "unit"]);
  const widths = [0, 1, 2, 3, 4].map((i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  const pad = (text: string, i: number) =>
    i === 0 || i === 4 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0);
  return cells.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}

function parsed(): { quick: boolean; json: boolean } {
  const option = { type: "boolean", default: false } as const;
  try {
    return parseArgs({ options: { quick: option, json: option } }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: npm run bench -- peers [--quick] [--json]`);
    return process.exit(2);
  }
}

const { quick, json } = parsed();
install();
// Only now: these import what has just been installed.
const { restate } = await import("./restate.ts");
const { dbos } = await import("./dbos.ts");

const ours = await measure(holdfast(), quick);
const rows: Row[] = [];
for (const peer of [restate(), dbos()]) {
  try {
    const found = rowsOf(peer.name, await measure(peer, quick), ours);
    if (json) for (const row of found) console.log(JSON.stringify(row));
    rows.push(...found);
  } catch (error) {
    // The other peer is still worth measuring.
    console.error(`${peer.name} failed:`, error);
    process.exitCode = 1;
  }
}
if (!json) console.log(table(rows));
