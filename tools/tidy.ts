// The rules of the house that neither the compiler nor the linter knows. Each violation says what
// to do instead. `npm test` runs this first; alone: `npm run node -- tools/tidy.ts`.
import path from "node:path";
import {
  type Import,
  importsOf,
  localExports,
  readSources,
  type Sources,
  type Token,
  tokenize,
} from "./sources.ts";

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** Every folder under src/. A file imports lower ranks and its own room, nothing else. */
export const ranks: Readonly<Record<string, number>> = {
  std: 0,
  host: 1,
  model: 1,
  store: 2,
  sdk: 2,
  client: 2,
  engine: 3,
  authz: 3,
  identity: 3,
  secrets: 3,
  schema: 3,
  traffic: 3,
  isolate: 3,
  executor: 4,
  topics: 4,
  cluster: 4,
  gateway: 4,
  server: 5,
  cli: 6,
  sim: 6,
  entry: 7,
};

/** The one file of the CLI that talks to the terminal and reads the environment. */
const terminalFile = "src/cli/terminal.ts";

/** The folders beside src/ and what they may import besides themselves and "holdfast". */
const neighbours: Readonly<Record<string, readonly string[]>> = {
  tools: ["src"],
  test: ["src"],
  bench: ["src"],
  examples: [],
  console: [],
};

interface SourceFile {
  readonly file: string;
  readonly tokens: readonly Token[];
  readonly imports: readonly Import[];
  /** Tests, benches and contract suites need not be deterministic and may throw what they like. */
  readonly isTest: boolean;
}

export function tidy(sources: Sources): readonly Violation[] {
  const files = [...sources].map(([file, text]) => parse(file, text));
  const single = files.flatMap((file) => [
    ...checkBorders(file),
    ...checkHostOnly(file),
    ...checkErrors(file),
    ...checkReExports(file),
    ...checkCommands(file),
  ]);
  return [...single, ...checkCycles(files)].sort(
    (a, b) => a.file.localeCompare(b.file) || a.line - b.line,
  );
}

export function describe({ file, line, message }: Violation): string {
  return `${file}:${line}: ${message}`;
}

function parse(file: string, text: string): SourceFile {
  const tokens = tokenize(text);
  const isTest = isTestFile(file) || file.endsWith("/conformance.ts");
  return { file, tokens, imports: importsOf(tokens), isTest };
}

/** Nothing may import these, so ranks do not bind them. */
function isTestFile(file: string): boolean {
  return /\.(test|bench)\.tsx?$/.test(file);
}

// --- Ranks and borders ----------------------------------------------------------------------------

function checkBorders(source: SourceFile): readonly Violation[] {
  const { file, imports } = source;
  const found: Violation[] = [];
  const [top, room] = file.split("/");
  if (top === "src" && roomOf(file) === undefined) {
    const what =
      file.split("/").length < 3 ? "lies in no room" : `is in src/${room}/, which has no rank`;
    const message = `this file ${what}; put it into a room listed in \`ranks\` of tools/tidy.ts`;
    found.push({ file, line: 1, message });
  }
  for (const { from, line } of imports) {
    const target = targetOf(file, from);
    if (target === undefined) continue;
    const message =
      top === "src" ? whySourceMayNot(file, from, target) : whyNeighbourMayNot(file, from, target);
    if (message !== undefined) found.push({ file, line, message });
  }
  return found;
}

function whySourceMayNot(file: string, from: string, target: string): string | undefined {
  if (isTestFile(target)) return `${target} is a test; move what is shared to a file of its own`;
  if (isTestFile(file)) return undefined;
  if (!from.startsWith(".")) return `"${from}" is for users; inside src/ import the file itself`;
  if (!target.startsWith("src/")) return `${target} is outside src/, which imports only itself`;
  const [room, targetRoom] = [roomOf(file), roomOf(target)];
  if (room === undefined || targetRoom === undefined || room === targetRoom) return undefined;
  if (rankOf(targetRoom) < rankOf(room)) return undefined;
  return (
    `${room} (rank ${rankOf(room)}) imports ${targetRoom} (rank ${rankOf(targetRoom)}); only lower ` +
    "ranks may be imported: let src/server/ pass it in, or move the shared type to src/model/"
  );
}

function whyNeighbourMayNot(file: string, from: string, target: string): string | undefined {
  if (!from.startsWith(".")) return undefined;
  const [top = "", targetTop = ""] = [file.split("/")[0], target.split("/")[0]];
  const allowed = neighbours[top] ?? [];
  if (targetTop === top || allowed.includes(targetTop)) return undefined;
  return allowed.length === 0 && targetTop === "src"
    ? `${top}/ uses only what users have; import from "holdfast", "holdfast/client" or "holdfast/testing"`
    : `${top}/ imports only itself, "holdfast"${allowed.map((name) => ` and ${name}/`).join("")}; ` +
        `move what it needs from ${targetTop}/ to src/`;
}

function rankOf(room: string): number {
  return ranks[room] ?? 0;
}

function roomOf(file: string): string | undefined {
  const [top, room = "", inside] = file.split("/");
  return top === "src" && inside !== undefined && Object.hasOwn(ranks, room) ? room : undefined;
}

/** The file in this repository that a specifier means; undefined for packages. */
function targetOf(file: string, from: string): string | undefined {
  if (from.startsWith(".")) return path.posix.join(path.posix.dirname(file), from);
  if (from === "holdfast") return "src/entry/holdfast.ts";
  return from.startsWith("holdfast/")
    ? `src/entry/${from.slice("holdfast/".length)}.ts`
    : undefined;
}

// --- Cycles ---------------------------------------------------------------------------------------

/** Depth-first search; each way back to a file that is still open is one cycle, told once. */
function checkCycles(files: readonly SourceFile[]): readonly Violation[] {
  const byName = new Map(files.map((source) => [source.file, source]));
  const finished = new Set<string>();
  const open: string[] = [];
  const found: Violation[] = [];

  function visit(file: string): void {
    const source = byName.get(file);
    if (source === undefined || finished.has(file)) return;
    open.push(file);
    for (const { from, line } of source.imports) {
      const target = targetOf(file, from);
      if (target === undefined) continue;
      const start = open.indexOf(target);
      if (start < 0) visit(target);
      else found.push({ file, line, message: cycleMessage([...open.slice(start), target]) });
    }
    open.pop();
    finished.add(file);
  }

  for (const file of byName.keys()) visit(file);
  return found;
}

function cycleMessage(files: readonly string[]): string {
  return (
    `import cycle ${files.join(" -> ")}; move what both need into a third file, or pass a function ` +
    "in (type-only imports count)"
  );
}

// --- Clock, randomness, timers, environment, console ----------------------------------------------

type Machine = "clock" | "randomness" | "timers" | "environment" | "console";

const replacements: Readonly<Record<Machine, string>> = {
  clock: "take now() or monotonic() from the Host that is passed in",
  randomness: "take random() from the Host that is passed in",
  timers: "take setTimer() or defer() from the Host that is passed in",
  environment: `read it in src/server/ (in the CLI: ${terminalFile}) and pass the value in`,
  console: `write to the log of the Host that is passed in (in the CLI: ${terminalFile})`,
};

const randomNames = [
  "getRandomValues",
  "randomBytes",
  "randomFill",
  "randomFillSync",
  "randomInt",
  "randomUUID",
  "randomUUIDv7",
];

/** Members of global objects, and named imports of the modules of the same name. */
const members: Readonly<Record<string, Readonly<Record<string, Machine>>>> = {
  Date: { now: "clock" },
  Temporal: { Now: "clock" },
  Math: { random: "randomness" },
  AbortSignal: { timeout: "timers" },
  crypto: Object.fromEntries(randomNames.map((name) => [name, "randomness" as const])),
  process: {
    hrtime: "clock",
    uptime: "clock",
    env: "environment",
    stdout: "console",
    stderr: "console",
  },
};

/** Global objects of which every member is out of bounds. */
const objects: Readonly<Record<string, Machine>> = { console: "console", performance: "clock" };

const functions: Readonly<Record<string, Machine>> = {
  setTimeout: "timers",
  setInterval: "timers",
  setImmediate: "timers",
  clearTimeout: "timers",
  clearInterval: "timers",
  clearImmediate: "timers",
};

const modules: Readonly<Record<string, Machine>> = {
  timers: "timers",
  "timers/promises": "timers",
  perf_hooks: "clock",
  console: "console",
};

function checkHostOnly(source: SourceFile): readonly Violation[] {
  const { file, tokens, imports, isTest } = source;
  if (isTest || !file.startsWith("src/")) return [];
  const allowed = machineAllowedIn(file);
  const found: (Violation & { readonly machine: Machine })[] = [];
  const report = (line: number, what: string, machine: Machine | undefined) => {
    if (machine === undefined || allowed.includes(machine)) return;
    if (found.some((other) => other.line === line && other.machine === machine)) return;
    found.push({
      file,
      line,
      machine,
      message: `${what} (${machine}) is out of bounds here; ${replacements[machine]}`,
    });
  };
  for (const { from, line, names } of imports) {
    const name = from.replace(/^node:/, "");
    if (Object.hasOwn(modules, name)) report(line, `"${from}"`, modules[name]);
    for (const taken of names) report(line, `${taken} of "${from}"`, memberMachine(name, taken));
  }
  const aliases = aliasesOf(imports);
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== "word" || isMemberOfOther(tokens, index)) continue;
    const use = useAt(tokens, index, aliases.get(token.text) ?? token.text);
    if (use !== undefined) report(token.line, use.what, use.machine);
  }
  return found;
}

function machineAllowedIn(file: string): readonly Machine[] {
  const room = roomOf(file);
  if (room === "host" || room === "sim") return Object.keys(replacements) as Machine[];
  if (room === "server") return ["environment"];
  return file === terminalFile ? ["environment", "console"] : [];
}

/** `import nodeCrypto from "node:crypto"` makes `nodeCrypto` another word for `crypto`. */
function aliasesOf(imports: readonly Import[]): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const { from, locals } of imports) {
    const name = from.replace(/^node:/, "");
    if (from.startsWith("node:") && Object.hasOwn(members, name)) {
      for (const local of locals) aliases.set(local, name);
    }
  }
  return aliases;
}

/** True for `x.setTimeout`, and for the key in `{ setTimeout: ... }`; not for `globalThis.setTimeout`. */
function isMemberOfOther(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1]?.text;
  if (before === "." || before === "?.") return tokens[index - 2]?.text !== "globalThis";
  const after = tokens[index + 1]?.text;
  return (after === ":" || after === "?") && (before === "{" || before === "," || before === ";");
}

function useAt(tokens: readonly Token[], index: number, name: string) {
  const after = tokens[index + 1]?.text ?? "";
  if (Object.hasOwn(functions, name)) return { what: name, machine: functions[name] };
  if (name === "Date" && isDateOfNow(tokens, index)) {
    return { what: "the current Date", machine: "clock" as const };
  }
  if (Object.hasOwn(objects, name) && [".", "?.", "["].includes(after)) {
    return { what: name, machine: objects[name] };
  }
  const member = memberTaken(tokens, index, name);
  if (member === undefined) return undefined;
  return { what: `${name}.${member}`, machine: memberMachine(name, member) };
}

/** `Date()` and `new Date()`; with an argument it is only arithmetic. */
function isDateOfNow(tokens: readonly Token[], index: number): boolean {
  const isNew = tokens[index - 1]?.text === "new";
  const called = tokens[index + 1]?.text === "(";
  return isNew ? !called || tokens[index + 2]?.text === ")" : called;
}

/** The member in `name.member`, `name["member"]` or `const { member } = name`. */
function memberTaken(tokens: readonly Token[], index: number, name: string): string | undefined {
  const after = tokens[index + 1]?.text;
  if (after === "." || after === "?." || after === "[") return tokens[index + 2]?.text;
  if (tokens[index - 1]?.text !== "=" || tokens[index - 2]?.text !== "}") return undefined;
  const open = tokens.findLastIndex(({ text }, at) => at < index && text === "{");
  return tokens.slice(open, index).find(({ text }) => memberMachine(name, text) !== undefined)
    ?.text;
}

function memberMachine(name: string, member: string): Machine | undefined {
  if (!Object.hasOwn(members, name)) return undefined;
  const machines = members[name] ?? {};
  return Object.hasOwn(machines, member) ? machines[member] : undefined;
}

// --- Errors, re-exports, commands -----------------------------------------------------------------

function checkErrors({ file, tokens, isTest }: SourceFile): readonly Violation[] {
  const room = roomOf(file);
  if (isTest || room === undefined || room === "std" || file === "src/model/errors.ts") return [];
  const message =
    "a bare Error has no code; throw one from the table in src/model/errors.ts, or use assert of " +
    "src/std/assert.ts if only a bug can lead here";
  return tokens
    .filter((token, index) => {
      if (!/^(Type|Range|Syntax|Aggregate)?Error$/.test(token.text)) return false;
      const isNew = tokens[index - 1]?.text === "new";
      const thrower = tokens[isNew ? index - 2 : index - 1];
      return thrower?.kind === "word" && thrower.text === "throw";
    })
    .map(({ line }) => ({ file, line, message }));
}

function checkReExports({ file, tokens, imports }: SourceFile): readonly Violation[] {
  if (roomOf(file) === "entry") return [];
  const message = "only src/entry/ re-exports; import from the file that defines it";
  const imported = new Set(imports.flatMap(({ locals }) => locals));
  return [
    ...imports.filter(({ reExports }) => reExports),
    ...localExports(tokens).filter(({ name }) => imported.has(name)),
  ].map(({ line }) => ({ file, line, message }));
}

function checkCommands({ file, tokens, isTest }: SourceFile): readonly Violation[] {
  if (isTest || !file.startsWith("src/engine/commands/")) return [];
  return tokens
    .filter(({ kind, text }, index) => {
      const before = tokens[index - 1]?.text;
      const isKey = before === "." || before === "?." || tokens[index + 1]?.text === ":";
      return kind === "word" && (text === "async" || text === "await") && !isKey;
    })
    .map(({ line, text }) => ({
      file,
      line,
      message: `${text} in a command; apply is synchronous: load in prefetch, act in an action`,
    }));
}

if (import.meta.main) {
  const violations = tidy(readSources(path.resolve(import.meta.dirname, "..")));
  for (const violation of violations) console.log(describe(violation));
  process.exitCode = violations.length === 0 ? 0 : 1;
}
