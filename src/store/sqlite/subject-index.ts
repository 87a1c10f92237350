import type { DatabaseSync, StatementSync } from "node:sqlite";
import { compareText, endOfPrefix } from "../order.ts";
import { FreshKeys } from "./fresh-keys.ts";
import { Question } from "./rows.ts";

/*
 * The index by subject lags behind. An entry put in its place at once would change a page of its own
 * nearly always, since subjects are spread over all of the index, and each page is written whole:
 * measured with a million relationships, that made writing them three times as slow. So the new
 * entries of a transaction are written together, as one row of `fresh_subjects`, and are kept in
 * memory; when there are many they go into the index in its own order, so that one change of a page
 * takes several along, a few with each commit. When all that were there at some point have gone over,
 * their rows are deleted. An entry may be in both places for a while, and means the same.
 */

/** From so many waiting on, they are moved. Then more come while these go: half as many again. */
const freshMax = 131_072;
/** So many are moved for each that is new, and not fewer at a time than that. */
const movedPerNew = 2;
const movedMin = 200;
/** Rows of `fresh_subjects` that one commit deletes. */
const forgottenMax = 16;

export const subjectTexts = {
  find: "SELECT key FROM by_subject WHERE key > ?1 AND key < ?2 ORDER BY key LIMIT ?3",
  fresh: "SELECT tenant, revision, keys FROM fresh_subjects ORDER BY tenant, revision",
  freshOf: "SELECT keys FROM fresh_subjects WHERE tenant = ? AND revision = ?",
  anyFresh: "SELECT revision, keys FROM fresh_subjects WHERE tenant = ? LIMIT 1",
} as const;

const statementTexts = {
  insert: "INSERT OR IGNORE INTO by_subject VALUES (?)",
  remove: "DELETE FROM by_subject WHERE key = ?",
  dropFresh: "DELETE FROM fresh_subjects WHERE tenant = ? AND revision = ?",
  putFresh: "INSERT OR REPLACE INTO fresh_subjects VALUES (?, ?, ?)",
  forget: `DELETE FROM fresh_subjects WHERE tenant = ?1 AND revision IN (SELECT revision
    FROM fresh_subjects WHERE tenant = ?1 AND revision <= ?2 ORDER BY revision LIMIT ?3)`,
} as const;

export interface SubjectSearch {
  readonly prefix: string;
  /** An entry, or the beginning of some: only what is greater. */
  readonly after: string;
  readonly limit: number;
}

export class SubjectIndex {
  readonly #run: Readonly<Record<keyof typeof statementTexts, StatementSync>>;
  readonly #ask: Readonly<Record<keyof typeof subjectTexts, Question>>;
  readonly #fresh = new FreshKeys();
  readonly #freshMax: number;
  /** What was deleted while it waited for the next lap, or in this one, and is not to go over. */
  #removed = new Set<string>();
  #lapRemoved = new Set<string>();
  /** The latest revision of each tenant of which something waits, and those of the lap. */
  #latest = new Map<number, number>();
  #lapLatest = new Map<number, number>();
  /** What has gone over, and whose rows are still there. */
  #done: [tenant: number, revision: number][] = [];

  /** @param max Replaced by tests, to see entries move. */
  constructor(db: DatabaseSync, max: number = freshMax) {
    this.#freshMax = max;
    // fromEntries forgets the key types
    this.#run = Object.fromEntries(
      Object.entries(statementTexts).map(([name, text]) => [name, db.prepare(text)]),
    ) as Record<keyof typeof statementTexts, StatementSync>;
    this.#ask = Object.fromEntries(
      Object.entries(subjectTexts).map(([name, text]) => [name, new Question(db, text)]),
    ) as Record<keyof typeof subjectTexts, Question>;
    this.reload();
  }

  /** What waits, from the file: at first, and after a transaction that was rolled back. */
  reload(): void {
    this.#fresh.clear();
    this.#removed.clear();
    this.#lapRemoved.clear();
    this.#latest.clear();
    this.#lapLatest.clear();
    this.#done = [];
    for (const [tenant, revision, keys] of this.#ask.fresh.all()) {
      for (const key of parseKeys(keys)) this.#fresh.add(key);
      this.#latest.set(tenant as number, revision as number); // STRICT; the last is the latest
    }
  }

  /** The entries of one transaction. As the others that write: inside a transaction of the store. */
  add(tenant: number, revision: number, keys: readonly string[]): void {
    if (keys.length === 0) return;
    this.#run.putFresh.run(tenant, revision, JSON.stringify(keys));
    for (const key of keys) this.#fresh.add(key);
    this.#latest.set(tenant, revision);
  }

  /** Entries that one transaction made, or some of them. */
  remove(tenant: number, revision: number, keys: ReadonlySet<string>): void {
    for (const key of keys) this.#run.remove.run(key);
    const row = this.#ask.freshOf.first(tenant, revision);
    if (row === undefined) return;
    this.#stop(tenant, revision, keys);
    const left = parseKeys(row[0]).filter((key) => !keys.has(key));
    if (left.length > 0) this.#run.putFresh.run(tenant, revision, JSON.stringify(left));
    else this.#run.dropFresh.run(tenant, revision);
  }

  /**
   * Entries of a tenant that wait, transaction by transaction until there are as many as wanted.
   * @returns how many it were.
   */
  sweep(tenant: number, limit: number): number {
    let swept = 0;
    while (swept < limit) {
      const row = this.#ask.anyFresh.first(tenant);
      if (row === undefined) break;
      const keys = new Set(parseKeys(row[1]));
      this.remove(tenant, row[0] as number, keys); // STRICT
      swept += keys.size;
    }
    return swept;
  }

  /** Keeps what waits from going over. */
  #stop(tenant: number, revision: number, keys: Iterable<string>): void {
    if (this.#done.some(([of, upTo]) => of === tenant && revision <= upTo)) return;
    const inLap = revision <= (this.#lapLatest.get(tenant) ?? 0);
    const removed = inLap ? this.#lapRemoved : this.#removed;
    for (const key of keys) removed.add(key);
  }

  /** Moves some, in proportion to what has come. */
  step(added: number): void {
    const forgotten = this.#done[0];
    if (forgotten !== undefined) {
      const { changes } = this.#run.forget.run(...forgotten, forgottenMax);
      if (Number(changes) < forgottenMax) this.#done.shift();
    }
    if (added === 0) return;
    if (!this.#fresh.inLap) {
      if (this.#fresh.size < this.#freshMax || this.#done.length > 0) return;
      this.#fresh.startLap();
      this.#lapLatest = this.#latest;
      this.#latest = new Map();
      this.#lapRemoved = this.#removed;
      this.#removed = new Set();
    }
    for (const key of this.#fresh.take(Math.max(added * movedPerNew, movedMin))) {
      if (!this.#lapRemoved.has(key)) this.#run.insert.run(key);
    }
    if (this.#fresh.inLap) return;
    this.#done = [...this.#lapLatest];
    this.#lapLatest.clear();
    this.#lapRemoved.clear();
  }

  /** In order, each once. */
  find({ prefix, after, limit }: SubjectSearch): string[] {
    const from = compareText(after, prefix) > 0 ? after : prefix;
    const end = endOfPrefix(prefix) ?? "";
    const found = this.#ask.find.all(from, end, limit).map((row) => row[0] as string); // NOT NULL
    const fresh = this.#fresh
      .find(prefix)
      .filter((key) => compareText(key, from) > 0 && !this.#isRemoved(key));
    if (fresh.length === 0) return found;
    return [...new Set([...found, ...fresh])].sort(compareText).slice(0, limit);
  }

  #isRemoved(key: string): boolean {
    return this.#removed.has(key) || this.#lapRemoved.has(key);
  }
}

function parseKeys(cell: unknown): string[] {
  return JSON.parse(cell as string) as string[]; // NOT NULL, written by `add`
}
