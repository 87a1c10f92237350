import type { DatabaseSync } from "node:sqlite";
import type { Entry } from "../../model/entry.ts";
import type { InvocationNumber } from "../../model/ids.ts";
import type { Invocation } from "../../model/invocation.ts";
import type { KeyAddress, LoadedKey } from "../store.ts";
import { holdsKey, isWorkflow } from "./format.ts";
import {
  decodeEntry,
  decodeInvocation,
  decodeOpen,
  decodeStateEntry,
  invocationColumns,
  Question,
} from "./rows.ts";

/*
 * Many records with one question each kind: what a hundred thousand sleepers that wake together need.
 * The numbers and keys go in as one JSON text. CROSS JOIN keeps them the outer loop, so that every
 * record is one search of an index.
 */

const numbers = "json_each(?) AS asked";
const keyOf = (table: string): string =>
  `${table}.service = asked.value ->> 0 AND ${table}.key = asked.value ->> 1`;

const texts = {
  bulkInvocations: `SELECT asked.key, i.* FROM ${numbers} CROSS JOIN
    (SELECT ${invocationColumns} FROM invocations) AS i WHERE i.number = asked.value`,
  bulkJournals: `SELECT asked.key, j.idx, j.kind, j.command, j.name, j.payload, j.failed, j.at
    FROM ${numbers} CROSS JOIN journal AS j WHERE j.number = asked.value`,
  bulkState: `SELECT asked.key, s.name, s.value FROM ${numbers} CROSS JOIN state AS s
    WHERE ${keyOf("s")}`,
  bulkOpen: `SELECT asked.key, i.number, i.status FROM ${numbers} CROSS JOIN invocations AS i
    WHERE ${keyOf("i")} AND ${holdsKey.replace(/(mode|status)/g, "i.$1")}`,
  bulkWorkflows: `SELECT asked.key, (SELECT max(i.number) FROM invocations AS i
    WHERE ${keyOf("i")} AND ${isWorkflow.replace("mode", "i.mode")}) FROM ${numbers}`,
} as const;

export const bulkTexts: Readonly<Record<string, string>> = texts;

export class BulkReader {
  readonly #ask: Readonly<Record<keyof typeof texts, Question>>;

  constructor(db: DatabaseSync) {
    // fromEntries forgets the key type
    this.#ask = Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, new Question(db, text)]),
    ) as Record<keyof typeof texts, Question>;
  }

  invocations(asked: readonly InvocationNumber[]): (Invocation | null)[] {
    const found = new Array<Invocation | null>(asked.length).fill(null);
    for (const [at, ...row] of this.#ask.bulkInvocations.all(JSON.stringify(asked))) {
      found[at as number] = decodeInvocation(row); // json_each counts elements
    }
    return found;
  }

  journals(asked: readonly InvocationNumber[]): Entry[][] {
    const found = asked.map((): Entry[] => []);
    for (const [at, ...row] of this.#ask.bulkJournals.all(JSON.stringify(asked))) {
      found[at as number]?.push(decodeEntry(row)); // in order: the journal is clustered by index
    }
    return found;
  }

  keys(asked: readonly KeyAddress[]): LoadedKey[] {
    const text = JSON.stringify(asked.map(({ service, key }) => [service, key]));
    const found = asked.map(() => {
      const state: LoadedKey["state"][number][] = [];
      const open: LoadedKey["open"][number][] = [];
      return { state, open, workflow: null as number | null };
    });
    for (const [at, ...row] of this.#ask.bulkState.all(text)) {
      found[at as number]?.state.push(decodeStateEntry(row));
    }
    for (const [at, ...row] of this.#ask.bulkOpen.all(text)) {
      found[at as number]?.open.push(decodeOpen(row)); // by position, as the index has them
    }
    for (const [at, number] of this.#ask.bulkWorkflows.all(text)) {
      const key = found[at as number];
      if (key !== undefined) key.workflow = number as number | null; // max() of INTEGER
    }
    return found;
  }
}
