import type { DatabaseSync } from "node:sqlite";
import type { TupleEnd, TupleRequest, TupleRow } from "../relations.ts";
import type { FreshVersions } from "./fresh-versions.ts";
import type { Names } from "./names.ts";
import { keyColumns } from "./relation-format.ts";
import { type Cell, Question, type Row } from "./rows.ts";
import { decodeVersion, keyLength, versionColumns } from "./tuple-rows.ts";
import { formatResourceKey, parseSubjectKey, subjectPart } from "./version-key.ts";

/*
 * All versions of many resources or subjects, with one question each kind: subjects are looked up in
 * their index first, which has the keys. What is asked for goes in as one JSON text; CROSS JOIN keeps
 * it the outer loop, so that each is one search. What waits for its place comes on top of that.
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

const none: ReadonlySet<string> = new Set();

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
  readonly #fresh: FreshVersions;
  readonly #ask: Readonly<Record<keyof typeof texts, Question>>;

  constructor(db: DatabaseSync, { names, fresh }: { names: Names; fresh: FreshVersions }) {
    this.#names = names;
    this.#fresh = fresh;
    // fromEntries forgets the key type
    this.#ask = Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, new Question(db, text)]),
    ) as Record<keyof typeof texts, Question>;
  }

  load({ tenant, resources = [], subjects = [] }: TupleRequest): TupleRow[] {
    const of = new Ends(resources, this.#names);
    const by = new Ends(subjects, this.#names);
    const along = this.#withFresh(tenant, {
      placed: [
        ...this.#find("resources", tenant, of.whole),
        ...this.#find("resourceRelations", tenant, of.single),
      ],
      prefixes: [...of.whole, ...of.single].map(([type, id, relation]) =>
        subjectPart(tenant, { type, id, relation }),
      ),
    });
    const keys = this.#keysBy(tenant, [...by.whole, ...by.single]);
    const found = this.#withFresh(tenant, {
      placed: this.#find("versions", tenant, keys),
      prefixes: keys.map((key) => formatResourceKey(tenant, key)),
    });
    const others = found.filter((it) => !of.has([it.resourceType, it.resourceId, it.relation]));
    return [...along, ...others];
  }

  #find(name: keyof typeof texts, tenant: number, cells: readonly unknown[]): Row[] {
    return cells.length === 0 ? [] : this.#ask[name].all(tenant, JSON.stringify(cells));
  }

  /** What is in the table counts where a version is in both. */
  #withFresh(
    tenant: number,
    { placed, prefixes }: { readonly placed: readonly Row[]; readonly prefixes: readonly string[] },
  ): TupleRow[] {
    const fresh =
      this.#fresh.countOf(tenant) > 0
        ? prefixes.flatMap((prefix) => this.#fresh.findByResource(prefix))
        : [];
    const key = (row: Row): string => JSON.stringify(row.slice(0, keyLength));
    const known = fresh.length === 0 ? none : new Set(placed.map(key));
    const rows = [...placed, ...fresh.filter((row) => !known.has(key(row)))];
    return rows.map((row) => decodeVersion(row, this.#names));
  }

  #keysBy(tenant: number, subjects: readonly Cells[]): Cell[][] {
    return subjects.flatMap(([type, id, relation]) => {
      const prefix = subjectPart(tenant, { type, id, relation });
      const found = this.#fresh.findBySubject({
        prefix,
        after: "",
        limit: Number.MAX_SAFE_INTEGER,
      });
      return found.map(parseSubjectKey);
    });
  }
}
