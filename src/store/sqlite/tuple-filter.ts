import type { RelationshipFilter } from "../../model/relationship.ts";
import { compareText } from "../order.ts";
import type { Tally, TupleRead } from "../relations.ts";
import type { Names } from "./names.ts";
import { keyColumns } from "./relation-format.ts";
import type { Cell, Row } from "./rows.ts";
import { keyLength } from "./tuple-rows.ts";

/* What the two ways of finding pages share. */

type Column = (typeof keyColumns)[number];

/** Columns that a filter fixes. */
export type Fixed = Partial<Record<Column, Cell>>;

export interface Condition {
  readonly sql: string;
  readonly values: readonly Cell[];
}

/** A page that is looked for. */
export interface PageSearch {
  readonly tenant: number;
  readonly fixed: Fixed;
  /** What ids of resources begin with. */
  readonly prefix: string;
  /** All that must be true of a row. */
  readonly condition: Condition;
  readonly revision: number;
  /** Code of the caveat; null: any. */
  readonly caveat: number | null;
  /** Only keys after this one. */
  readonly cursor: readonly Cell[] | null;
  readonly limit: number;
  /** How many are looked at, at most, and counted; null: as many as is usual, uncounted. */
  readonly look: number | null;
}

/** What was found along one stretch of an index. */
export interface Stretch {
  readonly rows: readonly Row[];
  /** The key up to which the rows are all there are; null: to the end. */
  readonly upTo: readonly Cell[] | null;
  /** Up to there, where it was asked for. */
  readonly tally?: Tally;
}

/** Null when the filter names what no row has. */
export function readFilter(
  { tenant, filter, revision, limit, look }: TupleRead,
  { names, cursor }: { names: Names; cursor: readonly Cell[] | null },
): PageSearch | null {
  const fixed = fixColumns(filter, names);
  const caveat = filter.caveat === undefined ? null : names.find(filter.caveat);
  if (fixed === null || caveat === undefined) return null;
  const prefix = filter.resourceIdPrefix ?? "";
  // The plus signs keep the planner from choosing an index for these.
  const parts = ["t.created <= ?", "(+t.deleted IS NULL OR +t.deleted > ?)"];
  const values: Cell[] = [revision, revision];
  for (const [column, value] of Object.entries(fixed)) {
    parts.push(`+t.${column} = ?`);
    values.push(value);
  }
  if (caveat !== null) {
    parts.push("t.caveat = ?");
    values.push(caveat);
  }
  if (prefix !== "") {
    parts.push("substr(t.resource_id, 1, length(?)) = ?");
    values.push(prefix, prefix);
  }
  parts.push("EXISTS (SELECT 1 FROM tenants WHERE number = ? AND deleted = 0)");
  values.push(tenant);
  const condition = { sql: parts.join(" AND "), values };
  return { tenant, fixed, prefix, condition, revision, caveat, cursor, limit, look: look ?? null };
}

function fixColumns(filter: RelationshipFilter, names: Names): Fixed | null {
  const { subjectRelation } = filter;
  const texts: [Column, string | undefined][] = [
    ["resource_type", filter.resourceType],
    ["relation", filter.relation],
    ["subject_type", filter.subjectType],
    ["subject_relation", subjectRelation === null ? "" : subjectRelation],
  ];
  const fixed: Fixed = {};
  for (const [column, text] of texts) {
    if (text === undefined) continue;
    const code = names.find(text);
    if (code === undefined) return null;
    fixed[column] = code;
  }
  if (filter.resourceId !== undefined) fixed.resource_id = filter.resourceId;
  if (filter.subjectId !== undefined) fixed.subject_id = filter.subjectId;
  return fixed;
}

/** The condition, of a version that has not ended. */
export function matchesRow(row: Row, { fixed, prefix, revision, caveat }: PageSearch): boolean {
  if ((row[keyLength - 1] as number) > revision) return false; // the last column of a key
  if (caveat !== null && row[keyLength] !== caveat) return false;
  if (prefix !== "" && !String(row[1]).startsWith(prefix)) return false;
  return keyColumns.every((column, i) => fixed[column] === undefined || fixed[column] === row[i]);
}

/** Whether finding what matches passes it, along the table or along the index by subject. */
export function liesOnTheWay(row: Row, { fixed }: PageSearch): boolean {
  const { resource_id: resource, subject_id: subject } = fixed;
  const open = keyColumns.findIndex((column) => fixed[column] === undefined);
  const along =
    subject !== undefined && resource === undefined ? subjectColumns : keyColumns.slice(0, open);
  const columns = resource === undefined ? along : [...along, "resource_id" as const];
  return columns.every(
    (column) => fixed[column] === undefined || fixed[column] === row[keyColumns.indexOf(column)],
  );
}

const subjectColumns = ["subject_type", "subject_id", "subject_relation"] as const;

export function compareKeys(a: readonly Cell[], b: readonly Cell[]): number {
  return compareCells(a.slice(0, keyLength), b);
}

export function compareCells(a: readonly Cell[], b: readonly Cell[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i];
    const order =
      typeof left === "string" ? compareText(left, String(right)) : Number(left) - Number(right);
    if (order !== 0) return order;
  }
  return 0;
}
