import type { DatabaseSync } from "node:sqlite";
import type { Tally, TuplePage, TupleRead } from "../relations.ts";
import type { FreshVersions } from "./fresh-versions.ts";
import type { Names } from "./names.ts";
import { ResourcePages, typesText } from "./resource-pages.ts";
import type { Cell, Row } from "./rows.ts";
import { SubjectPages } from "./subject-pages.ts";
import {
  compareKeys,
  liesOnTheWay,
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
    const stretches = [...found, this.#waiting(search)];
    const page = this.#merge(stretches, read.limit);
    if (search.look === null) return page;
    return { ...page, tally: this.#tally(stretches, { search, page }) };
  }

  /** What waits and comes after the page is looked at with the next one. */
  #tally(stretches: readonly Stretch[], { search, page }: Looked): Tally {
    const end = page.next === null ? null : parseCursor(page.next);
    const waiting = this.#fresh
      .waitingOf(search.tenant)
      .filter((row) => liesOnTheWay(row, search) && isWithin(row, { search, end }));
    let [looked, ended] = [waiting.length, 0];
    for (const { tally } of stretches) {
      looked += tally?.looked ?? 0;
      ended += tally?.ended ?? 0;
    }
    return { looked, ended };
  }

  /** What has no place yet, as one more stretch. */
  #waiting(search: PageSearch): Stretch {
    const { tenant, cursor, limit, look } = search;
    const way = this.#fresh
      .waitingOf(tenant)
      .filter((row) => (look === null ? matchesRow(row, search) : liesOnTheWay(row, search)))
      .filter((row) => cursor === null || compareKeys(row, cursor) > 0)
      .sort(compareKeys);
    const seen = way.slice(0, look ?? way.length);
    const rows = seen.filter((row) => matchesRow(row, search)).slice(0, limit);
    const end = seen.length < way.length ? seen.at(-1) : undefined;
    const upTo = (rows.length === limit ? rows.at(-1) : end) ?? null;
    return { rows, upTo };
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

interface Looked {
  readonly search: PageSearch;
  readonly page: TuplePage;
}

function isWithin(
  row: Row,
  { search, end }: { readonly search: PageSearch; readonly end: readonly Cell[] | null },
): boolean {
  const { cursor } = search;
  if (cursor !== null && compareKeys(row, cursor) <= 0) return false;
  return end === null || compareKeys(row, end) <= 0;
}
