/**
 * Is there an order of these operations, each at some moment between its call and its return, in
 * which a sequential object would have answered so? The search of Wing and Gong with Lowe's memory
 * of states already tried ("Testing for linearizability", 2017), as Porcupine does it.
 */

/** One operation of a history. Times need only be ordered. */
export interface Operation<I, O> {
  readonly input: I;
  /** What came back; `undefined` when nobody knows whether it was done, or will be. */
  readonly output: O | undefined;
  readonly called: number;
  /** `Infinity` when it never returned. */
  readonly returned: number;
}

/** A sequential object. States are compared by `===`. */
export interface Model<S, I, O> {
  readonly initial: S;
  /** The state after the operation, or `undefined` when the object would not have answered so. */
  step(state: S, input: I, output: O | undefined): S | undefined;
}

export function isLinearizable<S, I, O>(
  model: Model<S, I, O>,
  history: readonly Operation<I, O>[],
): boolean {
  return new Search(model, history).run();
}

/** Checks each part of a history by itself: linearizability is local to an object. */
export function areLinearizable<S, I, O>(
  model: Model<S, I, O>,
  history: readonly Operation<I, O>[],
  partOf: (input: I) => string,
): boolean {
  const parts = new Map<string, Operation<I, O>[]>();
  for (const operation of history) {
    const name = partOf(operation.input);
    const part = parts.get(name);
    if (part === undefined) parts.set(name, [operation]);
    else part.push(operation);
  }
  for (const part of parts.values()) if (!isLinearizable(model, part)) return false;
  return true;
}

/** A call or a return in the order of time, in a list from which operations are lifted out. */
interface Moment {
  readonly operation: number;
  /** The return that belongs to a call; null for a return. */
  match: Moment | null;
  before: Moment | null;
  after: Moment | null;
}

class Search<S, I, O> {
  readonly #model: Model<S, I, O>;
  readonly #operations: readonly Operation<I, O>[];
  readonly #head: Moment = { operation: -1, match: null, before: null, after: null };
  /** Operations that are in the order so far, as bits. */
  readonly #done: Uint32Array;
  #doneHash = 0;
  /** What was tried already: which operations, by their hash and the state after them. */
  readonly #tried = new Map<number, Map<S, Uint32Array[]>>();
  /** Operations with a known outcome that are not yet in the order. */
  #left = 0;
  readonly #order: { call: Moment; state: S }[] = [];
  #state: S;

  constructor(model: Model<S, I, O>, history: readonly Operation<I, O>[]) {
    this.#model = model;
    this.#operations = history;
    this.#state = model.initial;
    this.#done = new Uint32Array((history.length + 31) >> 5);
    for (const { output } of history) if (output !== undefined) this.#left++;
    this.#link();
  }

  #link(): void {
    const moments: { at: number; moment: Moment }[] = [];
    for (const [operation, { called, returned }] of this.#operations.entries()) {
      const end: Moment = { operation, match: null, before: null, after: null };
      const start: Moment = { operation, match: end, before: null, after: null };
      moments.push({ at: called, moment: start }, { at: returned, moment: end });
    }
    // At the same time, calls come first: then they may overlap.
    const rank = (moment: Moment): number => (moment.match === null ? 1 : 0);
    moments.sort((a, b) => compare(a.at, b.at) || rank(a.moment) - rank(b.moment));
    let last = this.#head;
    for (const { moment } of moments) {
      moment.before = last;
      last.after = moment;
      last = moment;
    }
  }

  run(): boolean {
    let moment = this.#head.after;
    // What has no known outcome may as well never be done.
    while (this.#left > 0 && moment !== null) {
      if (moment.match !== null && this.#take(moment)) {
        moment = this.#head.after;
      } else if (moment.match !== null) {
        moment = moment.after;
      } else {
        // It returns here, and could not be put anywhere before: the order so far is wrong.
        const call = this.#takeBack();
        if (call === undefined) return false;
        moment = call.after;
      }
    }
    return true;
  }

  /** Puts an operation next in the order, if the object allows it and this is not known to fail. */
  #take(call: Moment): boolean {
    const { input, output } = this.#operations[call.operation] as Operation<I, O>; // linked from it
    const state = this.#model.step(this.#state, input, output);
    if (state === undefined) return false;
    // Whether it is done or not makes no difference, so it need not be tried.
    if (output === undefined && state === this.#state) return false;
    this.#flip(call.operation);
    if (!this.#isNew(state)) {
      this.#flip(call.operation);
      return false;
    }
    this.#order.push({ call, state: this.#state });
    this.#state = state;
    if (output !== undefined) this.#left--;
    unlink(call);
    unlink(call.match as Moment); // calls have one
    return true;
  }

  #takeBack(): Moment | undefined {
    const last = this.#order.pop();
    if (last === undefined) return undefined;
    const { call, state } = last;
    this.#state = state;
    if (this.#operations[call.operation]?.output !== undefined) this.#left++;
    this.#flip(call.operation);
    relink(call.match as Moment); // in reverse
    relink(call);
    return call;
  }

  #flip(operation: number): void {
    const word = operation >> 5;
    this.#done[word] = (this.#done[word] as number) ^ (1 << (operation & 31));
    this.#doneHash ^= scatter(operation);
  }

  #isNew(state: S): boolean {
    let byState = this.#tried.get(this.#doneHash);
    if (byState === undefined) {
      byState = new Map();
      this.#tried.set(this.#doneHash, byState);
    }
    const known = byState.get(state);
    if (known === undefined) byState.set(state, [this.#done.slice()]);
    else if (known.some((other) => isSame(other, this.#done))) return false;
    else known.push(this.#done.slice());
    return true;
  }
}

/** Numbers that are close get bits that have nothing in common, so that sums of them differ. */
function scatter(value: number): number {
  let bits = Math.imul(value + 0x9e3779b9, 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  bits = Math.imul(bits ^ (bits >>> 16), 0x27d4eb2f);
  return bits ^ (bits >>> 15);
}

function unlink(moment: Moment): void {
  const { before, after } = moment;
  if (before !== null) before.after = after;
  if (after !== null) after.before = before;
}

function relink(moment: Moment): void {
  const { before, after } = moment;
  if (before !== null) before.after = moment;
  if (after !== null) after.before = moment;
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isSame(a: Uint32Array, b: Uint32Array): boolean {
  for (let word = 0; word < a.length; word++) if (a[word] !== b[word]) return false;
  return true;
}
