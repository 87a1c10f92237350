import type { Entry } from "../model/entry.ts";
import type { InvocationNumber } from "../model/ids.ts";
import type { Extra, Invocation } from "../model/invocation.ts";
import { Deque } from "../std/deque.ts";
import type { Outcome, Reply } from "./engine.ts";

// Most invocations never write to these: they share them until they do.
const noEntries: Entry[] = [];
const noCommands: ReadonlyMap<number, OpenCommand> = new Map();

/** An invocation in memory. Only commands change it; the store's record is `row`. */
export class Live {
  readonly row: Invocation;
  /** The attempt that runs, or 0: only its turns count. */
  attempt = 0;
  /** Completions that the attempt was told of. */
  notified = 0;
  /** The last batch that wrote something of it. */
  batch = 0;
  /** Whether the store has no record of it yet. */
  inserted = false;
  /** Whether anything of it goes into the open batch. */
  listed = false;
  /** Whether the open batch changes its record. */
  dirty = false;
  /** Entries of the open batch. */
  fresh: Entry[] = noEntries;
  /** Sends and calls of the open batch, whose targets may still be filled in. */
  sent: Map<number, Entry> | null = null;
  /** The whole journal, if it was loaded; taken by the next attempt, then forgotten. */
  loaded: Entry[] | null = null;
  /** Commands that wait for an answer. */
  open: ReadonlyMap<number, OpenCommand> = noCommands;
  /** What its commands started. */
  children: Map<number, InvocationNumber> | null = null;
  /** `id` commands that wait until the child is known, by the command that started it. */
  idWaits: Map<number, number[]> | null = null;
  /** Callers outside who wait for the outcome. */
  replies: Reply<Outcome>[] | null = null;
  /** Nothing runs, so its memory may be taken once it is durable. */
  idle = false;
  /** Whether its journal has a cancellation. */
  cancelled = false;
  /** Calls that were open when a cancellation came, and of which nobody knew yet what to cancel. */
  uncancelled: Set<number> | null = null;
  /** Signals in its journal that nobody has taken; below zero, some are waited for. */
  signals = 0;

  constructor(row: Invocation) {
    this.row = row;
  }

  /** A cancellation has entered the journal: it is for all calls that are open now, and no later ones. */
  noteCancel(): void {
    for (const [command, { kind }] of this.open) {
      if (kind !== "call" || this.children?.has(command) === true) continue;
      this.uncancelled ??= new Set();
      this.uncancelled.add(command);
    }
  }

  /** A command waits for an answer from here on. */
  wait(command: number, open: OpenCommand): void {
    if (this.open === noCommands) this.open = new Map();
    (this.open as Map<number, OpenCommand>).set(command, open); // its own
  }

  /** It is answered. @returns whether it waited. */
  answered(command: number): boolean {
    return this.open.size > 0 && (this.open as Map<number, OpenCommand>).delete(command); // its own
  }

  /** Whatever comes for it comes too late. */
  waitNoMore(): void {
    this.open = noCommands;
  }

  /** An entry of the open batch. */
  add(entry: Entry): void {
    if (this.fresh === noEntries) this.fresh = [entry];
    else this.fresh.push(entry);
  }

  /** The open batch is closed: its entries are on their way. */
  sealed(): void {
    this.fresh = noEntries;
    this.sent = null;
  }

  get extra(): Extra {
    this.row.extra ??= {};
    return this.row.extra;
  }
}

export interface OpenCommand {
  readonly kind: "call" | "id" | "attach" | "sleep" | "promise" | "relate";
  /** For `sleep`. */
  readonly due?: number;
}

/** A key of an actor or workflow in memory: who holds it, who waits, and its state. */
export class Key {
  readonly service: string;
  readonly key: string;
  /** The exclusive invocation that has begun, or 0. */
  holder: InvocationNumber = 0;
  readonly queue: Deque<InvocationNumber> = new Deque();
  /** JSON by entry name. Run ahead: holds what is applied, durable or not. */
  readonly state: Map<string, string> = new Map();
  stateBytes = 0;
  /** Writes of state in the open batch, if that is `freshBatch`. */
  fresh: Map<string, { value: string | null }> | null = null;
  freshBatch = 0;
  /** The latest workflow run of this key, or 0. */
  workflow: InvocationNumber = 0;
  batch = 0;
  /** Shared handlers with an attempt in memory. */
  readers: Set<InvocationNumber> | null = null;

  constructor(service: string, key: string) {
    this.service = service;
    this.key = key;
  }

  get idle(): boolean {
    return this.holder === 0 && this.queue.size === 0 && (this.readers?.size ?? 0) === 0;
  }
}
