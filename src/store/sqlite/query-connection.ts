import { constants, type DatabaseSync, type StatementSync } from "node:sqlite";
import { fail, HoldfastError, reasonOf } from "../../model/errors.ts";
import {
  formatInvocationId,
  formatPromiseId,
  parseInvocationId,
  partitionOfKey,
} from "../../model/ids.ts";
import type { QueryResult, SqlValue } from "../store.ts";
import { primaryCode } from "./faults.ts";
import { viewSql, viewTable } from "./views.ts";
import { addWaiting, describeWaiting, emptyWaiting, type Waiting } from "./waiting.ts";

/** Characters of text in one result, beyond which it is cut like one with too many rows. */
const resultCharsMax = 32 * 1024 * 1024;
/** SQLITE_AUTH. */
const refusedByAuthorizer = 23;

const views: ReadonlySet<string> = new Set(viewTable.map((view) => view.name));
const onlyReads = "it does something other than reading";

/**
 * A connection on which only SELECTs over the documented views run: SQLite asks the authorizer
 * about each thing a statement would do, before it runs.
 */
export class QueryConnection {
  readonly #db: DatabaseSync;
  /** Tables that no view is called like, and that may not even be counted. */
  readonly #hidden = new Set<string>();
  #denied = onlyReads;

  /**
   * @param secret What nobody who writes a query can guess. The views read the tables under this
   * name, so that a common table expression that is called like a view cannot pass for one.
   */
  constructor(db: DatabaseSync, tag: string, secret: string) {
    this.#db = db;
    const partitions = Number(
      db.prepare("SELECT value FROM meta WHERE name = 'partitions'").get()?.["value"],
    );
    defineFunctions(db, tag, partitions);
    const reader = `reader ${secret}`;
    for (const view of viewTable)
      db.exec(`CREATE TEMP VIEW ${view.name} AS ${viewSql(view, reader)}`);
    db.exec("PRAGMA query_only = ON");
    const tables = db.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table'").all();
    for (const { name } of tables) if (!views.has(String(name))) this.#hidden.add(String(name));
    // A view that joins it, flattened by the planner, is not told from a query that counts it.
    this.#hidden.delete("names");
    db.setAuthorizer((action, first, second, schema, accessor) =>
      this.#isAllowed(action, first ?? "", second ?? "", schema, accessor === reader)
        ? constants.SQLITE_OK
        : constants.SQLITE_DENY,
    );
  }

  /** @throws `invalid-query` */
  run(sql: string, parameters: readonly SqlValue[], rowsMax: number): QueryResult {
    this.#denied = onlyReads;
    try {
      return collect(this.#prepare(sql), parameters, rowsMax);
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      const denied = primaryCode(error) === refusedByAuthorizer;
      throw fail("invalid-query", { reason: denied ? this.#denied : reasonOf(error) }, error);
    }
  }

  #prepare(sql: string): StatementSync {
    const statement = this.#db.prepare(sql);
    // SQLite compiles the first statement of a text and keeps just that as its source.
    const rest = sql.slice(statement.sourceSQL.length);
    if (!isBlank(rest)) throw fail("invalid-query", { reason: "it is more than one statement" });
    return statement;
  }

  #isAllowed(
    action: number,
    first: string,
    second: string,
    schema: string | null,
    fromView: boolean,
  ): boolean {
    if (action === constants.SQLITE_SELECT || action === constants.SQLITE_RECURSIVE) return true;
    if (action === constants.SQLITE_FUNCTION) {
      if (second !== "load_extension") return true;
      this.#denied = `the function ${second} may not be used`;
      return false;
    }
    if (action !== constants.SQLITE_READ) {
      this.#denied = onlyReads;
      return false;
    }
    if (fromView || (schema === "temp" && views.has(first))) return true;
    if (first === "json_each" || first === "json_tree") return true;
    // What is read without any column, as by count(*), comes with the name of what the planner has
    // put in its place: a common table expression, or the table behind a view.
    if (second === "" && !this.#hidden.has(first) && !/^(sqlite|pragma)_|^dbstat$/.test(first)) {
      return true;
    }
    this.#denied = `there is no view ${first}; there are ${[...views].join(", ")}`;
    return false;
  }
}

function defineFunctions(db: DatabaseSync, tag: string, partitions: number): void {
  const options = { deterministic: true };
  const isNumber = (value: unknown): value is number =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  db.function("invocation_id", options, (number) =>
    isNumber(number) ? formatInvocationId(tag, number) : null,
  );
  db.function("invocation_number", options, (id) =>
    typeof id === "string" ? (parseInvocationId(tag, id) ?? null) : null,
  );
  db.function("promise_id", options, (number, name) =>
    isNumber(number) ? formatPromiseId(tag, number, String(name)) : null,
  );
  db.function("partition_of", options, (service, key) =>
    partitionOfKey(String(service), String(key), partitions),
  );
  defineWaiting(db);
}

/** The types know only SQL values as an accumulator; Node takes any value, as its example does. */
function defineWaiting(db: DatabaseSync): void {
  db.aggregate("waiting", {
    start: emptyWaiting as unknown as () => SqlValue,
    step: (waiting: unknown, kind, command, name, payload, at) =>
      addWaiting(waiting as Waiting, {
        kind: Number(kind),
        command: Number(command),
        name: String(name),
        payload: payload === null ? null : String(payload),
        at: Number(at),
      }) as unknown as SqlValue,
    result: (waiting: unknown) => describeWaiting(waiting as Waiting),
  });
}

function isBlank(sql: string): boolean {
  return /^(?:[\s;]|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))*$/.test(sql);
}

function collect(
  statement: StatementSync,
  parameters: readonly SqlValue[],
  rowsMax: number,
): QueryResult {
  statement.setReturnArrays(true);
  // Integers beyond 2^53 would be an error otherwise.
  statement.setReadBigInts(true);
  const columns = statement.columns().map((column) => column.name);
  if (columns.length === 0) throw fail("invalid-query", { reason: "it is not a SELECT" });
  const rows: SqlValue[][] = [];
  let chars = 0;
  for (const cells of statement.iterate(...parameters)) {
    if (rows.length === rowsMax || chars > resultCharsMax)
      return { columns, rows, truncated: true };
    const row = (cells as unknown as unknown[]).map(toSqlValue); // setReturnArrays makes it so
    for (const cell of row) chars += typeof cell === "string" ? cell.length : 8;
    rows.push(row);
  }
  return { columns, rows, truncated: false };
}

/** Blobs become hexadecimal text, and integers that a number cannot hold decimal text. */
function toSqlValue(cell: unknown): SqlValue {
  if (typeof cell === "bigint") {
    const number = Number(cell);
    return Number.isSafeInteger(number) ? number : String(cell);
  }
  if (cell instanceof Uint8Array) return Buffer.from(cell).toString("hex");
  return typeof cell === "string" || typeof cell === "number" ? cell : null;
}
