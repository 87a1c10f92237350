import { fail, type HoldfastError, toHoldfastError } from "../../model/errors.ts";
import type { CaveatContext } from "../../model/relationship.ts";
import type { Caveat, CaveatResult, ReadContext } from "../caveat/caveat.ts";
import type { EdgeExtra } from "../graph/edge-traits.ts";

export type CaveatOutcome =
  | Exclude<CaveatResult, { readonly value: "error" }>
  | { readonly value: "error"; readonly error: HoldfastError };

/** A caveat of a relationship that was looked at, for explanations. */
export interface ToldCaveat {
  readonly name: string;
  readonly expression: string;
  /** What it was given, by parameter. */
  readonly context: CaveatContext;
  readonly outcome: CaveatOutcome;
}

/** Contexts as caveats read them, each read once: of the question, and of stored relationships. */
export class CaveatContexts {
  #context: CaveatContext | null = null;
  #read: Map<Caveat, ReadContext> | null = null;
  readonly #stored = new WeakMap<EdgeExtra, ReadContext>();

  /** The context of the question from now on. */
  asked(context: CaveatContext | null): void {
    this.#context = context;
    this.#read = null;
  }

  /** A context that does not fit is an error of this caveat alone: something else may decide. */
  evaluate(caveat: Caveat, extra: EdgeExtra): CaveatOutcome {
    let result: CaveatResult;
    try {
      // The schema of the question may be another than the one it was written for.
      const stored =
        extra.context === null ? null : this.#storedContext(caveat, extra, extra.context);
      result = caveat.evaluate(stored, this.#askedContext(caveat));
    } catch (error) {
      return { value: "error", error: toHoldfastError(error) };
    }
    if (result.value !== "error") return result;
    const { code, reason } = result;
    return { value: "error", error: fail(code, { caveat: caveat.name, reason, max: reason }) };
  }

  /** The values of its parameters: of both, what is stored wins. */
  given(caveat: Caveat, extra: EdgeExtra): CaveatContext {
    const stored: CaveatContext = extra.context === null ? {} : JSON.parse(extra.context);
    const asked = this.#context ?? {};
    const entries: [string, unknown][] = [];
    for (const name of caveat.parameters.keys()) {
      const from = Object.hasOwn(stored, name) ? stored : asked;
      if (Object.hasOwn(from, name)) entries.push([name, from[name]]);
    }
    // Parameters may have names that objects have of themselves.
    return Object.fromEntries(entries);
  }

  #storedContext(caveat: Caveat, extra: EdgeExtra, text: string): ReadContext {
    const known = this.#stored.get(extra);
    if (known?.of === caveat) return known;
    const read = caveat.readContext(JSON.parse(text), "stored");
    this.#stored.set(extra, read);
    return read;
  }

  #askedContext(caveat: Caveat): ReadContext | null {
    if (this.#context === null) return null;
    this.#read ??= new Map();
    const known = this.#read.get(caveat);
    if (known !== undefined) return known;
    const read = caveat.readContext(this.#context, "asked");
    this.#read.set(caveat, read);
    return read;
  }
}
