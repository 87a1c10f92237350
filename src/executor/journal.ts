import type { Entry, EntryKind } from "../model/entry.ts";

/** Kinds of entries that are commands of the code; the others came from elsewhere. */
const commandKinds: ReadonlySet<EntryKind> = new Set([
  "run",
  "get",
  "set",
  "clear",
  "send",
  "call",
  "id",
  "attach",
  "sleep",
  "promise",
  "settle",
  "await-signal",
  "send-signal",
  "send-cancel",
  "patched",
  "relate",
  "check",
]);

/** Kinds that bring something to the code: each of these is one turn. */
function isCompletion(kind: EntryKind): boolean {
  return (
    kind === "run" || kind === "done" || kind === "signal" || kind === "cancel" || kind === "check"
  );
}

/**
 * A recorded journal, as a replay needs it: commands by ordinal to compare with, and completions in
 * the order in which they were delivered.
 */
export class Recorded {
  readonly #commands = new Map<number, Entry>();
  readonly completions: Entry[] = [];
  #delivered = 0;
  /** The highest ordinal in the journal; -1 if there is none. */
  readonly last: number;

  constructor(entries: readonly Entry[]) {
    let last = -1;
    for (const entry of entries) {
      if (commandKinds.has(entry.kind)) {
        this.#commands.set(entry.command, entry);
        if (entry.command > last) last = entry.command;
      }
      if (isCompletion(entry.kind)) this.completions.push(entry);
    }
    this.last = last;
  }

  command(ordinal: number): Entry | undefined {
    return this.#commands.get(ordinal);
  }

  /** Whether there is anything left to compare with or to deliver at this ordinal. */
  isBehind(next: number): boolean {
    return next <= this.last || this.#delivered < this.completions.length;
  }

  get drained(): boolean {
    return this.#delivered >= this.completions.length;
  }

  take(): Entry | undefined {
    return this.completions[this.#delivered++];
  }

  /** The first recorded command that the code has not issued although its turn is over, if any. */
  missed(next: number): Entry | undefined {
    for (let ordinal = next; ordinal <= this.last; ordinal++) {
      const entry = this.#commands.get(ordinal);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }
}

/** An entry in words, for the two sides of a divergence. */
export function nameCommand(kind: EntryKind, name: string): string {
  const words: Partial<Record<EntryKind, string>> = {
    run: "step",
    get: "reading state",
    set: "setting state",
    clear: "clearing state",
    send: "message to",
    call: "call of",
    attach: "attaching to",
    sleep: "a timer",
    promise: "waiting for promise",
    settle: "settling promise",
    "await-signal": "waiting for signal",
    "send-signal": "sending signal",
    "send-cancel": "cancelling",
    patched: "patch",
    id: "asking for an id",
    relate: "relating",
    check: "a check of",
  };
  const word = words[kind] ?? kind;
  return name === "" ? word : `${word} "${name}"`;
}

/** Where user code stands, as ` at file:line:column`: the first frame that is not Holdfast's. */
export function siteOf(stack: string | undefined): string {
  const here = new URL("..", import.meta.url).pathname;
  for (const line of (stack ?? "").split("\n").slice(1)) {
    if (line.includes(here) || line.includes("node:internal") || line.includes("<anonymous>")) {
      continue;
    }
    const found = /\(?((?:file:\/\/)?[^\s()]+:\d+:\d+)\)?$/.exec(line.trim());
    if (found !== null) return ` at ${found[1]}`;
  }
  return "";
}
