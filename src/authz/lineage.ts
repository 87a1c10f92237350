/** A stretch of history that one opening of the store wrote. */
type Stretch = readonly [from: number, id: number];

/** So many are remembered: restarts between which something was written. */
const stretchesMax = 1_000;

/**
 * Who wrote the revisions of a tenant. Each opening of the store begins a stretch under a number of
 * its own. So where a store was set back to a copy, revisions that are given out once more are told
 * apart from those that were lost, though the key of the zookies is the same.
 */
export class Lineage {
  readonly #id: number;
  #stretches: readonly Stretch[] = [];
  #isKept = false;

  /** @param id A random number. */
  constructor(id: number) {
    this.#id = id;
  }

  /**
   * After the store was read, at first and when what was not durable is taken back.
   * @param kept What it has of `keep`; null: nothing.
   * @param from The first revision that is written now.
   */
  begin(kept: string | null, from: number): void {
    const known = kept === null ? [] : (JSON.parse(kept) as Stretch[]); // made by `keep`
    const stretches: Stretch[] = [...known.filter(([begun]) => begun < from), [from, this.#id]];
    this.#stretches = stretches.slice(-stretchesMax);
    this.#isKept = false;
  }

  /** The number under which a revision was written; 0 for those before all that are remembered. */
  idOf(revision: number): number {
    return this.#stretches.findLast(([from]) => from <= revision)?.[1] ?? 0;
  }

  /** Whether it is remembered who wrote a revision. */
  reaches(revision: number): boolean {
    return revision >= (this.#stretches[0]?.[0] ?? 0);
  }

  /** The text to be stored with the first revision that is written; null: it was already. */
  keep(): string | null {
    if (this.#isKept) return null;
    this.#isKept = true;
    return JSON.stringify(this.#stretches);
  }
}
