import type { Host } from "../host/host.ts";
import { decodePayload } from "../model/codec.ts";
import type { Entry } from "../model/entry.ts";
import { reasonOf } from "../model/errors.ts";
import type { StepInfo } from "../sdk/context.ts";
import type { Future } from "./future.ts";

/** What undoing needs of the attempt. */
export interface UndoHost {
  readonly id: string;
  readonly host: Host;
  readonly over: boolean;
  /** Tells all steps to stop, and waits for the ends of these. */
  stopSteps(undoable: Iterable<number>): Promise<void>;
  /** A step that no limit refuses. */
  undoStep(name: string, effect: (step: StepInfo) => unknown): Future<unknown>;
}

/** Takes the effect of a step back. */
export type UndoEffect = (result: never, step: StepInfo) => unknown;

/** A step that succeeded and can be taken back. */
interface Undo {
  readonly name: string;
  readonly result: unknown;
  readonly undo: UndoEffect;
}

/** What one attempt could take back. */
export class Undos {
  readonly #run: UndoHost;
  /** By ordinal, of steps that may yet succeed or have. */
  readonly #effects = new Map<number, UndoEffect>();
  readonly #done: Undo[] = [];

  constructor(run: UndoHost) {
    this.#run = run;
  }

  get any(): boolean {
    return this.#effects.size > 0;
  }

  /** The step of this ordinal can be undone, once it has succeeded. */
  add(ordinal: number, effect: UndoEffect): void {
    this.#effects.set(ordinal, effect);
  }

  /** A step has ended. */
  stepEnded({ command, name, payload, failed }: Entry): void {
    const undo = this.#effects.get(command);
    if (undo === undefined) return;
    if (failed) this.#effects.delete(command);
    else this.#done.push({ name, result: decodePayload(payload), undo });
  }

  /** Undoes what was done, latest first. Each is a step; a cancellation does not stop it. */
  async takeBack(cause: unknown): Promise<void> {
    const run = this.#run;
    await run.stopSteps(this.#effects.keys());
    for (let one = this.#done.pop(); one !== undefined && !run.over; one = this.#done.pop()) {
      const { name, result, undo } = one;
      try {
        const step = run.undoStep(`undo ${name}`, (info) => undo(result as never, info)); // its own
        await step.observe(); // not awaited in the sense of a cancellation
      } catch (error) {
        if (run.over) return;
        // It says itself that it cannot be undone: the others still are.
        run.host.log("error", "an undo failed for good", {
          id: run.id,
          step: name,
          reason: reasonOf(error),
          cause: reasonOf(cause),
        });
      }
    }
  }
}
