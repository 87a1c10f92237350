import type { DatabaseSync } from "node:sqlite";
import { endOfPrefix } from "../order.ts";
import type { Tally } from "../relations.ts";
import { keyColumns } from "./relation-format.ts";
import { type Cell, Question } from "./rows.ts";
import type { Fixed, PageSearch, Stretch } from "./tuple-filter.ts";
import { writtenColumns } from "./tuple-rows.ts";

/*
 * Pages along the table, which is in order of the key. Where a filter has an id but no type, the
 * types are gone through one after the other.
 */

/** Rows looked at along one stretch: a few milliseconds. */
const lookMax = 5_000;

/** Distinct types, one search each. */
export const typesText = `WITH RECURSIVE each (x) AS (
  SELECT min(resource_type) FROM tuples WHERE tenant = ?1 UNION ALL
  SELECT (SELECT min(resource_type) FROM tuples WHERE tenant = ?1 AND resource_type > each.x)
  FROM each WHERE each.x IS NOT NULL) SELECT x FROM each WHERE x IS NOT NULL`;

const columns = writtenColumns.replace(/\w+/g, "t.$&");

export class ResourcePages {
  readonly #db: DatabaseSync;
  /** By text: as many as filters have shapes. */
  readonly #questions = new Map<string, Question>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Stretches from the cursor on, until there is enough or much was looked at. */
  find(search: PageSearch): Stretch[] {
    const stretches: Stretch[] = [];
    let rows = 0;
    for (const type of this.#types(search)) {
      const stretch = this.#walk({ ...search, limit: search.limit - rows }, type);
      stretches.push(stretch);
      rows += stretch.rows.length;
      if (stretch.upTo !== null) break;
    }
    return stretches;
  }

  #types({ tenant, fixed, prefix, cursor }: PageSearch): (Cell | undefined)[] {
    const needed = prefix !== "" || fixed.resource_id !== undefined;
    if (fixed.resource_type !== undefined || !needed) return [fixed.resource_type];
    const from = Number(cursor?.[0] ?? 0);
    const types = this.#ask(typesText).all(tenant);
    return types.map((row) => row[0]).filter((type) => Number(type) >= from);
  }

  #walk(search: PageSearch, type: Cell | undefined): Stretch {
    const { condition, limit } = search;
    const { sql, values, order } = this.#range(search, type);
    const from = `FROM tuples AS t WHERE ${sql}`;
    const by = `ORDER BY ${order.join(", ")}`;
    const most = Math.min(search.look ?? lookMax, lookMax);
    const look = `SELECT ${keyColumns.join(", ")} ${from} ${by} LIMIT 1 OFFSET ?`;
    const bound = this.#ask(look).first(...values, most - 1);
    const within = bound && order.map((column) => bound[keyColumns.indexOf(column)] ?? null);
    const end = within === undefined ? "" : `AND ${beyond(order, "<=")}`;
    const page = `SELECT ${columns} ${from} ${end} AND ${condition.sql} ${by} LIMIT ?`;
    const rows = this.#ask(page).all(...values, ...(within ?? []), ...condition.values, limit);
    const upTo = (rows.length === limit ? rows.at(-1) : bound) ?? null;
    if (search.look === null) return { rows, upTo };
    const last =
      upTo === null ? [] : order.map((column) => upTo[keyColumns.indexOf(column)] ?? null);
    const passed = `${from} ${upTo === null ? "" : `AND ${beyond(order, "<=")}`}`;
    return { rows, upTo, tally: this.#tally(passed, [...values, ...last]) };
  }

  #tally(from: string, values: readonly Cell[]): Tally {
    const row = this.#ask(`SELECT count(*), count(t.deleted) ${from}`).first(...values);
    const [looked, ended] = (row ?? [0, 0]) as [number, number]; // what they count
    return { looked, ended };
  }

  /** The stretch as a range of the primary key: columns that are fixed, then those it is ordered by. */
  #range(
    { tenant, fixed, prefix, cursor }: PageSearch,
    type: Cell | undefined,
  ): { sql: string; values: Cell[]; order: readonly (typeof keyColumns)[number][] } {
    const known: Fixed = type === undefined ? fixed : { ...fixed, resource_type: type };
    const open = keyColumns.findIndex((column) => known[column] === undefined);
    const order = keyColumns.slice(open);
    const parts = ["t.tenant = ?"];
    const values: Cell[] = [tenant];
    for (const column of keyColumns.slice(0, open)) {
      parts.push(`t.${column} = ?`);
      values.push(known[column] ?? null);
    }
    if (cursor !== null && (type === undefined || type === cursor[0])) {
      parts.push(beyond(order, ">"));
      values.push(...cursor.slice(open));
    }
    if (prefix !== "" && order[0] === "resource_id") {
      const end = endOfPrefix(prefix);
      parts.push("t.resource_id >= ?");
      values.push(prefix);
      if (end !== null) {
        parts.push("t.resource_id < ?");
        values.push(end);
      }
    }
    return { sql: parts.join(" AND "), values, order };
  }

  #ask(sql: string): Question {
    const known = this.#questions.get(sql) ?? new Question(this.#db, sql);
    this.#questions.set(sql, known);
    return known;
  }
}

function beyond(order: readonly string[], than: ">" | "<="): string {
  const left = order.map((column) => `t.${column}`).join(", ");
  return `(${left}) ${than} (${order.map(() => "?").join(", ")})`;
}
