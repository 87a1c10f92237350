/** What a suite came to. */
export class SuiteReport {
  readonly counts: Map<string, number> = new Map();
  readonly disagreements: string[] = [];

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

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

  get summary(): string {
    const counts = [...this.counts].map(([what, count]) => `${what} ${count}`);
    return `${counts.join(", ")}, disagreements ${this.disagreements.length}`;
  }
}
