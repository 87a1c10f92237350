import { mix } from "../graph/pair-table.ts";
import { dependenciesMax, type Evaluator } from "./evaluator.ts";
import { type Tri, unknown } from "./verdict.ts";

/** Entries that share a place: their keys fill one line of the processor's cache. */
const ways = 4;
/** Words of a key: object, right, object of the subject, its relation with the number of dependencies. */
const keyWords = 4;
/** Numbers about an entry: revision of the answer, revision it was last found good at, expiry, value. */
const facts = 4;
const bytesPerEntry = keyWords * 4 + facts * 8 + dependenciesMax * 4;
/** How many stamps there are for what answers rest on. */
const stampCount = 1 << 20;

/**
 * Answers by object, right and subject: the whole question, compared number by number, so that no two
 * questions ever share an entry. An entry remembers what it rests on; a write stamps what it changes,
 * and an entry counts while nothing that it rests on has a later stamp. So it survives all writes that
 * do not concern it, and no write has to look for entries.
 *
 * Kept are only whole answers without caveats, at the head of the log; each carries its earliest expiry.
 */
export class AnswerCache {
  readonly #sets: number;
  readonly #keys: Uint32Array;
  readonly #facts: Float64Array;
  readonly #dependencies: Uint32Array;
  readonly #stamps: Float64Array;
  #changedAt = 0;
  #turn = 0;
  hits = 0;
  misses = 0;

  /** @param bytes roughly how much memory it may take. */
  constructor(bytes: number) {
    const wanted = Math.max(16, Math.floor(bytes / (bytesPerEntry * ways)));
    this.#sets = 2 ** Math.floor(Math.log2(wanted));
    const entries = this.#sets * ways;
    this.#keys = new Uint32Array(entries * keyWords);
    this.#facts = new Float64Array(entries * facts);
    this.#dependencies = new Uint32Array(entries * dependenciesMax);
    this.#stamps = new Float64Array(stampCount);
  }

  /** What lies in this slot has changed, at this revision. */
  stamp(slot: number, revision: number): void {
    this.#stamps[slot & (stampCount - 1)] = revision;
    if (revision > this.#changedAt) this.#changedAt = revision;
  }

  /** Numbers of objects may be given out again: nothing that is here can be trusted. */
  clear(): void {
    this.#keys.fill(0);
  }

  /** @returns the answer, or -1. */
  find(evaluation: Evaluator, object: number, uid: number): Tri | -1 {
    const entry = this.#lookUp(evaluation, object, uid);
    if (entry < 0 || !this.#isGood(entry, evaluation)) {
      this.misses++;
      return -1;
    }
    this.hits++;
    return this.#facts[entry * facts + 3] as Tri; // put there by `put`
  }

  /** Whether there is an answer. Nobody has asked for it. */
  holds(evaluation: Evaluator, object: number, uid: number): boolean {
    const entry = this.#lookUp(evaluation, object, uid);
    return entry >= 0 && this.#isGood(entry, evaluation);
  }

  #lookUp(evaluation: Evaluator, object: number, uid: number): number {
    const { subjectObject, subjectRelation } = evaluation;
    const keys = this.#keys;
    const first = this.#setOf(evaluation, object, uid) * ways;
    for (let entry = first; entry < first + ways; entry++) {
      const at = entry * keyWords;
      if (
        keys[at] === object &&
        keys[at + 2] === subjectObject &&
        keys[at + 1] === uid &&
        ((keys[at + 3] as number) & 0xffff) === subjectRelation // at is within
      ) {
        return entry;
      }
    }
    return -1;
  }

  #setOf({ subjectObject, subjectRelation }: Evaluator, object: number, uid: number): number {
    return (
      mix(object ^ Math.imul(uid, 0x9e3779b1), subjectObject + subjectRelation) & (this.#sets - 1)
    );
  }

  #isGood(entry: number, { revision, now }: Evaluator): boolean {
    const all = this.#facts;
    const at = entry * facts;
    const answeredAt = all[at] as number; // entries are within
    if (revision < answeredAt || now >= (all[at + 2] as number)) return false;
    if (this.#changedAt <= (all[at + 1] as number)) return true;
    const count = (this.#keys[entry * keyWords + 3] as number) >>> 16; // entries are within
    const first = entry * dependenciesMax;
    for (let i = first; i < first + count; i++) {
      const slot = this.#dependencies[i] as number; // as above
      if ((this.#stamps[slot & (stampCount - 1)] as number) > answeredAt) return false;
    }
    // All that has changed up to now did not concern it.
    all[at + 1] = this.#changedAt;
    return true;
  }

  /** Keeps what the evaluation has just found out, if it may be kept. */
  put(evaluation: Evaluator, object: number, options: { uid: number; value: Tri }): void {
    const { subjectObject, subjectRelation, dependencyCount, revision } = evaluation;
    if (evaluation.sawCaveat || evaluation.sawExpired || options.value === unknown) return;
    if (dependencyCount > dependenciesMax) return;
    let entry = this.#lookUp(evaluation, object, options.uid);
    if (entry < 0) {
      const first = this.#setOf(evaluation, object, options.uid) * ways;
      entry = first + (this.#turn++ & (ways - 1));
    }
    const key = entry * keyWords;
    this.#keys[key] = object;
    this.#keys[key + 1] = options.uid;
    this.#keys[key + 2] = subjectObject;
    this.#keys[key + 3] = subjectRelation | (dependencyCount << 16);
    const at = entry * facts;
    this.#facts[at] = revision;
    this.#facts[at + 1] = revision;
    this.#facts[at + 2] = evaluation.expiresAt;
    this.#facts[at + 3] = options.value;
    const first = entry * dependenciesMax;
    for (let i = 0; i < dependencyCount; i++) {
      this.#dependencies[first + i] = evaluation.dependencies[i] as number; // i is within
    }
  }
}
