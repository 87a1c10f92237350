/** The command line as a whole: which command, its help, and what becomes of what it throws. */
import { Command, CommanderError } from "commander";
import { PermissionDenied } from "../model/denial.ts";
import { readVersion } from "../server/version.ts";
import {
  type CommandLeaf,
  type CommandModule,
  type CommandRow,
  groups,
  leavesOf,
} from "./command.ts";
import { commandTable } from "./command-table.ts";
import { exitCodes, reportFailure, usageError } from "./failure.ts";
import { endQuietlyWhenNobodyReads, print, say, stdout } from "./terminal.ts";

/** Runs one command line; resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  endQuietlyWhenNobodyReads();
  const json = argv.includes("--json");
  try {
    // What Commander knows of help ends at the first word.
    const asks = argv[0] === "help" && argv.length > 2;
    const words = asks ? [...argv.slice(1), "--help"] : isGroup(argv) ? [...argv, "--help"] : argv;
    const program = await makeProgram(leafOf(words[0] === "help" ? words.slice(1) : words));
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync([...words], { from: "user" });
    return Number(process.exitCode ?? exitCodes.ok.code);
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      const code = reportFailure(error, { json });
      if (error instanceof PermissionDenied && !json) await explainDenial(error);
      return code;
    }
    if (error.exitCode === 0) return exitCodes.ok.code; // help or version was asked for
    const known = leafOf(argv)?.path ?? commandTable.find(({ name }) => name === argv[0])?.name;
    const reason = error.message.replace(/^error: /, "").replaceAll("\n", " ");
    return reportFailure(usageError(usageReason(reason, known), known), { json });
  }
}

/** Why, for those who may know it. Loaded here, since nothing else needs it. */
async function explainDenial({ explanation }: PermissionDenied): Promise<void> {
  if (explanation === undefined) return;
  const { explanationText } = await import("./commands/authz/verdict.ts");
  say(explanationText(explanation));
}

/** Commander prints the help where a word is missing, and has no more to say about it. */
function usageReason(reason: string, known: string | undefined): string {
  if (reason !== "(outputHelp)") return reason;
  return `after ${known ?? "holdfast"} another word is missing`;
}

/** Whether it names commands, and none of them: as with `holdfast` alone, their help is meant. */
function isGroup(words: readonly string[]): boolean {
  let table: readonly CommandRow[] | undefined = commandTable;
  for (const word of words) {
    const row: CommandRow | undefined = table?.find(({ name }) => name === word);
    table = row !== undefined && "rows" in row ? row.rows : undefined;
  }
  return words.length > 0 && table !== undefined;
}

/** The command that a command line names. */
function leafOf(words: readonly string[]): CommandLeaf | undefined {
  return leavesOf(commandTable).find(({ path }) =>
    path.split(" ").every((word, index) => words[index] === word),
  );
}

/** All commands by name; only `wanted` is loaded, since nothing else of the rest will be needed. */
async function makeProgram(wanted: CommandLeaf | undefined): Promise<Command> {
  const program = new Command("holdfast");
  program
    .description("Runs TypeScript that must not lose its place: workflows, actors and services.")
    .version(readVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: (text) => print(text.trimEnd()) })
    .configureHelp({ styleTitle: stdout.style.bold, styleCommandText: stdout.style.cyan })
    .addHelpText("after", `\n${overview()}`);
  await addRows(program, commandTable, { wanted, before: "" });
  return program;
}

async function addRows(
  parent: Command,
  table: readonly CommandRow[],
  { wanted, before }: { readonly wanted: CommandLeaf | undefined; readonly before: string },
): Promise<void> {
  for (const row of table) {
    const path = `${before}${row.name}`;
    const command = parent.command(row.name).description(row.summary);
    if (before === "") command.helpGroup(groups[row.group]);
    if ("rows" in row) await addRows(command, row.rows, { wanted, before: `${path} ` });
    else if (path === wanted?.path) {
      const module = await row.load();
      module.define(command, commandTable);
      addExamples(command, path, module);
    }
  }
}

function addExamples(command: Command, path: string, { examples }: CommandModule): void {
  const { bold, dim } = stdout.style;
  const lines = examples.map(
    ([line, meaning]) =>
      `  ${dim(`# ${meaning}`)}\n  holdfast ${path}${line === "" ? "" : ` ${line}`}`,
  );
  command.addHelpText("after", `\n${bold("Examples:")}\n${lines.join("\n")}`);
}

function overview(): string {
  const { bold } = stdout.style;
  const codes = Object.values(exitCodes).map(
    ({ code, meaning }) => `  ${String(code).padEnd(5)} ${meaning}`,
  );
  return [
    bold("Environment:"),
    "  HOLDFAST_URL    the server that commands talk to (default http://127.0.0.1:7400)",
    "  HOLDFAST_TOKEN  the access token that they show",
    "  HOLDFAST_TENANT the tenant that authz commands mean (default: default)",
    "  HOLDFAST_STORE, HOLDFAST_HOST, HOLDFAST_PORT, HOLDFAST_TOKENS, HOLDFAST_LIMITS, HOLDFAST_LOG: see holdfast help serve",
    "",
    bold("Exit codes:"),
    ...codes,
    "",
    "Each command has its own help with examples: holdfast help show, holdfast help authz check",
  ].join("\n");
}
