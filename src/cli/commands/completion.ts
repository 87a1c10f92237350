import { Command } from "commander";
import { fail } from "../../model/errors.ts";
import type { CommandRow } from "../command.ts";
import { print } from "../terminal.ts";

export const examples: readonly (readonly [string, string])[] = [
  ["bash >> ~/.bashrc", "for bash"],
  ["zsh > ~/.zfunc/_holdfast", "for zsh, with ~/.zfunc in its fpath"],
  ["fish > ~/.config/fish/completions/holdfast.fish", "for fish"],
];

export function define(command: Command, table: readonly CommandRow[]): void {
  command.argument("<shell>", "bash, zsh or fish").action((shell) => completion(shell, table));
}

interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly Option[];
}

interface Option {
  /** With its dashes. */
  readonly flag: string;
  readonly description: string;
  readonly takesValue: boolean;
}

async function completion(shell: string, table: readonly CommandRow[]): Promise<void> {
  const scripts: Readonly<Record<string, (entries: readonly Entry[]) => string>> = {
    bash,
    zsh,
    fish,
  };
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined) {
    const reason = "it is none of bash, zsh and fish";
    throw fail("invalid-argument", { what: `The shell ${JSON.stringify(shell)}`, reason });
  }
  print(script(await Promise.all(table.map((row) => describe(row, table)))));
}

async function describe(row: CommandRow, table: readonly CommandRow[]): Promise<Entry> {
  const command = new Command(row.name);
  (await row.load()).define(command, table);
  const options = command.options.map(({ long, description, required }) => ({
    flag: long ?? "",
    description,
    takesValue: required,
  }));
  return { name: row.name, summary: row.summary, options };
}

function bash(entries: readonly Entry[]): string {
  const names = entries.map(({ name }) => name).join(" ");
  const cases = entries.map(
    ({ name, options }) => `    ${name}) options="${options.map(({ flag }) => flag).join(" ")}" ;;`,
  );
  return `# bash completion of holdfast
_holdfast() {
  local current="\${COMP_WORDS[COMP_CWORD]}" options=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names} help --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
    help) COMPREPLY=($(compgen -W "${names}" -- "$current")); return ;;
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options --help" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _holdfast holdfast`;
}

function zsh(entries: readonly Entry[]): string {
  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  // Brackets and colons have a meaning in what _arguments and _describe read.
  const escaped = (text: string): string => text.replace(/[[\]:\\]/g, "\\$&");
  const names = entries.map(({ name, summary }) => `    ${quote(`${name}:${escaped(summary)}`)}`);
  const cases = entries.map(({ name, options }) => {
    const flags = options.map(({ flag, description, takesValue }) =>
      quote(`*${flag}[${escaped(description)}]${takesValue ? ":value:_files" : ""}`),
    );
    return `    ${name}) _arguments ${[...flags, "'*: :_files'"].join(" ")} ;;`;
  });
  return `#compdef holdfast
_holdfast() {
  local -a commands
  commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "$words[2]" in
${cases.join("\n")}
  esac
}
_holdfast "$@"`;
}

function fish(entries: readonly Entry[]): string {
  const quote = (text: string): string => `'${text.replace(/['\\]/g, "\\$&")}'`;
  const lines = entries.flatMap(({ name, summary, options }) => [
    `complete -c holdfast -f -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
    ...options.map(
      ({ flag, description, takesValue }) =>
        `complete -c holdfast -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}` +
        `${takesValue ? " -r" : ""} -d ${quote(description)}`,
    ),
  ]);
  return ["# fish completion of holdfast", ...lines].join("\n");
}
