import type { HandlerRuntime } from "../engine/deployments.ts";
import type { Attempt } from "../engine/engine.ts";
import { decodePayload, encodePayload } from "../model/codec.ts";
import type { Limits } from "../model/limits.ts";
import { validateInput, validateOutput } from "../sdk/validate.ts";
import { isThenable } from "./steps.ts";

/** What the call of a handler needs of the attempt. */
export interface HandlerCallHost {
  readonly attempt: Attempt;
  readonly handler: HandlerRuntime;
  readonly limits: Limits;
  readonly target: string;
  /** It has ended, or its end is on its way. */
  readonly ended: boolean;
  /** It can take a turn. */
  enqueue(): void;
  /** Its input is not what the schema wants. */
  refused(error: unknown): void;
  /** It returns now. @returns whether that counts: not after it awaited something foreign. */
  mayReturn(): boolean;
  returned(payload: string | null): void;
  threw(error: unknown): void;
}

/** The call of the user's function: its input, checked, its result, checked, or what it threw. */
export class HandlerCall {
  readonly #run: HandlerCallHost;
  #input: unknown;
  #checking = false;
  #checked: (() => void) | null = null;

  constructor(run: HandlerCallHost) {
    this.#run = run;
  }

  /** A schema checks the result and takes its time: the journal stands still. */
  get checking(): boolean {
    return this.#checking;
  }

  /** Reads the input; the first turn comes when that is done. */
  prepare(): void {
    const run = this.#run;
    try {
      const input = decodePayload(run.attempt.invocation.input);
      const schema = run.handler.definition.options.input;
      const checked = schema === undefined ? input : validateInput(schema, input, run.target);
      if (checked instanceof Promise) {
        checked.then(
          (value) => this.#prepared(value),
          (error: unknown) => this.#refused(error),
        );
        return;
      }
      this.#prepared(checked);
    } catch (error) {
      this.#refused(error);
    }
  }

  #prepared(input: unknown): void {
    this.#input = input;
    this.#run.enqueue();
  }

  #refused(error: unknown): void {
    if (!this.#run.ended) this.#run.refused(error);
  }

  begin(context: object): void {
    let result: unknown;
    try {
      const { definition } = this.#run.handler;
      result = definition.invoke(context as never, this.#input as never); // erased
      if (isThenable(result)) {
        result.then(this.#returned, this.#threw);
        return;
      }
    } catch (error) {
      this.#threw(error);
      return;
    }
    this.#returned(result);
  }

  readonly #threw = (error: unknown): void => {
    if (!this.#run.ended) this.#run.threw(error);
  };

  readonly #returned = (result: unknown): void => {
    const run = this.#run;
    if (run.ended || !run.mayReturn()) return;
    try {
      const schema = run.handler.definition.options.output;
      if (schema === undefined) {
        this.#finish(result);
        return;
      }
      const checked = validateOutput(schema, result, run.target);
      if (checked instanceof Promise) this.#await(checked);
      else this.#finish(checked);
    } catch (error) {
      this.#threw(error);
    }
  };

  /** What the schema says gets a turn of its own; until then nothing more is taken from the journal. */
  #await(checked: Promise<unknown>): void {
    const then = (next: () => void): void => {
      this.#checking = false;
      this.#checked = next;
      this.#run.enqueue();
    };
    this.#checking = true;
    checked.then(
      (value) => then(() => this.#finish(value)),
      (error: unknown) => then(() => this.#threw(error)),
    );
  }

  /** A turn is open. @returns whether the result was waiting for it. */
  goOn(): boolean {
    const next = this.#checked;
    if (next === null) return false;
    this.#checked = null;
    next();
    return true;
  }

  #finish(result: unknown): void {
    const run = this.#run;
    let payload: string | null;
    try {
      payload = encodePayload(result, `The result of ${run.target}`, run.limits.payload);
    } catch (error) {
      this.#threw(error);
      return;
    }
    run.returned(payload);
  }
}
