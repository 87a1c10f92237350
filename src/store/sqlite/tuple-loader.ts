import type { DatabaseSync } from "node:sqlite";
import type { TupleEnd, TupleRequest, TupleRow } from "../relations.ts";
import type { Names } from "./names.ts";
import { keyColumns } from "./relation-format.ts";
import { type Cell, Question } from "./rows.ts";
import type { SubjectIndex } from "./subject-index.ts";
import { parseSubjectKey, subjectPart } from "./subject-key.ts";
import { decodeVersion, versionColumns } from "./tuple-rows.ts";

/*
 * All versions of many resources or subjects, with one question each kind: subjects are looked up in
 * their index first, which has the keys. What is asked for goes in as one JSON text; CROSS JOIN keeps
 * it the outer loop, so that each is one search.
 */

const columns = versionColumns.replace(/\w+/g, "t.$&");
const living = "EXISTS (SELECT 1 FROM tenants WHERE number = ?1 AND deleted = 0)";

const along = (relation: string): string =>
  `SELECT ${columns} FROM json_each(?2) AS asked CROSS JOIN tuples AS t
    WHERE t.tenant = ?1 AND t.resource_type = asked.value ->> 0
    AND t.resource_id = asked.value ->> 1${relation} AND ${living}`;

const byKey = keyColumns.map((column, i) => `t.${column} = asked.value ->> ${i}`).join(" AND ");

const texts = {
  resources: along(""),
  resourceRelations: along(" AND t.relation = asked.value ->> 2"),
  versions: `SELECT ${columns} FROM json_each(?2) AS asked CROSS JOIN tuples AS t
    WHERE t.tenant = ?1 AND ${byKey} AND ${living}`,
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
  readonly #subjects: SubjectIndex;
  readonly #ask: Readonly<Record<keyof typeof texts, Question>>;

  constructor(db: DatabaseSync, { names, subjects }: { names: Names; subjects: SubjectIndex }) {
    this.#names = names;
    this.#subjects = subjects;
    // fromEntries forgets the key type
    this.#ask = Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, new Question(db, text)]),
    ) as Record<keyof typeof texts, Question>;
  }

  load({ tenant, resources = [], subjects = [] }: TupleRequest): TupleRow[] {
    const of = new Ends(resources, this.#names);
    const by = new Ends(subjects, this.#names);
    const ask = (name: keyof typeof texts, cells: readonly unknown[]): TupleRow[] => {
      if (cells.length === 0) return [];
      const rows = this.#ask[name].all(tenant, JSON.stringify(cells));
      return rows.map((row) => decodeVersion(row, this.#names));
    };
    const found = ask("versions", this.#keysBy(tenant, [...by.whole, ...by.single]));
    return [
      ...ask("resources", of.whole),
      ...ask("resourceRelations", of.single),
      ...found.filter((it) => !of.has([it.resourceType, it.resourceId, it.relation])),
    ];
  }

  #keysBy(tenant: number, subjects: readonly Cells[]): Cell[][] {
    return subjects.flatMap(([type, id, relation]) => {
      const prefix = subjectPart(tenant, { type, id, relation });
      const found = this.#subjects.find({ prefix, after: "", limit: Number.MAX_SAFE_INTEGER });
      return found.map(parseSubjectKey);
    });
  }
}
