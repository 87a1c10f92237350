import type { DatabaseSync } from "node:sqlite";
import type { TupleEnd, TupleRequest, TupleRow } from "../relations.ts";
import type { Names } from "./names.ts";
import { Question } from "./rows.ts";
import { decodeVersion, versionColumns } from "./tuple-rows.ts";

/*
 * All versions of many resources or subjects, with one question each kind. The ends go in as one
 * JSON text; CROSS JOIN keeps them the outer loop, so that each is one search of an index.
 */

const columns = versionColumns.replace(/\w+/g, "t.$&");

const along = (side: "resource" | "subject", relation: string): string =>
  `SELECT ${columns} FROM json_each(?2) AS asked CROSS JOIN tuples AS t
    WHERE t.tenant = ?1 AND t.${side}_type = asked.value ->> 0 AND t.${side}_id = asked.value ->> 1
    AND EXISTS (SELECT 1 FROM tenants WHERE number = ?1 AND deleted = 0)${relation}`;

const texts = {
  resources: along("resource", ""),
  resourceRelations: along("resource", " AND t.relation = asked.value ->> 2"),
  subjects: along("subject", ""),
  subjectRelations: along("subject", " AND t.subject_relation = asked.value ->> 2"),
} as const;

export const loaderTexts: Readonly<Record<string, string>> = texts;

type Cells = readonly [type: number, id: string, relation?: number];

/** Ends as codes, each once: those with all relations, and those of one that are not among them. */
class Ends {
  readonly whole: Cells[] = [];
  readonly single: Cells[] = [];
  readonly #asked = new Set<string>();

  constructor(ends: readonly TupleEnd[], names: Names) {
    const sorted = [...ends].sort((a, b) => rank(a) - rank(b));
    for (const { type, id, relation } of sorted) {
      const code = names.find(type);
      const relationCode = relation === undefined ? undefined : names.find(relation);
      if (code === undefined || (relation !== undefined && relationCode === undefined)) continue;
      if (this.has([type, id, relation ?? ""])) continue;
      this.#asked.add(JSON.stringify([type, id, relation]));
      if (relationCode === undefined) this.whole.push([code, id]);
      else this.single.push([code, id, relationCode]);
    }
  }

  has([type, id, relation]: readonly [string, string, string]): boolean {
    return (
      this.#asked.size > 0 &&
      (this.#asked.has(JSON.stringify([type, id, undefined])) ||
        this.#asked.has(JSON.stringify([type, id, relation])))
    );
  }
}

function rank(end: TupleEnd): number {
  return end.relation === undefined ? 0 : 1;
}

export class TupleLoader {
  readonly #names: Names;
  readonly #ask: Readonly<Record<keyof typeof texts, Question>>;

  constructor(db: DatabaseSync, names: Names) {
    this.#names = names;
    // fromEntries forgets the key type
    this.#ask = Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, new Question(db, text)]),
    ) as Record<keyof typeof texts, Question>;
  }

  load({ tenant, resources = [], subjects = [] }: TupleRequest): TupleRow[] {
    const of = new Ends(resources, this.#names);
    const by = new Ends(subjects, this.#names);
    const ask = (name: keyof typeof texts, cells: readonly Cells[]): TupleRow[] => {
      if (cells.length === 0) return [];
      const rows = this.#ask[name].all(tenant, JSON.stringify(cells));
      return rows.map((row) => decodeVersion(row, this.#names));
    };
    const found = [...ask("subjects", by.whole), ...ask("subjectRelations", by.single)];
    return [
      ...ask("resources", of.whole),
      ...ask("resourceRelations", of.single),
      ...found.filter((it) => !of.has([it.resourceType, it.resourceId, it.relation])),
    ];
  }
}
