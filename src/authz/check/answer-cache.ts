import { mix } from "../graph/pair-table.ts";
import { dependenciesMax, type Evaluator } from "./evaluator.ts";
import { type Tri, unknown } from "./verdict.ts";

/** Entries that share a place: their keys fill one line of the processor's cache. */
const ways = 4;
/** Words of a key: object, right, object of the subject, its type and relation. */
const keyWords = 4;
/**
 * Numbers about an entry: revision of the answer, revision it was last found good at, expiry, and the
 * value with the number of dependencies.
 */
const facts = 4;
/** An entry without its key: what it rests on lies next to the numbers. */
const entryNumbers = facts + dependenciesMax / 2;
const bytesPerEntry = keyWords * 4 + entryNumbers * 8;
/*
 * Tenants of which little is asked, and in which little changes, take little: 100 KB to begin with.
 * Entries become more when answers have pushed out others, one for so many entries; stamps, as soon
 * as a few were set, since what shares one with something that changed is not found.
 */
const setsFirst = 128;
const entriesPerPushed = 16;
const stampedFew = 256;
const stampsFirst = 1 << 12;
const stampsMax = 1 << 20;
const growth = 16;

/**
 * Answers by object, right and subject: the whole question, compared number by number, so that no two
 * questions ever share an entry. An entry remembers what it rests on; a write stamps what it changes,
 * and an entry counts while nothing that it rests on has a later stamp. So it survives all writes that
 * do not concern it, and no write has to look for entries.
 *
 * Kept are only whole answers without caveats, at the head of the log; each carries its earliest expiry.
 */
export class AnswerCache {
  readonly #setsMax: number;
  #sets = 0;
  #keys = new Uint32Array(0);
  #facts = new Float64Array(0);
  /** The same memory, for the dependencies. */
  #words = new Uint32Array(0);
  #stamps = new Float64Array(stampsFirst);
  #stampMask = stampsFirst - 1;
  #stamped = 0;
  /** Of answers from before this revision, nothing is known. */
  #floor = 0;
  /** Answers that have pushed out others at this size. */
  #pushed = 0;
  readonly #recent = new RecentChanges();
  #changedAt = 0;
  #turn = 0;
  hits = 0;
  misses = 0;

  /** @param bytes roughly how much memory it may take, once much is asked. */
  constructor(bytes: number) {
    const wanted = Math.max(16, Math.floor(bytes / (bytesPerEntry * ways)));
    this.#setsMax = 2 ** Math.floor(Math.log2(wanted));
    this.#makeSets(Math.min(setsFirst, this.#setsMax));
  }

  /** How much memory it takes. */
  get bytes(): number {
    return this.#keys.byteLength + this.#facts.byteLength + this.#stamps.byteLength;
  }

  /** Begins anew with so many sets. */
  #makeSets(sets: number): void {
    const entries = sets * ways;
    this.#sets = sets;
    this.#keys = new Uint32Array(entries * keyWords);
    this.#facts = new Float64Array(entries * entryNumbers);
    this.#words = new Uint32Array(this.#facts.buffer);
    this.#pushed = 0;
  }

  /** What was stamped up to now is not known any more. */
  #makeStamps(): void {
    this.#stamps = new Float64Array(stampsMax);
    this.#stampMask = stampsMax - 1;
    this.#floor = this.#changedAt;
  }

  /** What lies in this slot has changed, at this revision. */
  stamp(slot: number, revision: number): void {
    this.#stamps[slot & this.#stampMask] = revision;
    this.#recent.add(slot, this.#changedAt);
    if (revision > this.#changedAt) this.#changedAt = revision;
    if (++this.#stamped === stampedFew) this.#makeStamps();
  }

  /** What was written was taken back, and other things will be written at the same revisions. */
  clear(): void {
    this.#keys.fill(0);
    this.#stamps.fill(0);
    this.#floor = 0;
    this.#changedAt = 0;
    this.#recent.clear();
  }

  /** @returns the answer, or -1. */
  find(evaluation: Evaluator, object: number, uid: number): Tri | -1 {
    const entry = this.#lookUp(evaluation, object, uid);
    if (entry < 0 || !this.#isGood(entry, evaluation)) {
      this.misses++;
      return -1;
    }
    this.hits++;
    return ((this.#facts[entry * entryNumbers + 3] as number) & 3) as Tri; // put there by `put`
  }

  /** Whether there is an answer. Nobody has asked for it. */
  holds(evaluation: Evaluator, object: number, uid: number): boolean {
    const entry = this.#lookUp(evaluation, object, uid);
    return entry >= 0 && this.#isGood(entry, evaluation);
  }

  #lookUp(evaluation: Evaluator, object: number, uid: number): number {
    const hash = hashOf(evaluation, object, uid);
    const entry = this.#lookIn(this.#firstSet(hash), { evaluation, object, uid });
    return entry >= 0 ? entry : this.#lookIn(this.#secondSet(hash), { evaluation, object, uid });
  }

  #lookIn(set: number, { evaluation, object, uid }: Key): number {
    const { subjectObject, subjectKey } = evaluation;
    const keys = this.#keys;
    for (let entry = set; entry < set + ways; entry++) {
      const at = entry * keyWords;
      if (
        keys[at] === object &&
        keys[at + 2] === subjectObject &&
        keys[at + 1] === uid &&
        keys[at + 3] === subjectKey
      ) {
        return entry;
      }
    }
    return -1;
  }

  /** The first entry of the set in which an answer lies mostly. */
  #firstSet(hash: number): number {
    return (hash & (this.#sets - 1)) * ways;
  }

  /** And of the one in which it lies when that was full. */
  #secondSet(hash: number): number {
    return ((Math.imul(hash, 0x9e3779b1) >>> 5) & (this.#sets - 1)) * ways;
  }

  #isGood(entry: number, evaluation: Evaluator): boolean {
    const all = this.#facts;
    const at = entry * entryNumbers;
    const answeredAt = all[at] as number; // entries are within
    if (evaluation.revision < answeredAt) return false;
    const expiresAt = all[at + 2] as number; // as above
    if (expiresAt !== Number.POSITIVE_INFINITY && evaluation.now >= expiresAt) return false;
    const goodAt = all[at + 1] as number; // as above
    if (this.#changedAt <= goodAt) return true;
    if (answeredAt < this.#floor) return false;
    const isRecent = goodAt >= this.#recent.from;
    const count = (all[at + 3] as number) >>> 2; // as above
    const first = (at + facts) * 2;
    for (let i = first; i < first + count; i++) {
      const slot = this.#words[i] as number; // as above
      if (isRecent && !this.#recent.has(slot)) continue;
      if ((this.#stamps[slot & this.#stampMask] as number) > answeredAt) return false;
    }
    // All that has changed up to now did not concern it.
    all[at + 1] = this.#changedAt;
    return true;
  }

  /** Keeps what the evaluation has just found out, if it may be kept. */
  put(evaluation: Evaluator, object: number, options: { uid: number; value: Tri }): void {
    const { subjectObject, subjectKey, dependencyCount, revision } = evaluation;
    if (evaluation.sawCaveat || evaluation.sawExpired || options.value === unknown) return;
    if (dependencyCount > dependenciesMax) return;
    let entry = this.#lookUp(evaluation, object, options.uid);
    if (entry < 0) entry = this.#roomFor(evaluation, object, options.uid);
    const key = entry * keyWords;
    this.#keys[key] = object;
    this.#keys[key + 1] = options.uid;
    this.#keys[key + 2] = subjectObject;
    this.#keys[key + 3] = subjectKey;
    const at = entry * entryNumbers;
    this.#facts[at] = revision;
    this.#facts[at + 1] = revision;
    this.#facts[at + 2] = evaluation.expiresAt;
    this.#facts[at + 3] = options.value | (dependencyCount << 2);
    const first = (at + facts) * 2;
    for (let i = 0; i < dependencyCount; i++) {
      this.#words[first + i] = evaluation.dependencies[i] as number; // i is within
    }
  }

  /** A free entry, or the one whose turn it is; where this has become usual, there is made room. */
  #roomFor(evaluation: Evaluator, object: number, uid: number): number {
    const hash = hashOf(evaluation, object, uid);
    const first = this.#firstSet(hash);
    const free = this.#freeIn(first);
    if (free >= 0) return free;
    const other = this.#freeIn(this.#secondSet(hash));
    if (other >= 0) return other;
    this.#pushed++;
    if (this.#pushed * entriesPerPushed >= this.#sets * ways && this.#sets < this.#setsMax) {
      this.#makeSets(Math.min(this.#sets * growth, this.#setsMax));
      return this.#firstSet(hash);
    }
    return first + (this.#turn++ & (ways - 1));
  }

  #freeIn(set: number): number {
    for (let entry = set; entry < set + ways; entry++) {
      if (this.#keys[entry * keyWords] === 0) return entry;
    }
    return -1;
  }
}

interface Key {
  readonly evaluation: Evaluator;
  readonly object: number;
  readonly uid: number;
}

function hashOf({ subjectObject, subjectKey }: Evaluator, object: number, uid: number): number {
  return mix(object ^ Math.imul(uid, 0x9e3779b1), subjectObject ^ subjectKey);
}

/** Bits that say which slots may have changed lately: few enough to stay in the processor's cache. */
const recentBits = 1 << 18;
/** With more changes than that, too many bits are set to say much, and it begins anew. */
const recentMax = recentBits / 32;

/**
 * Which slots were stamped since some revision, as a set that says yes too often but never no: after
 * a few writes, nearly all that answers rest on can be passed over without a look at its stamp.
 */
class RecentChanges {
  /** All that was stamped at later revisions is in it. */
  from = 0;
  readonly #bits = new Uint32Array(recentBits / 32);
  #count = 0;

  /** @param changedAt The latest revision at which anything was stamped before. */
  add(slot: number, changedAt: number): void {
    if (this.#count === recentMax) {
      this.clear();
      this.from = changedAt;
    }
    this.#count++;
    const word = (slot & (recentBits - 1)) >>> 5;
    this.#bits[word] = (this.#bits[word] as number) | (1 << (slot & 31)); // word is within
  }

  clear(): void {
    this.#bits.fill(0);
    this.#count = 0;
    this.from = 0;
  }

  has(slot: number): boolean {
    const word = this.#bits[(slot & (recentBits - 1)) >>> 5] as number; // it is within
    return (word & (1 << (slot & 31))) !== 0;
  }
}
