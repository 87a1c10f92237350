import { Command } from "commander";
import { fail } from "../../model/errors.ts";
import { type CommandLeaf, type CommandRow, leavesOf } from "../command.ts";
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
  /** All its words. */
  readonly path: string;
  readonly options: readonly Option[];
}

/** Words that can come next, by the words before. */
interface Next {
  readonly before: string;
  readonly words: readonly { readonly name: string; readonly summary: string }[];
}

interface Known {
  readonly entries: readonly Entry[];
  readonly nexts: readonly Next[];
}

interface Option {
  /** With its dashes. */
  readonly flag: string;
  readonly description: string;
  readonly takesValue: boolean;
}

async function completion(shell: string, table: readonly CommandRow[]): Promise<void> {
  const scripts: Readonly<Record<string, (known: Known) => string>> = {
    bash,
    zsh,
    fish,
  };
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined) {
    const reason = "it is none of bash, zsh and fish";
    throw fail("invalid-argument", { what: `The shell ${JSON.stringify(shell)}`, reason });
  }
  const entries = await Promise.all(leavesOf(table).map((leaf) => describe(leaf, table)));
  print(script({ entries, nexts: nextsOf(table, "") }));
}

function nextsOf(table: readonly CommandRow[], before: string): Next[] {
  const own = { before, words: table.map(({ name, summary }) => ({ name, summary })) };
  const below = table.flatMap((row) =>
    "rows" in row ? nextsOf(row.rows, before === "" ? row.name : `${before} ${row.name}`) : [],
  );
  return [own, ...below];
}

async function describe(leaf: CommandLeaf, table: readonly CommandRow[]): Promise<Entry> {
  const command = new Command(leaf.name);
  (await leaf.load()).define(command, table);
  const options = command.options.map(({ long, description, required }) => ({
    flag: long ?? "",
    description,
    takesValue: required,
  }));
  return { path: leaf.path, options };
}

function bash({ entries, nexts }: Known): string {
  const namesAfter = ({ before, words }: Next): string => {
    const more = before === "" ? " help --help --version" : "";
    const names = words.map(({ name }) => name).join(" ");
    return `    "${before}") COMPREPLY=($(compgen -W "${names}${more}" -- "$current")); return ;;`;
  };
  const optionsOf = ({ path, options }: Entry): string => {
    const flags = options.map(({ flag }) => flag).join(" ");
    return `    "${path}" | "${path} "*) options="${flags}" ;;`;
  };
  const names = nexts[0]?.words.map(({ name }) => name).join(" ");
  return `# bash completion of holdfast
_holdfast() {
  local current="\${COMP_WORDS[COMP_CWORD]}" options=""
  local before="\${COMP_WORDS[*]:1:COMP_CWORD-1}"
  case "$before" in
${nexts.map(namesAfter).join("\n")}
    help) COMPREPLY=($(compgen -W "${names}" -- "$current")); return ;;
${entries.map(optionsOf).join("\n")}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options --help" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _holdfast holdfast`;
}

function zsh({ entries, nexts }: Known): string {
  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  // Brackets and colons have a meaning in what _arguments and _describe read.
  const escaped = (text: string): string => text.replace(/[[\]:\\]/g, "\\$&");
  const namesAfter = ({ before, words }: Next): string => {
    const names = words.map(({ name, summary }) => quote(`${name}:${escaped(summary)}`));
    return `    "${before}") commands=(${names.join(" ")}); _describe command commands ;;`;
  };
  const optionsOf = ({ path, options }: Entry): string => {
    const flags = options.map(({ flag, description, takesValue }) =>
      quote(`*${flag}[${escaped(description)}]${takesValue ? ":value:_files" : ""}`),
    );
    return `    "${path}" | "${path} "*) _arguments ${[...flags, "'*: :_files'"].join(" ")} ;;`;
  };
  return `#compdef holdfast
_holdfast() {
  local -a commands
  case "\${(j: :)words[2,CURRENT-1]}" in
${[...nexts.map(namesAfter), ...entries.map(optionsOf)].join("\n")}
  esac
}
_holdfast "$@"`;
}

function fish({ entries, nexts }: Known): string {
  const quote = (text: string): string => `'${text.replace(/['\\]/g, "\\$&")}'`;
  const seen = (words: string): string =>
    words
      .split(" ")
      .map((word) => `__fish_seen_subcommand_from ${word}`)
      .join("; and ");
  const lines = nexts.flatMap(({ before, words }) => {
    const names = words.map(({ name }) => name).join(" ");
    const when =
      before === ""
        ? "__fish_use_subcommand"
        : quote(`${seen(before)}; and not __fish_seen_subcommand_from ${names}`);
    return words.map(
      ({ name, summary }) => `complete -c holdfast -f -n ${when} -a ${name} -d ${quote(summary)}`,
    );
  });
  const options = entries.flatMap(({ path, options: all }) =>
    all.map(
      ({ flag, description, takesValue }) =>
        `complete -c holdfast -n ${quote(seen(path))} -l ${flag.slice(2)}` +
        `${takesValue ? " -r" : ""} -d ${quote(description)}`,
    ),
  );
  return ["# fish completion of holdfast", ...lines, ...options].join("\n");
}
