import type { Attempt, IssuedCommand, IssuedTarget } from "../engine/engine.ts";
import type { AuthzChange } from "../model/authz.ts";
import { decodePayload } from "../model/codec.ts";
import type { Entry, EntryKind } from "../model/entry.ts";
import { fail } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";
import type { Sent } from "../sdk/context.ts";
import { Deque } from "../std/deque.ts";
import type { Checks } from "./checks.ts";
import { Future, type FutureHost, type StartedFuture } from "./future.ts";
import type { HandlerQuestion } from "./relations.ts";
import type { Waits } from "./waits.ts";

/** What the commands of the code need of the run they belong to. */
export interface CommandHost extends FutureHost {
  readonly attempt: Attempt;
  readonly limits: Limits;
  readonly target: string;
  readonly replaying: boolean;
  /** Takes the next ordinal; `entry` is what the journal has for it, undefined when it is new. */
  command(kind: EntryKind, name: string): { ordinal: number; entry: Entry | undefined };
  /** What the journal has for the next ordinal, which stays free. */
  peek(): Entry | undefined;
  /** Adds a new command to the turn. */
  issue(command: IssuedCommand): void;
  /** Futures of commands that are answered later. */
  readonly waits: Waits;
  readonly checks: Checks;
}

/**
 * What the code can ask for, one method per kind of command. Each takes an ordinal, compares itself
 * with the journal in a replay, and is issued only when the journal does not have it.
 */
export class Commands {
  readonly #run: CommandHost;
  #signals: Map<string, { arrived: Deque<Entry>; waiting: Deque<Future<unknown>> }> | null = null;
  /** State as this invocation has seen or written it. */
  #state: Map<string, string | null> | null = null;
  #patches: Map<string, boolean> | null = null;
  #promises = 0;

  constructor(run: CommandHost) {
    this.#run = run;
  }

  /** Whether a signal is waited for. */
  get awaitsSignal(): boolean {
    for (const { waiting } of this.#signals?.values() ?? []) {
      for (const future of waiting) if (future.pending) return true;
    }
    return false;
  }

  /** A command that somebody answers, under a name. */
  ask<T>(
    kind: "attach" | "promise" | "id",
    name: string,
    payload: string | null,
    of: Pick<IssuedCommand, "number" | "workflow"> = {},
  ): Future<T> {
    const { ordinal, entry } = this.#run.command(kind, name);
    const future = this.#run.waits.expect<T>(ordinal);
    if (entry === undefined) {
      this.#run.issue({ kind, command: ordinal, name, payload, failed: false, ...of });
    }
    return future;
  }

  /** A command without an answer. */
  tell(
    kind: "settle" | "send-signal" | "send-cancel",
    name: string,
    payload: string | null,
    options: { number?: number; failed?: boolean } = {},
  ): void {
    const { ordinal, entry } = this.#run.command(kind, name);
    if (entry !== undefined) return;
    const { number, failed = false } = options;
    this.#run.issue({
      kind,
      command: ordinal,
      name,
      payload,
      failed,
      ...(number === undefined ? {} : { number }),
    });
  }

  /** Names promises that have no name. */
  nextPromise(): number {
    return this.#promises++;
  }

  sleepUntil(due: number): Future<void> {
    const { ordinal, entry } = this.#run.command("sleep", "");
    const future = this.#run.waits.expect<void>(ordinal);
    if (entry === undefined) {
      this.#run.issue({
        kind: "sleep",
        command: ordinal,
        name: "",
        payload: String(due),
        failed: false,
        due,
      });
    }
    return future;
  }

  call(target: IssuedTarget): StartedFuture<unknown> {
    const name = `${target.service}/${target.handler}`;
    const { ordinal, entry } = this.#run.command("call", name);
    const future = this.#run.waits.expectStarted(ordinal);
    if (entry === undefined) {
      this.#run.issue({
        kind: "call",
        command: ordinal,
        name,
        payload: null,
        failed: false,
        target,
      });
    }
    return future;
  }

  send(target: IssuedTarget): Sent {
    const name = `${target.service}/${target.handler}`;
    const { ordinal, entry } = this.#run.command("send", name);
    if (entry === undefined) {
      this.#run.issue({
        kind: "send",
        command: ordinal,
        name,
        payload: null,
        failed: false,
        target,
      });
    }
    return {
      id: () => this.idOf(ordinal),
      cancel: () => this.cancelStarted(ordinal),
    };
  }

  idOf(ordinal: number): Future<string> {
    return this.ask<string>("id", "", String(ordinal));
  }

  cancelStarted(ordinal: number): void {
    this.tell("send-cancel", "", String(ordinal));
  }

  relate<T>(
    name: string,
    change: AuthzChange & { readonly kind: "write" },
    read: (recorded: never) => T,
  ): Future<T> {
    const { ordinal, entry } = this.#run.command("relate", name);
    const future = this.#run.waits.expectRead(ordinal, read);
    this.#run.checks.relating(ordinal, change.tenant);
    if (entry === undefined) {
      const given = {
        kind: "relate",
        command: ordinal,
        name,
        payload: null,
        failed: false,
      } as const;
      this.#run.issue({ ...given, change });
    }
    return future;
  }

  check<T>(name: string, question: HandlerQuestion, read: (recorded: never) => T): Future<T> {
    const { ordinal, entry } = this.#run.command("check", name);
    const future = this.#run.waits.expectRead(ordinal, read);
    this.#run.checks.asking(ordinal, question.tenant);
    if (entry === undefined) this.#run.checks.add(ordinal, name, question);
    return future;
  }

  signal<T>(name: string): Future<T> {
    const { ordinal, entry } = this.#run.command("await-signal", name);
    const future = new Future<T>(this.#run);
    const { arrived, waiting } = this.#signalsOf(name);
    const first = arrived.shift();
    if (first !== undefined)
      future.resolve(decodePayload(first.payload) as T); // as sent
    else waiting.push(future as Future<unknown>);
    if (entry === undefined) {
      this.#run.issue({
        kind: "await-signal",
        command: ordinal,
        name,
        payload: null,
        failed: false,
      });
    }
    return future;
  }

  patched(id: string): boolean {
    this.#patches ??= new Map();
    const known = this.#patches.get(id);
    if (known !== undefined) return known;
    const entry = this.#run.peek();
    const marked = entry?.kind === "patched" && entry.name === id;
    // An old journal goes on past this point without the mark.
    const old = !marked && this.#run.replaying;
    if (!old) {
      const { ordinal, entry: recorded } = this.#run.command("patched", id);
      if (recorded === undefined) {
        this.#run.issue({
          kind: "patched",
          command: ordinal,
          name: id,
          payload: null,
          failed: false,
        });
      }
    }
    this.#patches.set(id, !old);
    return !old;
  }

  /** A signal goes to whoever has waited longest, or is kept. */
  signalled(entry: Entry): void {
    const { arrived, waiting } = this.#signalsOf(entry.name);
    for (;;) {
      const future = waiting.shift();
      if (future === undefined) break;
      if (!future.pending) continue;
      future.resolve(decodePayload(entry.payload));
      return;
    }
    arrived.push(entry);
  }

  #signalsOf(name: string): { arrived: Deque<Entry>; waiting: Deque<Future<unknown>> } {
    this.#signals ??= new Map();
    let signals = this.#signals.get(name);
    if (signals === undefined) {
      signals = { arrived: new Deque(), waiting: new Deque() };
      this.#signals.set(name, signals);
    }
    return signals;
  }

  // State.

  /** JSON of a state entry, or null. */
  read(name: string): string | null {
    const seen = this.#state?.get(name);
    if (seen !== undefined) return seen;
    const { ordinal, entry } = this.#run.command("get", name);
    let payload: string | null;
    if (entry !== undefined) {
      payload = entry.payload;
    } else {
      payload =
        name === "" ? this.#listState() : (this.#run.attempt.state?.state.get(name) ?? null);
      this.#run.issue({ kind: "get", command: ordinal, name, payload, failed: false });
    }
    // A shared handler sees others write, so it looks again each time.
    if (this.#run.attempt.invocation.mode !== "shared" && name !== "") this.#seen(name, payload);
    return payload;
  }

  #listState(): string {
    const names = new Set(this.#run.attempt.state?.state.keys());
    for (const [name, value] of this.#state ?? []) {
      if (value === null) names.delete(name);
      else names.add(name);
    }
    return JSON.stringify([...names].sort());
  }

  write(name: string, payload: string | null): void {
    const kind = payload === null ? "clear" : "set";
    if (payload !== null) this.#checkState(name, payload);
    const { ordinal, entry } = this.#run.command(kind, name);
    if (name === "") {
      for (const known of this.#run.attempt.state?.state.keys() ?? []) this.#seen(known, null);
      for (const known of this.#state?.keys() ?? []) this.#seen(known, null);
    } else {
      this.#seen(name, payload);
    }
    if (entry === undefined) {
      this.#run.issue({ kind, command: ordinal, name, payload, failed: false });
    }
  }

  /** Whether state may become that: what the key has, with what this run has written over it. */
  #checkState(name: string, payload: string): void {
    const { limits, target } = this.#run;
    const view = this.#run.attempt.state;
    if (view === null) return;
    // What was accepted once is accepted in a replay, whatever the key holds by now.
    const recorded = this.#run.peek();
    if (recorded?.kind === "set" && recorded.name === name) return;
    let bytes = view.stateBytes;
    let keys = view.state.size;
    const replace = (entry: string, value: string | null): void => {
      const stored = view.state.get(entry);
      if (stored !== undefined) {
        bytes -= entry.length + stored.length;
        keys--;
      }
      if (value === null) return;
      bytes += entry.length + value.length;
      keys++;
    };
    for (const [seen, value] of this.#state ?? []) if (seen !== name) replace(seen, value);
    replace(name, payload);
    if (bytes > limits.stateBytes) {
      throw fail("limit-exceeded", { limit: "stateBytes", max: limits.stateBytes, what: target });
    }
    if (keys > limits.stateKeys) {
      throw fail("limit-exceeded", { limit: "stateKeys", max: limits.stateKeys, what: target });
    }
  }

  #seen(name: string, payload: string | null): void {
    this.#state ??= new Map();
    this.#state.set(name, payload);
  }
}
