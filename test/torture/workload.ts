import type { Port } from "holdfast/client";
import type { Prng } from "../../src/std/prng.ts";
import type { Effect } from "./app.ts";
import type { Finding, Found, Ledger } from "./ledger.ts";
import type { Link } from "./link.ts";

/** One kind of load, which remembers what it was promised and knows where to look for it. */
export interface Workload {
  readonly name: string;
  /** How many of it run at once. */
  readonly width: number;
  /** One round; those that run are finished when the torture ends. */
  round(stage: Stage): Promise<void>;
  /** What is there in the end. */
  find(view: View): Promise<Account>;
}

export interface Stage {
  readonly link: Link;
  readonly ledger: Ledger;
  readonly random: Prng;
  /** A new number, for names. */
  next(): number;
}

/** Everything at rest, after the last start. */
export interface View {
  readonly port: Port;
  readonly effects: readonly Effect[];
  readonly ledger: Ledger;
}

export interface Account {
  readonly found: ReadonlyMap<string, Found>;
  /** What is wrong beyond the counting. */
  readonly findings: readonly Finding[];
  /** Steps in all, and how many of their runs were repetitions. */
  readonly steps?: { readonly committed: number; readonly repeated: number };
}

/** All rows of a query that has `number` or another growing column first, page by page. */
export async function readAll(
  port: Port,
  sql: (after: string) => string,
): Promise<(string | number | null)[][]> {
  const all: (string | number | null)[][] = [];
  let after = "-1";
  for (;;) {
    const { rows } = await port.query(`${sql(after)} limit ${pageSize}`);
    all.push(...rows.map((row) => [...row]));
    if (rows.length < pageSize) return all;
    after = String(rows.at(-1)?.[0]);
  }
}

const pageSize = 5000;

/** Ended invocations of a service by key: status and parsed result. */
export async function readRuns(
  port: Port,
  service: string,
): Promise<Map<string, { status: string; output: unknown }>> {
  const rows = await readAll(
    port,
    (after) =>
      `select number, key, status, output from invocations where service = '${service}' ` +
      `and handler = 'run' and number > ${after} order by number`,
  );
  return new Map(
    rows.map(([, key, status, output]) => [
      String(key),
      { status: String(status), output: output === null ? null : JSON.parse(String(output)) },
    ]),
  );
}
