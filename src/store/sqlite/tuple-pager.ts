import type { DatabaseSync } from "node:sqlite";
import type { RelationshipFilter } from "../../model/relationship.ts";
import { compareText } from "../order.ts";
import type { TuplePage, TupleRead } from "../relations.ts";
import type { Names } from "./names.ts";
import { keyColumns } from "./relation-format.ts";
import { type Cell, Question, type Row } from "./rows.ts";
import {
  decodeVersion,
  formatCursor,
  keyLength,
  parseCursor,
  versionColumns,
} from "./tuple-rows.ts";

/*
 * Pages of what matches a filter. A question goes along one or more arms: stretches of an index on
 * which the order of its remaining columns is the order of the key. A filter with a subject goes
 * along the index by subject, one arm for each kind of subject with that id; every other goes along
 * the table, one arm for each type of resource where the filter has an id but no type. What the arms
 * give is merged. Along each arm only so many rows are looked at, since few of them may match.
 */

/** Rows looked at along one arm: a few milliseconds. */
const lookMax = 5_000;

type Column = (typeof keyColumns)[number];
/** What the filter fixes; undefined where it leaves a column open. */
type Fixed = Partial<Record<Column, Cell>>;

interface Arm {
  readonly index: "tuples_subject" | null;
  readonly fixed: readonly Column[];
  readonly values: Fixed;
  /** The columns by which the arm is in order. */
  readonly order: readonly Column[];
  /** The values of them after which to begin. */
  readonly after: readonly Cell[] | null;
}

interface Condition {
  readonly sql: string;
  readonly values: readonly Cell[];
}

interface Stretch {
  readonly rows: readonly Row[];
  /** The key up to which the rows are all there are; null for the end of the arm. */
  readonly upTo: readonly Cell[] | null;
}

const subjectColumns = ["subject_type", "subject_id", "subject_relation"] as const;
const subjectOrder = ["resource_type", "resource_id", "relation", "created"] as const;

const living = "EXISTS (SELECT 1 FROM tenants WHERE number = ? AND deleted = 0)";

/** Distinct values of the next column of an index, one search each. */
const skipTo = (column: string, where: string): string => `WITH RECURSIVE each (x) AS (
  SELECT min(${column}) FROM tuples WHERE ${where} UNION ALL
  SELECT (SELECT min(${column}) FROM tuples WHERE ${where} AND ${column} > each.x)
  FROM each WHERE each.x IS NOT NULL) SELECT x FROM each WHERE x IS NOT NULL`;

export const pagerTexts: Readonly<Record<string, string>> = {
  resourceTypes: skipTo("resource_type", "tenant = ?1"),
  subjectTypes: skipTo("subject_type", "tenant = ?1"),
  subjectRelations: skipTo(
    "subject_relation",
    "tenant = ?1 AND subject_type = ?2 AND subject_id = ?3",
  ),
};

export class TuplePager {
  readonly #db: DatabaseSync;
  readonly #names: Names;
  /** By text: as many as filters have shapes. */
  readonly #questions = new Map<string, Question>();

  constructor(db: DatabaseSync, names: Names) {
    this.#db = db;
    this.#names = names;
  }

  page({ tenant, filter, revision, after, limit }: TupleRead): TuplePage {
    const values = this.#fix(filter);
    const condition = values === null ? null : this.#condition(filter, values, revision);
    if (values === null || condition === null) return { rows: [], next: null };
    const cursor = after === null ? null : parseCursor(after);
    const bySubject = values.subject_id !== undefined && values.resource_id === undefined;
    const found = bySubject
      ? this.#alongSubjects(tenant, { values, cursor })
      : this.#alongResources(tenant, {
          values,
          cursor,
          ids: filter.resourceIdPrefix !== undefined,
        });
    const prefix = filter.resourceIdPrefix ?? "";
    const stretches: Stretch[] = [];
    let enough = 0;
    for (const arm of found) {
      const stretch = this.#walk(arm, { tenant, condition, prefix, limit });
      stretches.push(stretch);
      enough += stretch.rows.length;
      // Arms along the table follow each other; those along subjects interleave.
      if (!bySubject && (stretch.upTo !== null || enough >= limit)) break;
    }
    const skipped = stretches.length < found.length;
    return this.#merge(stretches, { limit, skipped });
  }

  /** Null when it names what no row has. */
  #fix(filter: RelationshipFilter): Fixed | null {
    const { subjectRelation } = filter;
    const names: [Column, string | undefined][] = [
      ["resource_type", filter.resourceType],
      ["relation", filter.relation],
      ["subject_type", filter.subjectType],
      ["subject_relation", subjectRelation === null ? "" : subjectRelation],
    ];
    const fixed: Fixed = {};
    for (const [column, name] of names) {
      if (name === undefined) continue;
      const code = this.#names.find(name);
      if (code === undefined) return null;
      fixed[column] = code;
    }
    if (filter.resourceId !== undefined) fixed.resource_id = filter.resourceId;
    if (filter.subjectId !== undefined) fixed.subject_id = filter.subjectId;
    return fixed;
  }

  /** All that must be true; the plus signs keep the planner from choosing another index for it. */
  #condition(filter: RelationshipFilter, fixed: Fixed, revision: number): Condition | null {
    const parts = ["created <= ?", "(deleted IS NULL OR deleted > ?)"];
    const values: Cell[] = [revision, revision];
    for (const [column, value] of Object.entries(fixed)) {
      parts.push(`+${column} = ?`);
      values.push(value);
    }
    if (filter.caveat !== undefined) {
      const code = this.#names.find(filter.caveat);
      if (code === undefined) return null;
      parts.push("caveat = ?");
      values.push(code);
    }
    if (filter.resourceIdPrefix !== undefined) {
      parts.push("substr(resource_id, 1, length(?)) = ?");
      values.push(filter.resourceIdPrefix, filter.resourceIdPrefix);
    }
    return { sql: parts.join(" AND "), values };
  }

  #alongResources(
    tenant: number,
    { values, cursor, ids }: { values: Fixed; cursor: Cell[] | null; ids: boolean },
  ): Arm[] {
    const needsType = ids || values.resource_id !== undefined;
    const given = values.resource_type;
    const types: (Cell | undefined)[] =
      given === undefined && needsType ? this.#each("resourceTypes", tenant) : [given];
    const arms: Arm[] = [];
    for (const type of types) {
      const from = cursor?.[0] ?? null;
      if (type !== undefined && from !== null && Number(type) < Number(from)) continue;
      const known: Fixed = type === undefined ? values : { ...values, resource_type: type };
      const open = keyColumns.findIndex((column) => known[column] === undefined);
      const begun = cursor !== null && (type === undefined || type === from);
      arms.push({
        index: null,
        fixed: keyColumns.slice(0, open),
        values: known,
        order: keyColumns.slice(open),
        after: begun ? cursor.slice(open) : null,
      });
    }
    return arms;
  }

  #alongSubjects(
    tenant: number,
    { values, cursor }: { values: Fixed; cursor: Cell[] | null },
  ): Arm[] {
    const arms: Arm[] = [];
    const id = values.subject_id ?? "";
    const types = values.subject_type ?? null;
    for (const type of types === null ? this.#each("subjectTypes", tenant) : [types]) {
      const given = values.subject_relation;
      const each = given ?? null;
      const relations = each === null ? this.#each("subjectRelations", tenant, type, id) : [each];
      for (const relation of relations) {
        const known: Fixed = { ...values, subject_type: type, subject_relation: relation };
        const open = known.resource_type === undefined ? 0 : 1;
        arms.push({
          index: "tuples_subject",
          fixed: [...subjectColumns, ...subjectOrder.slice(0, open)],
          values: known,
          order: subjectOrder.slice(open),
          after: cursor && afterOnSubject(cursor, [type, id, relation]).slice(open),
        });
      }
    }
    return arms;
  }

  #walk(
    arm: Arm,
    bounds: { tenant: number; condition: Condition; prefix: string; limit: number },
  ): Stretch {
    const { tenant, condition, prefix, limit } = bounds;
    const columns = arm.order.join(", ");
    const parts = ["tenant = ?", ...arm.fixed.map((column) => `${column} = ?`)];
    const values: Cell[] = [tenant, ...arm.fixed.map((column) => arm.values[column] ?? null)];
    const beyond = (cells: readonly Cell[], than: ">" | "<="): string =>
      `(${columns}) ${than} (${cells.map(() => "?").join(", ")})`;
    if (arm.after !== null) {
      parts.push(beyond(arm.after, ">"));
      values.push(...arm.after);
    }
    if (prefix !== "" && arm.order[0] === "resource_id") {
      parts.push("resource_id >= ?");
      values.push(prefix);
      const end = endOfPrefix(prefix);
      if (end !== null) {
        parts.push("resource_id < ?");
        values.push(end);
      }
    }
    const from = `FROM tuples ${arm.index === null ? "" : `INDEXED BY ${arm.index}`}`;
    const where = `WHERE ${parts.join(" AND ")}`;
    const order = `ORDER BY ${columns}`;
    const look = `SELECT ${keyColumns.join(", ")} ${from} ${where} ${order} LIMIT 1 OFFSET ?`;
    const bound = this.#ask(look).first(...values, lookMax - 1);
    const within = bound && arm.order.map((column) => bound[keyColumns.indexOf(column)] ?? null);
    const sql = `SELECT ${versionColumns} ${from} ${where}
      ${within === undefined ? "" : `AND ${beyond(within, "<=")}`}
      AND ${condition.sql} AND ${living} ${order} LIMIT ?`;
    const rows = this.#ask(sql).all(
      ...values,
      ...(within ?? []),
      ...condition.values,
      tenant,
      limit,
    );
    return { rows, upTo: (rows.length === limit ? rows.at(-1) : bound) ?? null };
  }

  #merge(
    stretches: readonly Stretch[],
    { limit, skipped }: { limit: number; skipped: boolean },
  ): TuplePage {
    const ends = stretches.flatMap(({ upTo }) => (upTo === null ? [] : [upTo])).sort(byKey);
    const end = ends[0] ?? null;
    const rows = stretches
      .flatMap((stretch) => stretch.rows)
      .filter((row) => end === null || byKey(row, end) <= 0)
      .sort(byKey);
    const taken = rows.slice(0, limit);
    const last = taken.at(-1);
    const isCut = rows.length > limit || (end === null && skipped);
    const next = isCut ? last : end;
    return {
      rows: taken.map((row) => decodeVersion(row, this.#names)),
      next: next === null || next === undefined ? null : formatCursor(next),
    };
  }

  #each(name: keyof typeof pagerTexts, ...values: Cell[]): Cell[] {
    return this.#ask(pagerTexts[name] ?? "")
      .all(...values)
      .map((row) => row[0] ?? null);
  }

  #ask(sql: string): Question {
    const known = this.#questions.get(sql) ?? new Question(this.#db, sql);
    this.#questions.set(sql, known);
    return known;
  }
}

/**
 * Where an arm of one subject begins so that its rows come after a key: on the resource and relation
 * of the key itself it depends on how the subjects compare.
 */
function afterOnSubject(key: readonly Cell[], subject: readonly Cell[]): Cell[] {
  const order = compareCells(subject, key.slice(3, 6));
  const created = order === 0 ? (key[6] ?? 0) : order > 0 ? -1 : Number.MAX_SAFE_INTEGER;
  return [...key.slice(0, 3), created];
}

function byKey(a: readonly Cell[], b: readonly Cell[]): number {
  return compareCells(a.slice(0, keyLength), b.slice(0, keyLength));
}

function compareCells(a: readonly Cell[], b: readonly Cell[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i];
    const order =
      typeof left === "string" ? compareText(left, String(right)) : Number(left) - Number(right);
    if (order !== 0) return order;
  }
  return 0;
}

/** The least text that is greater than everything with this prefix, by code points. */
function endOfPrefix(prefix: string): string | null {
  const points = [...prefix];
  for (let point = points.pop(); point !== undefined; point = points.pop()) {
    const code = point.codePointAt(0) ?? 0;
    if (code === 0x10ffff) continue;
    const next = code === 0xd7ff ? 0xe000 : code + 1;
    return points.join("") + String.fromCodePoint(next);
  }
  return null;
}
