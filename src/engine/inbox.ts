import { fail, type HoldfastError } from "../model/errors.ts";
import { Deque } from "../std/deque.ts";
import { rowOf } from "./commands/table.ts";
import type { Core } from "./core.ts";
import type { Command } from "./engine.ts";

/** Commands that wait for the loop, and those that it is applying, so that none is lost unheard. */
export class Inbox {
  readonly #core: Core;
  readonly #waiting = new Deque<Command>();
  /** What was drained last: if applying it fails, those who sent it are told. */
  #applying: readonly Command[] = [];

  constructor(core: Core) {
    this.#core = core;
  }

  get size(): number {
    return this.#waiting.size;
  }

  push(command: Command): void {
    this.#waiting.push(command);
  }

  /** The next commands, as many as the open batch has room for. Those of other owners are refused. */
  drain(): readonly Command[] {
    const core = this.#core;
    const { batchCommands, batchBytes } = core.limits;
    const commands: Command[] = [];
    let bytes = core.batchBytes;
    while (commands.length < batchCommands && bytes < batchBytes) {
      const command = this.#waiting.shift();
      if (command === undefined) break;
      bytes += sizeOf(command);
      if (this.#owned(command)) commands.push(command);
    }
    this.#applying = commands;
    core.counts.commands += commands.length;
    return commands;
  }

  /** What was drained is applied: its replies are held by the batch now. */
  applied(): void {
    this.#applying = [];
  }

  /** Forgets everything. @returns what was being applied, and what waited: to be refused. */
  clear(): readonly Command[] {
    const commands = [...this.#applying, ...this.#waiting];
    this.#applying = [];
    this.#waiting.clear();
    return commands;
  }

  #owned(command: Command): boolean {
    const core = this.#core;
    if (core.owned.size === core.partitions || command.kind === "turn") return true;
    const partition = rowOf(command.kind).partition(core, command);
    if (core.owns(partition)) return true;
    refuseCommand(command, fail("fenced-out", { partition }));
    return false;
  }
}

/** Tells whoever asked that the command comes to nothing. */
export function refuseCommand(command: Command, reason: HoldfastError): void {
  if ("reply" in command) command.reply?.reject(reason);
  if ("accepted" in command) command.accepted?.reject(reason);
  if ("found" in command) command.found?.reject(reason);
  if ("outcome" in command && command.kind !== "turn") command.outcome?.reject(reason);
}

/** Roughly what a command will add to its batch. */
function sizeOf(command: Command): number {
  if (command.kind === "start") return command.input?.length ?? 0;
  if (command.kind === "turn") {
    let size = command.outcome?.kind === "returned" ? (command.outcome.payload?.length ?? 0) : 0;
    for (const { payload, target } of command.commands) {
      size += (payload?.length ?? 0) + (target?.input?.length ?? 0);
    }
    return size;
  }
  return "payload" in command ? (command.payload?.length ?? 0) : 0;
}
