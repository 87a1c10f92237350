/*
 * Texts that wait to be written in order. They come in any order, are sorted in runs, and are taken
 * in laps: a lap takes, in one order from first to last, all that was there when it began.
 */

/** Sorting so many takes about a millisecond. */
const runLength = 1024;

interface Run {
  readonly texts: string[];
  /** The first that was not taken. */
  at: number;
}

export class FreshKeys {
  /** The latest, not sorted. */
  #tail: string[] = [];
  #runs: Run[] = [];
  /** Runs of the lap, as a heap: the one with the least next text first. Empty: there is no lap. */
  #lap: Run[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get inLap(): boolean {
    return this.#lap.length > 0;
  }

  add(text: string): void {
    this.#size++;
    this.#tail.push(text);
    if (this.#tail.length === runLength) this.#sortTail();
  }

  clear(): void {
    this.#tail = [];
    this.#runs = [];
    this.#lap = [];
    this.#size = 0;
  }

  /** Takes away all with a prefix, of the lap as well. */
  drop(prefix: string): void {
    this.#tail = this.#tail.filter((text) => !text.startsWith(prefix));
    const without = (runs: readonly Run[]): Run[] =>
      runs.map((run) => cut(run, prefix)).filter(({ texts, at }) => at < texts.length);
    this.#runs = without(this.#runs);
    this.#lap = without(this.#lap).sort((a, b) => (next(a) < next(b) ? -1 : 1)); // sorted is a heap
    const left = [...this.#runs, ...this.#lap].map(({ texts, at }) => texts.length - at);
    this.#size = left.reduce((sum, count) => sum + count, this.#tail.length);
  }

  /** When none goes on. */
  startLap(): void {
    if (this.#tail.length > 0) this.#sortTail();
    this.#lap = this.#runs.sort((a, b) => (next(a) < next(b) ? -1 : 1)); // sorted is a heap
    this.#runs = [];
  }

  /** The next so many of the lap; fewer: it has ended. */
  take(count: number): string[] {
    const taken: string[] = [];
    const lap = this.#lap;
    for (let first = lap[0]; first !== undefined && taken.length < count; first = lap[0]) {
      taken.push(next(first));
      first.at++;
      if (first.at === first.texts.length) {
        const last = lap.pop();
        if (last !== undefined && last !== first) lap[0] = last;
      }
      sink(lap);
    }
    this.#size -= taken.length;
    return taken;
  }

  /** All with a prefix, in no particular order. */
  find(prefix: string): string[] {
    const found = this.#tail.filter((text) => text.startsWith(prefix));
    for (const { texts, at } of [...this.#runs, ...this.#lap]) {
      for (let i = search(texts, { prefix, at }); texts[i]?.startsWith(prefix) === true; i++) {
        found.push(texts[i] ?? "");
      }
    }
    return found;
  }

  #sortTail(): void {
    this.#runs.push({ texts: this.#tail.sort(), at: 0 });
    this.#tail = [];
  }
}

function next({ texts, at }: Run): string {
  return texts[at] ?? "";
}

/** Puts the first run of a heap into its place. */
function sink(heap: Run[]): void {
  const moved = heap[0];
  if (moved === undefined) return;
  const text = next(moved);
  let hole = 0;
  for (;;) {
    let child = hole * 2 + 1;
    const left = heap[child];
    const right = heap[child + 1];
    if (left === undefined) break;
    const least = right !== undefined && next(right) < next(left) ? right : left;
    if (least === right) child++;
    if (text <= next(least)) break;
    heap[hole] = least;
    hole = child;
  }
  heap[hole] = moved;
}

function cut({ texts, at }: Run, prefix: string): Run {
  return { texts: texts.slice(at).filter((text) => !text.startsWith(prefix)), at: 0 };
}

/** Where the first text is that does not come before the prefix. */
function search(texts: readonly string[], { prefix, at }: { prefix: string; at: number }): number {
  let low = at;
  let high = texts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((texts[middle] ?? "") < prefix) low = middle + 1;
    else high = middle;
  }
  return low;
}
