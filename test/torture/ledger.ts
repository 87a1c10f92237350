/**
 * What was asked for, what was acknowledged, and the comparison with what is there in the end. It
 * knows nothing of servers, so that a test can show that it finds what it should.
 */

export interface Entry {
  acknowledged: boolean;
  /** What the acknowledgement said, if that can be compared with what is there. */
  answer: string | undefined;
}

export interface Found {
  readonly count: number;
  readonly answer?: string;
}

export interface Finding {
  readonly kind: "missing" | "double" | "unasked" | "wrong";
  readonly what: string;
  readonly detail: string;
}

export class Ledger {
  readonly #entries = new Map<string, Entry>();
  #acknowledged = 0;

  /** Before it is asked for: from here on it may happen. */
  begin(what: string): void {
    if (this.#entries.has(what)) throw new Error(`${what} was begun before`);
    this.#entries.set(what, { acknowledged: false, answer: undefined });
  }

  /** The server has said that it is done: from here on it must not be lost. */
  acknowledge(what: string, answer?: unknown): void {
    const entry = this.#entries.get(what);
    if (entry === undefined) throw new Error(`${what} was never begun`);
    if (!entry.acknowledged) this.#acknowledged++;
    entry.acknowledged = true;
    if (answer !== undefined) entry.answer = JSON.stringify(answer);
  }

  entries(): ReadonlyMap<string, Readonly<Entry>> {
    return this.#entries;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Of these nobody knows whether they took effect. */
  get unknown(): number {
    return this.#entries.size - this.#acknowledged;
  }
}

/** What is acknowledged is there once; what is not is there at most once; nothing else is there. */
export function account(ledger: Ledger, found: ReadonlyMap<string, Found>): Finding[] {
  const findings: Finding[] = [];
  const entries = ledger.entries();
  for (const [what, { acknowledged, answer }] of entries) {
    const { count = 0, answer: actual } = found.get(what) ?? {};
    if (acknowledged && count === 0) {
      findings.push({ kind: "missing", what, detail: "acknowledged, and not there" });
    } else if (count > 1) {
      findings.push({ kind: "double", what, detail: `there ${count} times` });
    } else if (count === 1 && answer !== undefined && actual !== undefined && answer !== actual) {
      findings.push({ kind: "wrong", what, detail: `answered ${answer}, and there is ${actual}` });
    }
  }
  for (const what of found.keys()) {
    if (!entries.has(what)) findings.push({ kind: "unasked", what, detail: "never asked for" });
  }
  return findings;
}

/** For lists in which an order can be seen: adds one more of it. */
export function count(found: Map<string, Found>, what: string, answer?: unknown): void {
  const before = found.get(what)?.count ?? 0;
  const text = answer === undefined ? {} : { answer: JSON.stringify(answer) };
  found.set(what, { count: before + 1, ...text });
}
