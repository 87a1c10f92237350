/** The files that a store file of OpenFGA takes its tuples from: YAML, JSON, JSON lines, CSV. */
import { parse } from "yaml";
import { fail, HoldfastError, reasonOf } from "../../model/errors.ts";
import { parseOpenfgaTuples, type StoreTuple } from "../schema/openfga/store-file.ts";

/** Throws `invalid-argument` for what cannot be read. */
export function readTupleFile(file: string, text: string): readonly StoreTuple[] {
  const { tuples, problems } = parseOpenfgaTuples(dataOf(file, text));
  if (tuples !== null) return tuples;
  const [first] = problems;
  throw refuse(file, `${first?.path ?? ""} ${first?.message ?? "it has no tuples"}`.trim());
}

function dataOf(file: string, text: string): unknown {
  try {
    if (file.endsWith(".csv")) return tuplesOfCsv(file, text);
    if (file.endsWith(".jsonl")) {
      return text
        .split("\n")
        .filter((line) => line.trim() !== "")
        .map((line) => JSON.parse(line));
    }
    // JSON is YAML, and its errors are told better.
    return file.endsWith(".json") ? JSON.parse(text) : parse(text, { maxAliasCount: 1_000 });
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw refuse(file, reasonOf(error));
  }
}

const columns = [
  "user_type",
  "user_id",
  "user_relation",
  "relation",
  "object_type",
  "object_id",
  "condition_name",
  "condition_context",
] as const;

function tuplesOfCsv(file: string, text: string): unknown[] {
  const [head = [], ...rows] = parseCsv(file, text);
  const unknown = head.find((name) => !columns.includes(name as (typeof columns)[number]));
  if (unknown !== undefined) throw refuse(file, `there is no column ${JSON.stringify(unknown)}`);
  return rows.map((row) => {
    const cell = (name: (typeof columns)[number]): string => row[head.indexOf(name)] ?? "";
    const relation = cell("user_relation");
    const user = `${cell("user_type")}:${cell("user_id")}`;
    const [name, context] = [cell("condition_name"), cell("condition_context")];
    const condition = { name, ...(context === "" ? {} : { context: JSON.parse(context) }) };
    return {
      user: relation === "" ? user : `${user}#${relation}`,
      relation: cell("relation"),
      object: `${cell("object_type")}:${cell("object_id")}`,
      ...(name === "" ? {} : { condition }),
    };
  });
}

/** RFC 4180, without empty lines. */
export function parseCsv(file: string, text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (cell.lastIndex < text.length) {
    const start = cell.lastIndex;
    const found = cell.exec(text);
    if (found === null) throw refuse(file, `a quotation mark is out of place at ${start}`);
    const [, quoted, plain = "", end] = found;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ",") {
      if (cell.lastIndex === text.length) row.push("");
      continue;
    }
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

function refuse(file: string, reason: string): Error {
  return fail("invalid-argument", { what: `The tuple file ${file}`, reason });
}
