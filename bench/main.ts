// npm run bench -- engine|authz [--quick] [--json] [--case <name>]
import { parseArgs } from "node:util";
import { families } from "./cases.ts";
import { judge } from "./goals.ts";
import type { Figure } from "./harness.ts";
import { runCase } from "./processes.ts";

interface Options {
  readonly quick: boolean;
  readonly json: boolean;
  readonly names: readonly string[];
}

const usage = `usage: npm run bench -- engine [--quick] [--json] [--case <name>]
       npm run bench -- authz [--quick] [--json] [--case <name>]
       npm run bench -- peers [--quick] [--json]
${Object.entries(families)
  .map(([name, cases]) => `cases of ${name}: ${Object.keys(cases).join(", ")}`)
  .join("\n")}`;

process.exitCode = await main(parsed());

async function main({ quick, json, names }: Options): Promise<number> {
  const figures: Figure[] = [];
  let failures = 0;
  for (const name of names) {
    console.error(`${name} ...`);
    const outcome = await runCase(name, quick ? "quick" : "full");
    if (outcome === undefined) {
      console.error(`${name} failed`);
      failures++;
      continue;
    }
    console.error(`  checked: ${outcome.check}`);
    for (const note of outcome.notes ?? []) console.error(`  ${note}`);
    for (const figure of outcome.figures) {
      figures.push(figure);
      if (json) console.log(JSON.stringify(rounded(figure)));
    }
  }
  if (!json && figures.length > 0) console.log(table(figures));
  return failures === 0 ? 0 : 1;
}

function rounded(figure: Figure): Figure {
  const { ours, reference, ratio } = figure;
  return {
    ...figure,
    ours: round(ours),
    reference: reference && round(reference),
    ratio: ratio && round(ratio),
  };
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

function table(figures: readonly Figure[]): string {
  const cells = figures.map((it) => [
    it.case,
    text(it.ours),
    text(it.reference),
    text(it.ratio),
    it.unit,
    judge(it),
  ]);
  cells.unshift(["case", "ours", "reference", "ratio", "unit", "goal"]);
  const isText = [true, false, false, false, true, true];
  const widths = isText.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  const pad = (cell: string, i: number): string =>
    isText[i] === true ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
  return cells.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}

function text(value: number | null): string {
  if (value === null) return "-";
  return round(value).toLocaleString("en", { maximumFractionDigits: 3 });
}

function parsed(): Options {
  const flag = { type: "boolean", default: false } as const;
  const names = { type: "string", multiple: true } as const;
  try {
    const { values, positionals } = parseArgs({
      options: { quick: flag, json: flag, help: flag, case: names },
      allowPositionals: true,
    });
    if (values.help) {
      console.log(usage);
      return process.exit(0);
    }
    const [family = "", ...others] = positionals;
    const cases = families[family];
    if (cases === undefined || others.length > 0) throw new Error("bench what?");
    const all = Object.keys(cases);
    const chosen = values.case ?? all;
    const unknown = chosen.find((name) => !all.includes(name));
    if (unknown !== undefined) throw new Error(`there is no case "${unknown}"`);
    return { quick: values.quick, json: values.json, names: chosen };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    return process.exit(2);
  }
}
