import type { DatabaseSync } from "node:sqlite";
import type { TuplePage, TupleRead } from "../relations.ts";
import type { Names } from "./names.ts";
import { ResourcePages, typesText } from "./resource-pages.ts";
import type { SubjectIndex } from "./subject-index.ts";
import { SubjectPages } from "./subject-pages.ts";
import { compareKeys, readFilter, type Stretch } from "./tuple-filter.ts";
import { decodeVersion, formatCursor, parseCursor } from "./tuple-rows.ts";

export const pagerTexts: Readonly<Record<string, string>> = { resourceTypes: typesText };

/**
 * Pages of what matches a filter, found along the index by subject or along the table, whichever
 * fits. Along each stretch only so many rows are looked at, since few of them may match.
 */
export class TuplePager {
  readonly #names: Names;
  readonly #resources: ResourcePages;
  readonly #subjects: SubjectPages;

  constructor(db: DatabaseSync, { names, subjects }: { names: Names; subjects: SubjectIndex }) {
    this.#names = names;
    this.#resources = new ResourcePages(db);
    this.#subjects = new SubjectPages(db, subjects);
  }

  page(read: TupleRead): TuplePage {
    const cursor = read.after === null ? null : parseCursor(read.after);
    const search = readFilter(read, { names: this.#names, cursor });
    if (search === null) return { rows: [], next: null };
    const { subject_id: subject, resource_id: resource } = search.fixed;
    const bySubject = subject !== undefined && resource === undefined;
    const found = bySubject ? this.#subjects.find(search) : this.#resources.find(search);
    return this.#merge(found, read.limit);
  }

  /** As far as all stretches are known. */
  #merge(stretches: readonly Stretch[], limit: number): TuplePage {
    const ends = stretches.flatMap(({ upTo }) => (upTo === null ? [] : [upTo]));
    const end = ends.sort(compareKeys)[0] ?? null;
    const rows = stretches
      .flatMap((stretch) => stretch.rows)
      .filter((row) => end === null || compareKeys(row, end) <= 0)
      .sort(compareKeys);
    const taken = rows.slice(0, limit);
    const next = rows.length > limit ? (taken.at(-1) ?? null) : end;
    return {
      rows: taken.map((row) => decodeVersion(row, this.#names)),
      next: next === null ? null : formatCursor(next),
    };
  }
}
