import type { DatabaseSync } from "node:sqlite";
import type { TuplePage, TupleRead } from "../relations.ts";
import type { FreshVersions } from "./fresh-versions.ts";
import type { Names } from "./names.ts";
import { ResourcePages, typesText } from "./resource-pages.ts";
import { SubjectPages } from "./subject-pages.ts";
import {
  compareKeys,
  matchesRow,
  type PageSearch,
  readFilter,
  type Stretch,
} from "./tuple-filter.ts";
import { decodeWritten, formatCursor, parseCursor } from "./tuple-rows.ts";

export const pagerTexts: Readonly<Record<string, string>> = { resourceTypes: typesText };

/**
 * Pages of what matches a filter, found along the index by subject or along the table, whichever
 * fits, and among those that wait for their place. Along each stretch only so many rows are looked
 * at, since few of them may match.
 */
export class TuplePager {
  readonly #names: Names;
  readonly #resources: ResourcePages;
  readonly #subjects: SubjectPages;
  readonly #fresh: FreshVersions;

  constructor(db: DatabaseSync, { names, fresh }: { names: Names; fresh: FreshVersions }) {
    this.#names = names;
    this.#resources = new ResourcePages(db);
    this.#subjects = new SubjectPages(db, fresh);
    this.#fresh = fresh;
  }

  page(read: TupleRead): TuplePage {
    const cursor = read.after === null ? null : parseCursor(read.after);
    const search = readFilter(read, { names: this.#names, cursor });
    if (search === null) return { rows: [], next: null };
    const { subject_id: subject, resource_id: resource } = search.fixed;
    const bySubject = subject !== undefined && resource === undefined;
    const found = bySubject ? this.#subjects.find(search) : this.#resources.find(search);
    return this.#merge([...found, this.#waiting(search)], read.limit);
  }

  /** What has no place yet, as one more stretch. */
  #waiting(search: PageSearch): Stretch {
    const { tenant, cursor, limit } = search;
    const rows = this.#fresh
      .waitingOf(tenant)
      .filter((row) => matchesRow(row, search))
      .filter((row) => cursor === null || compareKeys(row, cursor) > 0)
      .sort(compareKeys)
      .slice(0, limit);
    return { rows, upTo: rows.length === limit ? (rows.at(-1) ?? null) : null };
  }

  /** As far as all stretches are known. */
  #merge(stretches: readonly Stretch[], limit: number): TuplePage {
    const ends = stretches.flatMap(({ upTo }) => (upTo === null ? [] : [upTo]));
    const end = ends.sort(compareKeys)[0] ?? null;
    const rows = stretches
      .flatMap((stretch) => stretch.rows)
      .filter((row) => end === null || compareKeys(row, end) <= 0)
      .sort(compareKeys)
      .filter((row, at, all) => at === 0 || compareKeys(row, all[at - 1] ?? []) !== 0);
    const taken = rows.slice(0, limit);
    const next = rows.length > limit ? (taken.at(-1) ?? null) : end;
    return {
      rows: taken.map((row) => decodeWritten(row, this.#names)),
      next: next === null ? null : formatCursor(next),
    };
  }
}
