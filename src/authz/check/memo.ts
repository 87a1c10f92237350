import { mix } from "../graph/pair-table.ts";
import type { Tri } from "./verdict.ts";

const places = 4_096;

/**
 * What was found out within one question, by object and right. Each has one place, and the later one
 * gets it: what is forgotten is found out again. Beginning anew costs nothing.
 */
export class Memo {
  readonly #objects = new Uint32Array(places);
  readonly #rights = new Uint32Array(places);
  readonly #questions = new Uint32Array(places);
  readonly #values = new Uint8Array(places);
  #question = 0;

  /** Forgets everything. */
  begin(): void {
    this.#question = (this.#question + 1) >>> 0;
    if (this.#question !== 0) return;
    this.#questions.fill(0);
    this.#question = 1;
  }

  /** @returns the value, or -1. */
  get(object: number, uid: number): Tri | -1 {
    const at = mix(object, uid) & (places - 1);
    const isKnown =
      this.#questions[at] === this.#question &&
      this.#objects[at] === object &&
      this.#rights[at] === uid;
    return isKnown ? (this.#values[at] as Tri) : -1; // put there by `put`
  }

  put(object: number, uid: number, value: Tri): void {
    const at = mix(object, uid) & (places - 1);
    this.#questions[at] = this.#question;
    this.#objects[at] = object;
    this.#rights[at] = uid;
    this.#values[at] = value;
  }
}
