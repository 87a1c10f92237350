/**
 * Is there a total order of the writes, consistent with real time, that explains every answer at its
 * zookie? Zookies are only compared for equality: what order they stand for is what is looked for.
 *
 * What the answers say of the order (a read of the latest saw no less than every write that had
 * ended, and nothing that began later; at least as fresh as asked; exactly as asked; one read after
 * another never goes back) becomes "before" between writes. A search then lays the writes in a row,
 * and at each compares what was read there with what is so by then.
 */

/** What is there, one bit for each thing that may be. */
export type Bits = number;

export interface WriteRecord {
  readonly start: number;
  readonly end: number;
  readonly zookie: string;
  readonly puts: Bits;
  readonly removes: Bits;
}

export interface ReadRecord {
  readonly start: number;
  readonly end: number;
  /** Of the answer. */
  readonly zookie: string;
  readonly wanted:
    | { readonly kind: "latest" }
    | { readonly kind: "at-least" | "exactly"; readonly zookie: string };
  readonly seen: Bits;
}

export interface Recorded {
  /** Of the state before all writes, in which nothing is there. */
  readonly initial: string;
  readonly writes: readonly WriteRecord[];
  readonly reads: readonly ReadRecord[];
}

/** Writes with one zookie: one changed nothing, or they came in one transaction. */
type Unit = readonly WriteRecord[];

/** Null when there is such an order, else what is wrong. */
export function faultOf({ initial, writes, reads }: Recorded): string | null {
  const long = Number.NEGATIVE_INFINITY;
  const first = { start: long, end: long, zookie: initial, puts: 0, removes: 0 };
  const byZookie = Map.groupBy([first, ...writes], ({ zookie }) => zookie);
  const units = [...byZookie.values()];
  const at = new Map([...byZookie.keys()].map((zookie, index) => [zookie, index]));
  for (const { zookie, wanted, end } of reads) {
    const unit = byZookie.get(zookie);
    if (unit === undefined) return `an answer at ${zookie}, which no write returned`;
    if (unit.every(({ start }) => start > end)) return `an answer at ${zookie}, before it was made`;
    if (wanted.kind === "exactly" && wanted.zookie !== zookie) return "another snapshot than asked";
  }
  return new Search(units, { at, reads, before: precedence({ units, at, reads }) }).run();
}

interface Known {
  readonly at: ReadonlyMap<string, number>;
  readonly reads: readonly ReadRecord[];
}

/** For each unit those that must come before it. */
function precedence({
  units,
  at,
  reads,
}: Known & { readonly units: readonly Unit[] }): readonly ReadonlySet<number>[] {
  const before = units.map(() => new Set<number>());
  const placeOf = (zookie: string) => at.get(zookie) ?? 0;
  const add = (first: number, then: number) => {
    if (first !== then) before[then]?.add(first);
  };
  const writes = units.flat();
  for (const one of writes) {
    for (const next of writes) {
      if (one.end < next.start) add(placeOf(one.zookie), placeOf(next.zookie));
    }
  }
  for (const read of reads) {
    const place = placeOf(read.zookie);
    for (const { start, end, zookie } of writes) {
      if (read.wanted.kind === "latest" && end < read.start) add(placeOf(zookie), place);
      if (start > read.end) add(place, placeOf(zookie));
    }
    if (read.wanted.kind === "at-least") add(placeOf(read.wanted.zookie), place);
  }
  const latest = reads.filter(({ wanted }) => wanted.kind === "latest");
  for (const one of latest) {
    for (const next of latest) {
      if (one.end < next.start) add(placeOf(one.zookie), placeOf(next.zookie));
    }
  }
  return before;
}

class Search {
  readonly #units: readonly Unit[];
  readonly #before: readonly ReadonlySet<number>[];
  /** What was read at each. */
  readonly #seen: readonly (readonly Bits[])[];
  readonly #tried = new Set<string>();
  #furthest = 0;
  #fault = "what must come before what goes in a circle";

  constructor(
    units: readonly Unit[],
    { at, reads, before }: Known & { readonly before: readonly ReadonlySet<number>[] },
  ) {
    this.#units = units;
    this.#before = before;
    const seen: Bits[][] = units.map(() => []);
    for (const read of reads) seen[at.get(read.zookie) ?? 0]?.push(read.seen);
    this.#seen = seen;
  }

  run(): string | null {
    return this.#from(new Set(), 0) ? null : this.#fault;
  }

  /** Lays the rest after those that are laid. */
  #from(laid: ReadonlySet<number>, state: Bits): boolean {
    if (laid.size === this.#units.length) return true;
    const key = `${[...laid].toSorted((a, b) => a - b).join()}:${state}`;
    if (this.#tried.has(key)) return false;
    this.#tried.add(key);
    for (const [index, unit] of this.#units.entries()) {
      const first = this.#before[index];
      if (laid.has(index) || first === undefined || !first.isSubsetOf(laid)) continue;
      for (const after of new Set(outcomes(unit, state))) {
        const other = this.#seen[index]?.find((seen) => seen !== after);
        if (other === undefined) {
          if (this.#from(new Set([...laid, index]), after)) return true;
        } else if (laid.size >= this.#furthest) {
          this.#furthest = laid.size;
          const zookie = unit[0]?.zookie;
          this.#fault = `at ${zookie}, number ${laid.size}, ${other} was read and ${after} is so`;
        }
      }
    }
    return false;
  }
}

/** What may be so after the writes of a unit, in whatever order they were done. */
function outcomes(unit: Unit, state: Bits): readonly Bits[] {
  if (unit.length === 0) return [state];
  return unit.flatMap(({ puts, removes }, at) =>
    outcomes(unit.toSpliced(at, 1), (state & ~removes) | puts),
  );
}
