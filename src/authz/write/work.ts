/**
 * How much of what is there one change may look at for its filters: the thread on which it looks is
 * that of all tenants.
 */
export class Work {
  #left: number;

  constructor(max: number) {
    this.#left = max;
  }

  /** @returns whether so much more is within the limit. Once it is not, nothing is. */
  look(count = 1): boolean {
    this.#left -= count;
    return this.#left >= 0;
  }

  get left(): number {
    return Math.max(0, this.#left);
  }

  get exceeded(): boolean {
    return this.#left < 0;
  }
}

/** What a walk over relationships counts as work. */
export interface Walk {
  readonly work: Work;
  /**
   * Whether what is over counts. For a delete it does not: one in portions would come to nothing
   * behind what the portions before it took.
   */
  readonly countsEnded: boolean;
}
