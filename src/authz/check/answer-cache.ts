import { mix } from "../graph/pair-table.ts";
import { dependenciesMax, type Evaluation } from "./evaluation.ts";
import type { Tri } from "./verdict.ts";

/** Entries that share a place; a new one takes that of the oldest. */
const ways = 4;
/** Words per entry: object, right, subject, relation of the subject with the value, dependencies. */
const words = 5 + dependenciesMax;
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
  readonly #words: Uint32Array;
  /** Per entry: revision of the answer, revision at which it was last found good, expiry. */
  readonly #times: Float64Array;
  readonly #stamps: Float64Array;
  #changedAt = 0;
  #turn = 0;
  hits = 0;
  misses = 0;

  /** @param bytes roughly how much memory it may take. */
  constructor(bytes: number) {
    const wanted = Math.max(16, Math.floor(bytes / ((words * 4 + 24) * ways)));
    this.#sets = 2 ** Math.floor(Math.log2(wanted));
    this.#words = new Uint32Array(this.#sets * ways * words);
    this.#times = new Float64Array(this.#sets * ways * 3);
    this.#stamps = new Float64Array(stampCount);
  }

  /** What lies in this slot has changed, at this revision. */
  stamp(slot: number, revision: number): void {
    this.#stamps[slot & (stampCount - 1)] = revision;
    if (revision > this.#changedAt) this.#changedAt = revision;
  }

  /** Numbers of objects may be given out again: nothing that is here can be trusted. */
  clear(): void {
    this.#words.fill(0);
  }

  /** @returns the answer, or -1. */
  find(evaluation: Evaluation, object: number, uid: number): Tri | -1 {
    const entry = this.#lookUp(evaluation, object, uid);
    if (entry < 0 || !this.#isGood(entry, evaluation)) {
      this.misses++;
      return -1;
    }
    this.hits++;
    return this.#words[entry * words + 4] as Tri; // put there by `put`
  }

  #lookUp(evaluation: Evaluation, object: number, uid: number): number {
    const { subjectObject, subjectRelation } = evaluation;
    const all = this.#words;
    const first = this.#setOf(evaluation, object, uid) * ways;
    for (let entry = first; entry < first + ways; entry++) {
      const at = entry * words;
      if (
        all[at] === object &&
        all[at + 1] === uid &&
        all[at + 2] === subjectObject &&
        (all[at + 3] as number) % 65_536 === subjectRelation // dependencies are counted above it
      ) {
        return entry;
      }
    }
    return -1;
  }

  #setOf({ subjectObject, subjectRelation }: Evaluation, object: number, uid: number): number {
    return mix(mix(object, uid), mix(subjectObject, subjectRelation)) & (this.#sets - 1);
  }

  #isGood(entry: number, { revision, now }: Evaluation): boolean {
    const times = this.#times;
    const answeredAt = times[entry * 3] as number; // entries are within
    if (revision < answeredAt || now >= (times[entry * 3 + 2] as number)) return false;
    const goodAt = times[entry * 3 + 1] as number;
    if (this.#changedAt <= goodAt) return true;
    const at = entry * words;
    const count = Math.floor((this.#words[at + 3] as number) / 65_536);
    for (let i = 0; i < count; i++) {
      const slot = this.#words[at + 5 + i] as number;
      if ((this.#stamps[slot & (stampCount - 1)] as number) > answeredAt) return false;
    }
    // All that has changed up to now did not concern it.
    if (revision >= this.#changedAt) times[entry * 3 + 1] = this.#changedAt;
    return true;
  }

  /** Keeps what the evaluation has just found out, if it may be kept. */
  put(evaluation: Evaluation, object: number, options: { uid: number; value: Tri }): void {
    const { subjectObject, subjectRelation, dependencyCount, revision } = evaluation;
    if (evaluation.sawCaveat || evaluation.fault !== null) return;
    if (dependencyCount > dependenciesMax) return;
    const first = this.#setOf(evaluation, object, options.uid) * ways;
    let entry = this.#lookUp(evaluation, object, options.uid);
    if (entry < 0) entry = first + (this.#turn++ & (ways - 1));
    const at = entry * words;
    this.#words[at] = object;
    this.#words[at + 1] = options.uid;
    this.#words[at + 2] = subjectObject;
    this.#words[at + 3] = subjectRelation + dependencyCount * 65_536;
    this.#words[at + 4] = options.value;
    for (let i = 0; i < dependencyCount; i++) {
      this.#words[at + 5 + i] = evaluation.dependencies[i] as number; // i is within
    }
    this.#times[entry * 3] = revision;
    this.#times[entry * 3 + 1] = revision;
    this.#times[entry * 3 + 2] = evaluation.expiresAt;
  }
}
