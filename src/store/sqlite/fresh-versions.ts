import type { DatabaseSync, StatementSync } from "node:sqlite";
import { assert } from "../../std/assert.ts";
import { compareText, endOfPrefix } from "../order.ts";
import { FreshKeys } from "./fresh-keys.ts";
import { type Cell, Question, type Row } from "./rows.ts";
import { keyLength } from "./tuple-rows.ts";
import {
  formatResourceKey,
  formatSubjectKey,
  parseResourceKey,
  subjectPart,
} from "./version-key.ts";

/*
 * The table of versions and the index by subject lag behind. A row put in its place at once would
 * change a page of its own nearly always, since what is written is spread over all of the table, and
 * each page is written whole: measured with a million relationships, that made writing them three
 * times as slow. So the versions of a transaction are written together, as one row of
 * `fresh_versions`, and are kept in memory; when there are many they go to their places in the order
 * of these, so that one change of a page takes several along, a few with each commit: that is a lap.
 * When all that were there at some point have gone over, their rows are deleted. A version may be in
 * both places for a while, and means the same.
 *
 * A version that ends is put in its place before.
 */

/** From so many waiting on, they are moved. Then more come while these go: half as many again. */
const freshMax = 131_072;
/** So many are moved for each that is new, and not fewer at a time than that. */
const movedPerNew = 2;
const movedMin = 200;
/** Rows of `fresh_versions` that one commit deletes. */
const forgottenMax = 16;

export const freshTexts = {
  find: "SELECT key FROM by_subject WHERE key > ?1 AND key < ?2 ORDER BY key LIMIT ?3",
  fresh: `SELECT tenant, revision, written_at, versions FROM fresh_versions
    ORDER BY tenant, revision`,
  freshOf: "SELECT versions, written_at FROM fresh_versions WHERE tenant = ? AND revision = ?",
  anyFresh: "SELECT revision, versions FROM fresh_versions WHERE tenant = ? LIMIT 1",
} as const;

const statementTexts = {
  insert: "INSERT OR IGNORE INTO tuples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",
  insertSubject: "INSERT OR IGNORE INTO by_subject VALUES (?)",
  removeSubject: "DELETE FROM by_subject WHERE key = ?",
  putFresh: "INSERT OR REPLACE INTO fresh_versions VALUES (?, ?, ?, ?)",
  dropFresh: "DELETE FROM fresh_versions WHERE tenant = ? AND revision = ?",
  forget: `DELETE FROM fresh_versions WHERE tenant = ?1 AND revision IN (SELECT revision
    FROM fresh_versions WHERE tenant = ?1 AND revision <= ?2 ORDER BY revision LIMIT ?3)`,
} as const;

export interface SubjectSearch {
  readonly prefix: string;
  /** An entry, or the beginning of some: only what is greater. */
  readonly after: string;
  readonly limit: number;
}

export interface TextSearch {
  readonly tenant: number;
  /** A key; null: from the beginning. */
  readonly after: readonly Cell[] | null;
  readonly upTo: number;
}

/** A transaction. */
export interface Moment {
  readonly revision: number;
  /** When it was written. */
  readonly at: number;
}

/** Versions that one transaction made, as texts with the resource first. */
interface Made extends Moment {
  readonly texts: readonly string[];
}

/** What waits of a transaction in the file. */
interface Kept extends Moment {
  readonly rows: readonly Row[];
}

/** Versions, as texts with the subject first and as texts with the resource first. */
class Left {
  readonly keys = new Set<string>();
  readonly texts = new Set<string>();

  add(tenant: number, row: Row): void {
    this.keys.add(formatSubjectKey(tenant, row));
    this.texts.add(formatText(tenant, row));
  }

  drop(prefix: string): void {
    for (const all of [this.keys, this.texts]) {
      for (const text of all) if (text.startsWith(prefix)) all.delete(text);
    }
  }

  clear(): void {
    this.keys.clear();
    this.texts.clear();
  }
}

export class FreshVersions {
  readonly #run: Readonly<Record<keyof typeof statementTexts, StatementSync>>;
  readonly #ask: Readonly<Record<keyof typeof freshTexts, Question>>;
  readonly #bySubject = new FreshKeys();
  readonly #byResource = new FreshKeys();
  readonly #freshMax: number;
  /** By tenant, what no lap has taken to its end yet, the oldest first. */
  #made = new Map<number, Made[]>();
  /** What left while it waited for the next lap, or in this one, and is not to go over. */
  #left = new Left();
  #lapLeft = new Left();
  /** The latest revision of each tenant of which something waits, and those of the lap. */
  #latest = new Map<number, number>();
  #lapLatest = new Map<number, number>();
  /** What has gone over, and whose rows are still there. */
  #done: [tenant: number, revision: number][] = [];
  #laps = 0;

  /** @param max Replaced by tests, to see versions move. */
  constructor(db: DatabaseSync, max: number = freshMax) {
    this.#freshMax = max;
    // fromEntries forgets the key types
    this.#run = Object.fromEntries(
      Object.entries(statementTexts).map(([name, text]) => [name, db.prepare(text)]),
    ) as Record<keyof typeof statementTexts, StatementSync>;
    this.#ask = Object.fromEntries(
      Object.entries(freshTexts).map(([name, text]) => [name, new Question(db, text)]),
    ) as Record<keyof typeof freshTexts, Question>;
    this.reload();
  }

  /** What waits, from the file: at first, and after a transaction that was rolled back. */
  reload(): void {
    this.#bySubject.clear();
    this.#byResource.clear();
    this.#made.clear();
    this.#left.clear();
    this.#lapLeft.clear();
    this.#latest.clear();
    this.#lapLatest.clear();
    this.#done = [];
    for (const [tenant, revision, at, versions] of this.#ask.fresh.all()) {
      const moment = { revision: revision as number, at: at as number }; // STRICT, as the tenant
      this.#note(tenant as number, moment, parseVersions(versions, moment.revision));
    }
  }

  /**
   * The versions of one transaction: of each the columns of its key and then caveat, context, and
   * expiry. As the others that write: inside a transaction of the store.
   */
  add(tenant: number, { revision, at }: Moment, versions: readonly Row[]): void {
    if (versions.length === 0) return;
    this.#run.putFresh.run(tenant, revision, formatVersions(versions), at);
    this.#note(tenant, { revision, at }, versions);
  }

  #note(tenant: number, { revision, at }: Moment, versions: readonly Row[]): void {
    const texts = versions.map((row) => formatText(tenant, row));
    for (const text of texts) this.#byResource.add(text);
    for (const row of versions) this.#bySubject.add(formatSubjectKey(tenant, row));
    const made = this.#made.get(tenant);
    if (made === undefined) this.#made.set(tenant, [{ revision, at, texts }]);
    else made.push({ revision, at, texts });
    this.#latest.set(tenant, revision);
  }

  /** Puts versions in their places, by their keys: they are about to be changed there. */
  promote(tenant: number, keys: readonly Row[]): void {
    for (const [revision, wanted] of byRevision(tenant, keys)) {
      const kept = this.#keptOf(tenant, revision);
      if (kept === undefined) continue;
      const taken = kept.rows.filter((row) => wanted.has(formatSubjectKey(tenant, row)));
      for (const row of taken) this.#put(tenant, row, kept.at);
      for (const row of taken) this.#run.insertSubject.run(formatSubjectKey(tenant, row));
      this.#leave(tenant, kept, wanted);
    }
  }

  /** Versions are forgotten; what is in the table of them is deleted by the caller. */
  remove(tenant: number, keys: readonly Row[]): void {
    for (const [revision, wanted] of byRevision(tenant, keys)) {
      for (const key of wanted) this.#run.removeSubject.run(key);
      const kept = this.#keptOf(tenant, revision);
      if (kept !== undefined) this.#leave(tenant, kept, wanted);
    }
  }

  /**
   * Versions of a tenant that wait, transaction by transaction until there are as many as wanted.
   * @returns how many it were.
   */
  sweep(tenant: number, limit: number): number {
    let swept = 0;
    while (swept < limit) {
      const row = this.#ask.anyFresh.first(tenant);
      if (row === undefined) break;
      const versions = parseVersions(row[1], row[0] as number); // STRICT
      this.remove(tenant, versions);
      swept += versions.length;
    }
    return swept;
  }

  /** Nothing of a tenant is left in the file, and its number is free for another. */
  forgetTenant(tenant: number): void {
    const prefix = subjectPart(tenant, {});
    const { inLap } = this;
    this.#byResource.drop(prefix);
    this.#bySubject.drop(prefix);
    this.#left.drop(prefix);
    this.#lapLeft.drop(prefix);
    this.#made.delete(tenant);
    this.#latest.delete(tenant);
    this.#lapLatest.delete(tenant);
    this.#done = this.#done.filter(([of]) => of !== tenant);
    if (inLap && !this.inLap) this.#endLap();
  }

  #keptOf(tenant: number, revision: number): Kept | undefined {
    const oldest = this.#made.get(tenant)?.[0]?.revision ?? Number.POSITIVE_INFINITY;
    if (revision < oldest && !this.#isDone(tenant, revision)) return undefined;
    const row = this.#ask.freshOf.first(tenant, revision);
    if (row === undefined) return undefined;
    return { revision, at: row[1] as number, rows: parseVersions(row[0], revision) }; // STRICT
  }

  #isDone(tenant: number, revision: number): boolean {
    return this.#done.some(([of, upTo]) => of === tenant && revision <= upTo);
  }

  /** Takes what is wanted out of what waits, in the file and in memory. */
  #leave(tenant: number, { revision, at, rows }: Kept, wanted: ReadonlySet<string>): void {
    const isWanted = (row: Row): boolean => wanted.has(formatSubjectKey(tenant, row));
    const left = rows.filter((row) => !isWanted(row));
    if (left.length > 0) this.#run.putFresh.run(tenant, revision, formatVersions(left), at);
    else this.#run.dropFresh.run(tenant, revision);
    if (this.#isDone(tenant, revision)) return;
    const inLap = revision <= (this.#lapLatest.get(tenant) ?? 0);
    const gone = inLap ? this.#lapLeft : this.#left;
    for (const row of rows) if (isWanted(row)) gone.add(tenant, row);
  }

  #put(tenant: number, row: Row, at: number): void {
    const [type, id, relation, subjectType, subjectId, subjectRelation, ...rest] = row as Cell[];
    const [created = 0, caveat = 0, context = null, expiresAt = null] = rest;
    const subject = [subjectType ?? 0, subjectId ?? "", subjectRelation ?? 0] as const;
    const resource = [type ?? 0, id ?? "", relation ?? 0] as const;
    this.#run.insert.run(tenant, ...resource, ...subject, created, caveat, context, expiresAt, at);
  }

  /** Moves some, in proportion to what has come. */
  step(added: number): void {
    this.#forget();
    if (added === 0) return;
    if (!this.inLap) {
      if (this.size < this.#freshMax || this.#done.length > 0) return;
      this.#startLap();
    }
    this.#take(Math.max(added * movedPerNew, movedMin));
  }

  /**
   * Moves so many at once. What waits now is in its place after the lap that goes on, if one does,
   * and one more.
   * @returns whether any wait still.
   */
  place(count: number): boolean {
    this.#forget();
    if (!this.inLap) {
      if (this.size === 0) return false;
      this.#startLap();
    }
    this.#take(count);
    return this.size > 0;
  }

  #forget(): void {
    const forgotten = this.#done[0];
    if (forgotten === undefined) return;
    const { changes } = this.#run.forget.run(...forgotten, forgottenMax);
    if (Number(changes) < forgottenMax) this.#done.shift();
  }

  #take(count: number): void {
    for (const text of this.#byResource.take(count)) this.#move(text);
    for (const key of this.#bySubject.take(count)) {
      if (!this.#lapLeft.keys.has(key)) this.#run.insertSubject.run(key);
    }
    if (!this.inLap) this.#endLap();
  }

  #startLap(): void {
    this.#byResource.startLap();
    this.#bySubject.startLap();
    this.#lapLatest = this.#latest;
    this.#latest = new Map();
    this.#lapLeft = this.#left;
    this.#left = new Left();
  }

  #move(text: string): void {
    if (this.#lapLeft.texts.has(text)) return;
    const { tenant, row } = parseText(text);
    const at = this.#writtenAt(tenant, row[keyLength - 1] as number); // the last column of a key
    this.#put(tenant, row, at);
  }

  /** When a transaction was written of which something waits: its revisions are in order. */
  #writtenAt(tenant: number, revision: number): number {
    const made = this.#made.get(tenant) ?? [];
    let [low, high] = [0, made.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((made[middle]?.revision ?? 0) < revision) low = middle + 1;
      else high = middle;
    }
    const found = made[low];
    assert(found?.revision === revision, "what waits was made by a transaction that is known");
    return found.at;
  }

  #endLap(): void {
    for (const [tenant, revision] of this.#lapLatest) {
      const left = (this.#made.get(tenant) ?? []).filter((made) => made.revision > revision);
      if (left.length > 0) this.#made.set(tenant, left);
      else this.#made.delete(tenant);
    }
    this.#done.push(...this.#lapLatest);
    this.#laps++;
    this.#lapLatest.clear();
    this.#lapLeft.clear();
  }

  // Reading.

  /** Entries of the index by subject: in order, each once. */
  findBySubject({ prefix, after, limit }: SubjectSearch): string[] {
    const from = compareText(after, prefix) > 0 ? after : prefix;
    const end = endOfPrefix(prefix) ?? "";
    const found = this.#ask.find.all(from, end, limit).map((row) => row[0] as string); // NOT NULL
    const fresh = this.#bySubject
      .find(prefix)
      .filter((key) => compareText(key, from) > 0 && !this.#hasLeft("keys", key));
    if (fresh.length === 0) return found;
    return [...new Set([...found, ...fresh])].sort(compareText).slice(0, limit);
  }

  /** Versions that wait, by what their text with the resource first begins with. */
  findByResource(prefix: string): Row[] {
    return this.#byResource
      .find(prefix)
      .filter((text) => !this.#hasLeft("texts", text))
      .map(decodeText);
  }

  /** All versions of a tenant that wait, with when they were written; some may have their places already. */
  waitingOf(tenant: number): Row[] {
    return (this.#made.get(tenant) ?? []).flatMap(({ at, texts }) =>
      texts
        .filter((text) => !this.#hasLeft("texts", text))
        .map((text) => [...decodeText(text), at]),
    );
  }

  /** As texts, for `decodeText`: those after a key, as far as a revision. */
  textsOf({ tenant, after, upTo }: TextSearch): string[] {
    const from = after === null ? "" : formatResourceKey(tenant, after);
    const isAfter = (text: string): boolean =>
      from === "" || (compareText(text, from) > 0 && !text.startsWith(from));
    return (this.#made.get(tenant) ?? [])
      .filter(({ revision }) => revision <= upTo)
      .flatMap(({ texts }) => texts.filter(isAfter))
      .filter((text) => !this.#hasLeft("texts", text));
  }

  #hasLeft(kind: "keys" | "texts", text: string): boolean {
    return this.#left[kind].has(text) || this.#lapLeft[kind].has(text);
  }

  /** How many of a tenant wait. */
  countOf(tenant: number): number {
    let count = 0;
    for (const { texts } of this.#made.get(tenant) ?? []) count += texts.length;
    return count;
  }

  /** The latest revision of a tenant of which something waits; 0: nothing does. */
  latestOf(tenant: number): number {
    return this.#made.get(tenant)?.at(-1)?.revision ?? 0;
  }

  get size(): number {
    return Math.max(this.#byResource.size, this.#bySubject.size);
  }

  get inLap(): boolean {
    return this.#byResource.inLap || this.#bySubject.inLap;
  }

  /** How many laps have come to their end. */
  get laps(): number {
    return this.#laps;
  }
}

/** Keys of versions by the revision that made them, with the subject first. */
function byRevision(tenant: number, keys: readonly Row[]): Map<number, Set<string>> {
  const found = new Map<number, Set<string>>();
  for (const key of keys) {
    const created = key[keyLength - 1] as number; // the last column of a key
    const of = found.get(created) ?? new Set();
    found.set(created, of.add(formatSubjectKey(tenant, key)));
  }
  return found;
}

/** Without `created`, which all of a transaction have, and without the rest where there is none. */
function formatVersions(versions: readonly Row[]): string {
  const rows = versions.map((row) => {
    const key = row.slice(0, keyLength - 1);
    return formatRest(row) === "" ? key : [...key, ...row.slice(keyLength, keyLength + 3)];
  });
  return JSON.stringify(rows);
}

function parseVersions(cell: unknown, revision: number): Row[] {
  const rows = JSON.parse(cell as string) as Cell[][]; // NOT NULL, made by formatVersions
  return rows.map((row) => {
    const rest = row.length === keyLength - 1 ? nothing : row.slice(keyLength - 1);
    return [...row.slice(0, keyLength - 1), revision, ...rest];
  });
}

/** No caveat, no context, no expiry. */
const nothing: Row = [0, null, null];

function formatRest(row: Row): string {
  const [caveat, context, expiresAt] = row.slice(keyLength);
  if (caveat === 0 && context === null && expiresAt === null) return "";
  return JSON.stringify([caveat, context, expiresAt]);
}

function formatText(tenant: number, row: Row): string {
  return formatResourceKey(tenant, row) + formatRest(row);
}

/** A version that waits, which has not ended. */
export function decodeText(text: string): Row {
  return [...parseText(text).row, null];
}

/** Whether the version of a text comes at a key or before it. */
export function isUpTo(text: string, key: string): boolean {
  return compareText(text, key) <= 0 || text.startsWith(key);
}

function parseText(text: string): { readonly tenant: number; readonly row: Row } {
  const { tenant, key, rest } = parseResourceKey(text);
  return { tenant, row: [...key, ...(rest === "" ? nothing : (JSON.parse(rest) as Row))] };
}
