/** The command line as a whole: which command, its help, and what becomes of what it throws. */
import { Command, CommanderError } from "commander";
import { readVersion } from "../server/version.ts";
import { type CommandModule, type CommandRow, groups } from "./command.ts";
import { commandTable } from "./command-table.ts";
import { exitCodes, reportFailure, usageError } from "./failure.ts";
import { endQuietlyWhenNobodyReads, print, stdout } from "./terminal.ts";

/** Runs one command line; resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  endQuietlyWhenNobodyReads();
  const json = argv.includes("--json");
  try {
    const program = await makeProgram(argv[0] === "help" ? argv[1] : argv[0]);
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync([...argv], { from: "user" });
    return Number(process.exitCode ?? exitCodes.ok.code);
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error, { json });
    if (error.exitCode === 0) return exitCodes.ok.code; // help or version was asked for
    const name = commandTable.find((row) => row.name === argv[0])?.name;
    const reason = error.message.replace(/^error: /, "").replaceAll("\n", " ");
    return reportFailure(usageError(reason, name), { json });
  }
}

/** All commands by name; only `wanted` is loaded, since nothing else of the rest will be needed. */
async function makeProgram(wanted: string | undefined): Promise<Command> {
  const program = new Command("holdfast");
  program
    .description("Runs TypeScript that must not lose its place: workflows, actors and services.")
    .version(readVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: (text) => print(text.trimEnd()) })
    .configureHelp({ styleTitle: stdout.style.bold, styleCommandText: stdout.style.cyan })
    .addHelpText("after", `\n${overview()}`);
  for (const row of commandTable) {
    const command = program.command(row.name).description(row.summary).helpGroup(groups[row.group]);
    if (row.name !== wanted) continue;
    const module: CommandModule = await row.load();
    module.define(command, commandTable);
    addExamples(command, row, module);
  }
  return program;
}

function addExamples(command: Command, { name }: CommandRow, { examples }: CommandModule): void {
  const { bold, dim } = stdout.style;
  const lines = examples.map(
    ([line, meaning]) =>
      `  ${dim(`# ${meaning}`)}\n  holdfast ${name}${line === "" ? "" : ` ${line}`}`,
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
    "  HOLDFAST_STORE, HOLDFAST_HOST, HOLDFAST_PORT, HOLDFAST_TOKENS, HOLDFAST_LOG: see holdfast help serve",
    "",
    bold("Exit codes:"),
    ...codes,
    "",
    "Each command has its own help with examples: holdfast help show",
  ].join("\n");
}
