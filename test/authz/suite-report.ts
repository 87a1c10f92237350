/** What tests came to: counts by name, and what disagreed. */

export class Tally {
  readonly counts: Map<string, number> = new Map();

  count(what: string, by = 1): void {
    this.counts.set(what, this.of(what) + by);
  }

  of(what: string): number {
    return this.counts.get(what) ?? 0;
  }

  get summary(): string {
    return [...this.counts].map(([what, count]) => `${what} ${count}`).join(", ");
  }
}

export class SuiteReport extends Tally {
  readonly disagreements: string[] = [];

  /** Counts a comparison, and keeps what is said about it when it does not hold. */
  expect(what: string, holds: boolean, describe: () => string): void {
    this.count(what);
    if (!holds) this.disagreements.push(`${what}: ${describe()}`);
  }

  /** Takes in a part of which it is known that, and why, it disagrees. */
  except({ counts, disagreements }: SuiteReport): void {
    for (const [what, count] of counts) this.count(what, count);
    this.count("known differences", disagreements.length);
  }

  override get summary(): string {
    return `${super.summary}, disagreements ${this.disagreements.length}`;
  }
}
