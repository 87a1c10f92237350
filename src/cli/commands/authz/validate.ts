import path from "node:path";
import type { Command } from "commander";
import type { Outcome } from "../../../authz/validation/validation.ts";
import { openAuthz } from "../../../server/open-authz.ts";
import { type FileValidation, validateWith } from "../../../server/validate-file.ts";
import { readSource } from "../../connection.ts";
import { exitCodes, plain } from "../../failure.ts";
import { type Column, formatTable } from "../../table.ts";
import { print, stdout } from "../../terminal.ts";
import { explanationText } from "./verdict.ts";

interface ValidateOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly explain: boolean;
}

export const examples: readonly (readonly [string, string])[] = [
  ["drive.yaml", "SpiceDB's form: assertions and expected relations"],
  ["store.fga.yaml", "a store file of OpenFGA"],
  ["*.yaml --verbose", "several, with what passed as well"],
];

export function define(command: Command): void {
  command
    .argument("<files...>", "validation files; no server is asked")
    .option("--verbose", "show what passed, too")
    .option("--no-explain", "leave out why an expectation failed")
    .option("--json", "print JSON, for programs: one file a line")
    .addHelpText("after", "\nEnds with 1 when anything is not as a file says.")
    .action(validate);
}

async function validate(files: readonly string[], options: ValidateOptions): Promise<void> {
  await using authz = await openAuthz({ store: ":memory:", log: () => {} });
  let arePassed = true;
  for (const file of files) {
    const text = await readSource(file === "-" ? "-" : `@${file}`);
    const report = await validateWith(authz, { text, folder: path.dirname(file) });
    arePassed &&= report.passed;
    if (options.json === true) print(JSON.stringify({ file, ...report }));
    else printReport(file, report, options);
  }
  if (!arePassed) process.exitCode = exitCodes.failed.code;
}

function printReport(file: string, report: FileValidation, options: ValidateOptions): void {
  const { green, red, yellow, bold, dim } = stdout.style;
  const { outcomes, problems, form, passed } = report;
  const failed = outcomes.filter((outcome) => !outcome.passed);
  const errors = problems.filter(({ severity }) => severity === "error");
  const mark = passed ? green("✓") : red("✗");
  const counts = [
    `${outcomes.length - failed.length} passed`,
    ...(failed.length === 0 ? [] : [red(`${failed.length} failed`)]),
    ...(errors.length === 0 ? [] : [red(`${errors.length} could not be tried`)]),
  ];
  const words = { spicedb: "SpiceDB's form", openfga: "OpenFGA's form" };
  print(`${mark} ${bold(plain(file))}  ${counts.join(", ")}  ${dim(words[form])}`);
  for (const { message, line, file: of, severity } of problems) {
    const place = `${plain(of ?? file)}${line === null ? "" : `:${line}`}`;
    const what = severity === "error" ? red("error") : yellow("warning");
    print(`  ${place}: ${what}: ${plain(message)}`);
  }
  const shown = options.verbose === true ? outcomes : failed;
  if (shown.length === 0) return;
  const table = formatTable(columns, shown, stdout.columns - 2);
  print(table.replace(/^/gm, "  "));
  for (const outcome of failed) printWhy(outcome, options);
}

/** What does not fit into a row, and the way the answer came about. */
function printWhy(outcome: Outcome, { explain }: ValidateOptions): void {
  const { dim } = stdout.style;
  const { what, line, expected, given, explanation } = outcome;
  // What has no explanation, such as a list, is told in full however short it is.
  const isLong = explanation === undefined || expected.length + given.length > longestInRow;
  if (!isLong && !explain) return;
  print(`\n  ${dim(`line ${line}:`)} ${plain(what)}`);
  if (isLong) {
    print(`  ${dim("expected")}  ${plain(expected)}`);
    print(`  ${dim("given")}     ${plain(given)}`);
  }
  if (explain && explanation !== undefined) print(explanationText(explanation, "  "));
}

const longestInRow = 30;

const columns: readonly Column<Outcome>[] = [
  { title: "line", cell: ({ line }) => String(line ?? ""), align: "right" },
  {
    title: "",
    cell: ({ passed }) => (passed ? "✓" : "✗"),
    paint: (text, { passed }) => (passed ? stdout.style.green(text) : stdout.style.red(text)),
  },
  { title: "in", cell: ({ group }) => group, flexible: true, paint: stdout.style.dim },
  { title: "what", cell: ({ what }) => what, flexible: true },
  { title: "expected", cell: ({ expected }) => expected, flexible: true },
  { title: "given", cell: ({ given }) => given, flexible: true },
];
