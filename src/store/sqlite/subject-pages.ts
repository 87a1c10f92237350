import type { DatabaseSync } from "node:sqlite";
import type { FreshVersions } from "./fresh-versions.ts";
import { keyColumns } from "./relation-format.ts";
import { type Cell, Question } from "./rows.ts";
import { compareCells, compareKeys, type PageSearch, type Stretch } from "./tuple-filter.ts";
import { writtenColumns } from "./tuple-rows.ts";
import {
  createdPart,
  idPrefixPart,
  parseSubjectKey,
  resourcePart,
  subjectPart,
} from "./version-key.ts";

/*
 * Pages along the index by subject, for a filter with the id of one. Subjects that have it differ in
 * type and relation; what each of them has is in order of the key, so there is one stretch for each.
 */

/** Entries looked at along one stretch: a few milliseconds. */
const lookMax = 2_000;

const columns = writtenColumns.replace(/\w+/g, "t.$&");
const atKey = keyColumns.map((column, i) => `t.${column} = asked.value ->> ${i}`).join(" AND ");

const endedText = `SELECT count(t.deleted) FROM json_each(?) AS asked CROSS JOIN tuples AS t
  WHERE t.tenant = ? AND ${atKey}`;

interface Subject {
  readonly type: Cell;
  readonly id: Cell;
  readonly relation: Cell;
}

export class SubjectPages {
  readonly #db: DatabaseSync;
  readonly #fresh: FreshVersions;
  /** By text: as many as filters have shapes. */
  readonly #questions = new Map<string, Question>();

  constructor(db: DatabaseSync, fresh: FreshVersions) {
    this.#db = db;
    this.#fresh = fresh;
  }

  find(search: PageSearch): Stretch[] {
    return this.#each(search).map((subject) => this.#walk(search, subject));
  }

  /** Those that have the id and are not excluded, one or two searches each. */
  #each({ tenant, fixed }: PageSearch): Subject[] {
    const id = fixed.subject_id ?? "";
    const found: Subject[] = [];
    let type = fixed.subject_type ?? this.#next(subjectPart(tenant, {}), 0)?.[3];
    while (typeof type === "number") {
      const prefix = subjectPart(tenant, { type, id });
      let relation = fixed.subject_relation ?? this.#next(prefix, 0)?.[5];
      while (typeof relation === "number") {
        found.push({ type, id, relation });
        if (fixed.subject_relation !== undefined) break;
        relation = this.#next(prefix, relation + 1)?.[5];
      }
      if (fixed.subject_type !== undefined) break;
      type = this.#next(subjectPart(tenant, {}), type + 1)?.[3];
    }
    return found;
  }

  /** The first version after a prefix and a code; no entry is that and nothing more. */
  #next(prefix: string, code: number): Cell[] | undefined {
    const after = prefix + resourcePart({ type: code });
    const key = this.#fresh.findBySubject({ prefix, after, limit: 1 })[0];
    return key === undefined ? undefined : parseSubjectKey(key);
  }

  #walk(search: PageSearch, of: Subject): Stretch {
    const { tenant, fixed, prefix, condition, cursor, limit } = search;
    const most = Math.min(search.look ?? lookMax, lookMax);
    const subject = subjectPart(tenant, of);
    const { resource_type: type } = fixed;
    const stretch = type === undefined ? "" : idPrefixPart(type, prefix);
    const after = cursor === null ? "" : subject + afterKey(cursor, of);
    const keys = this.#fresh
      .findBySubject({ prefix: subject + stretch, after, limit: most })
      .map(parseSubjectKey);
    const sql = `SELECT ${columns} FROM json_each(?) AS asked CROSS JOIN tuples AS t
      WHERE t.tenant = ? AND ${atKey} AND ${condition.sql} LIMIT ?`;
    const rows = this.#ask(sql).all(JSON.stringify(keys), tenant, ...condition.values, limit);
    const bound = keys.length === most ? keys.at(-1) : undefined;
    const upTo = (rows.length === limit ? rows.at(-1) : bound) ?? null;
    if (search.look === null) return { rows, upTo };
    const looked = keys.filter((key) => upTo === null || compareKeys(key, upTo) <= 0);
    const ended = this.#ask(endedText).first(JSON.stringify(looked), tenant)?.[0] as number; // counts
    return { rows, upTo, tally: { looked: looked.length, ended } };
  }

  #ask(sql: string): Question {
    const known = this.#questions.get(sql) ?? new Question(this.#db, sql);
    this.#questions.set(sql, known);
    return known;
  }
}

/**
 * Where the stretch of a subject begins so that all of it comes after a key: on the very resource and
 * relation of the key that depends on how the subjects compare.
 */
function afterKey(key: readonly Cell[], { type, id, relation }: Subject): string {
  const [resourceType, resourceId, resourceRelation] = key;
  const place = { type: resourceType, id: resourceId, relation: resourceRelation };
  const order = compareCells([type, id, relation], key.slice(3, 6));
  if (order > 0) return resourcePart(place);
  const created = order === 0 ? (key[6] ?? 0) : Number.MAX_SAFE_INTEGER;
  return resourcePart(place) + createdPart(created);
}
