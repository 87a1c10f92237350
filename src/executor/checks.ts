import type { IssuedCommand } from "../engine/engine.ts";
import { encodeError } from "../model/codec.ts";
import type { Entry } from "../model/entry.ts";
import { HoldfastError } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";
import type { Decided, HandlerQuestion, Relations } from "./relations.ts";

/** What the questions of an attempt need of it. */
export interface ChecksHost {
  readonly limits: Limits;
  readonly relations: Relations;
  /** The attempt has ended: nothing counts any more. */
  readonly over: boolean;
  /** An answer, for the journal. */
  checkDone(command: IssuedCommand): void;
  /** It could not be asked now: the attempt has failed, and is repeated. */
  checkFailed(error: unknown): void;
}

interface Pending {
  readonly ordinal: number;
  readonly name: string;
  readonly question: HandlerQuestion;
}

/**
 * Questions about permissions that one attempt asks. Each waits until what was related before it is
 * answered, and is then asked once; its answer is its journal entry. None is answered as of an older
 * revision than the attempt has seen.
 */
export class Checks {
  readonly #host: ChecksHost;
  #pending: Pending[] = [];
  /** On their way, while something is loaded. */
  #asking = 0;
  /** Writes of relationships that were not answered yet. */
  readonly #relating = new Set<number>();
  /** Tenants of all that was not answered yet. */
  readonly #tenants = new Map<number, string>();
  /** The latest that was seen, by tenant. */
  readonly #seen = new Map<string, { readonly revision: number; readonly zookie: string }>();

  constructor(host: ChecksHost) {
    this.#host = host;
  }

  /** Nothing is to be asked, and nothing is being asked. */
  get idle(): boolean {
    return this.#pending.length === 0 && this.#asking === 0;
  }

  /** Questions from here on wait for its answer. */
  relating(ordinal: number, tenant: string): void {
    this.#relating.add(ordinal);
    this.#tenants.set(ordinal, tenant);
  }

  /** A question that the journal may know the answer of. */
  asking(ordinal: number, tenant: string): void {
    this.#tenants.set(ordinal, tenant);
  }

  /** One that it does not know. */
  add(ordinal: number, name: string, question: HandlerQuestion): void {
    this.#pending.push({ ordinal, name, question });
  }

  /** An answer is delivered: of a question, or of a write. */
  delivered({ command, payload, failed }: Entry): void {
    const tenant = this.#tenants.get(command);
    if (tenant === undefined) return;
    this.#tenants.delete(command);
    this.#relating.delete(command);
    if (failed || payload === null) return;
    const { revision, zookie } = JSON.parse(payload) as Decided; // written by whoever answered
    const seen = this.#seen.get(tenant);
    if (seen === undefined || revision > seen.revision)
      this.#seen.set(tenant, { revision, zookie });
  }

  /** The turn is over: what waits for nothing is asked. */
  start(): void {
    if (this.#pending.length === 0) return;
    const first = Math.min(...this.#relating);
    const starting = this.#pending.filter(({ ordinal }) => ordinal < first);
    if (starting.length === 0) return;
    this.#pending = this.#pending.filter(({ ordinal }) => ordinal >= first);
    for (const pending of starting) this.#ask(pending);
  }

  #ask(pending: Pending): void {
    const { question } = pending;
    const { relations } = this.#host;
    try {
      const answer = relations.ask(question, this.#seen.get(question.tenant)?.zookie);
      if (!(answer instanceof Promise)) {
        this.#answer(pending, JSON.stringify(answer), false);
        return;
      }
      this.#asking++;
      answer.then(
        (later) => this.#later(() => this.#answer(pending, JSON.stringify(later), false)),
        (error: unknown) => this.#later(() => this.#refused(pending, error)),
      );
    } catch (error) {
      this.#refused(pending, error);
    }
  }

  #later(then: () => void): void {
    this.#asking--;
    if (!this.#host.over) then();
  }

  #answer({ ordinal, name }: Pending, payload: string, failed: boolean): void {
    this.#host.checkDone({ kind: "check", command: ordinal, name, payload, failed });
  }

  /** What is wrong with the question is its answer; what is wrong with the machine passes. */
  #refused(pending: Pending, error: unknown): void {
    if (!(error instanceof HoldfastError) || error.status >= 500) this.#host.checkFailed(error);
    else this.#answer(pending, encodeError(error, this.#host.limits.errorText), true);
  }
}
