/** SpiceDB's integration cases: schema, relationships, assertions, and six agreements. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { parseNativeSchema } from "../../src/authz/schema/native/parse.ts";
import { reachableSubjects } from "../../src/authz/schema/reflect.ts";
import type { Schema } from "../../src/authz/schema/schema.ts";
import type { CheckItem, TenantPort, Verdict } from "../../src/model/authz.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import {
  type CaveatUse,
  formatObject,
  formatRelationship,
  formatSubject,
  type ObjectRef,
  type Relationship,
  type SubjectRef,
  wildcardId,
} from "../../src/model/relationship.ts";
import { type Given, givenBy, givenOf, showGiven, verdictIn, verdictInTree } from "./answers.ts";
import { allPages, type Ground, newTenant } from "./ground.ts";
import { Oracle } from "./oracle.ts";
import { type Assertion, parseAssertion, parseRelationships } from "./relationship-text.ts";
import type { SuiteReport } from "./suite-report.ts";

interface Case {
  readonly schemaText: string;
  readonly schema: Schema;
  readonly relationships: readonly Relationship[];
  readonly assertions: readonly (Assertion & { readonly expected: Verdict })[];
}

/** Runs one file in a tenant of its own. */
export async function runSpicedbFile(
  file: string,
  { ground, report }: { readonly ground: Ground; readonly report: SuiteReport },
): Promise<void> {
  const read = readCase(file);
  const tenant = await newTenant(ground);
  await tenant.writeSchema({ dialect: "native", text: read.schemaText });
  report.count("files");
  const run = new Agreements(read, { tenant, now: ground.now(), report });
  await run.writeAndReadBack();
  await run.assertions();
  const table = await run.table();
  await run.expansions(table);
  await run.resources(table);
  await run.subjects(table);
  run.reachableTypes(table);
}

function readCase(file: string): Case {
  const { schema: schemaText, relationships, assertions } = parse(readFileSync(file, "utf8"));
  const { schema, problems } = parseNativeSchema(schemaText, defaultLimits);
  if (schema === null) throw new TypeError(JSON.stringify(problems));
  const lists: readonly [string, Verdict][] = [
    ["assertTrue", "yes"],
    ["assertFalse", "no"],
    ["assertCaveated", "conditional"],
  ];
  return {
    schemaText,
    schema,
    relationships: parseRelationships(relationships ?? ""),
    assertions: lists.flatMap(([key, expected]) =>
      (assertions?.[key] ?? []).map((text: string) => ({ ...parseAssertion(text), expected })),
    ),
  };
}

/** What every subject may do with every object, by Check. */
type Table = readonly (CheckItem & { readonly given: Given })[];

class Agreements {
  readonly #tenant: TenantPort;
  readonly #case: Case;
  readonly #now: number;
  readonly #report: SuiteReport;

  constructor(
    of: Case,
    { tenant, now, report }: { tenant: TenantPort; now: number; report: SuiteReport },
  ) {
    this.#tenant = tenant;
    this.#case = of;
    this.#now = now;
    this.#report = report;
  }

  /** 1. Each is written on its own, and all are read back. */
  async writeAndReadBack(): Promise<void> {
    for (const relationship of this.#case.relationships) {
      await this.#tenant.write({ updates: [{ operation: "touch", relationship }] });
    }
    const read = await allPages((page) => this.#tenant.read(page));
    const show = (all: readonly Relationship[]) => new Set(all.map(describeRelationship));
    // Those that have expired already may be read or not.
    const lasting = this.#case.relationships.filter(
      ({ expiresAt }) => (expiresAt ?? 1e15) > 1.75e12,
    );
    const missing = show(lasting).difference(show(read));
    const extra = show(read).difference(show(this.#case.relationships));
    this.#report.expect("read back", missing.size + extra.size === 0, () => {
      return `missing ${[...missing].join(" ")}; not written ${[...extra].join(" ")}`;
    });
  }

  /** 2. Check and bulk check agree with the assertions. */
  async assertions(): Promise<void> {
    for (const { text, expected, resource, permission, subject, context } of this.#case
      .assertions) {
      const item = { resource, permission, subject };
      const given = await givenBy(() => this.#tenant.check({ ...item, context }));
      const right = "verdict" in given && given.verdict === expected;
      this.#report.expect("assertions", right, () => `${text}: ${showGiven(given)}`);
      const { items } = await this.#tenant.checkMany({ items: [{ ...item, context }] });
      const bulk = items.map(givenOf).map(showGiven).join();
      this.#report.expect("bulk agrees", bulk === showGiven(given), () => `${text}: ${bulk}`);
    }
  }

  /** Every permission on every object, for every subject that the file names. */
  async table(): Promise<Table> {
    const table: (CheckItem & { readonly given: Given })[] = [];
    for (const resource of this.#objects()) {
      for (const permission of this.#names(resource.type)) {
        const items = this.#subjects().map((subject) => ({ resource, permission, subject }));
        const { items: answers } = await this.#tenant.checkMany({ items });
        for (const [at, item] of items.entries()) {
          const answer = answers[at];
          if (answer !== undefined) table.push({ ...item, given: givenOf(answer) });
        }
      }
    }
    this.#report.count("checks", table.length);
    return table;
  }

  /** 3. Expand covers exactly the subjects with access. */
  async expansions(table: Table): Promise<void> {
    const { schema, relationships } = this.#case;
    const oracle = new Oracle({ schema, relationships, now: this.#now });
    const caveat = (use: CaveatUse | undefined): Verdict => {
      const answer = oracle.caveat(use);
      return "verdict" in answer ? answer.verdict : "conditional";
    };
    for (const resource of this.#objects()) {
      for (const permission of this.#names(resource.type)) {
        const { tree } = await this.#tenant.expand({ resource, permission, deep: true });
        await this.#tenant.expand({ resource, permission });
        for (const row of table) {
          const { subject, given } = row;
          if (row.resource !== resource || row.permission !== permission) continue;
          if (subject.relation !== undefined) continue;
          const has = "verdict" in given && given.verdict !== "no";
          const covered = verdictInTree(tree, subject, caveat);
          this.#report.expect("expansions", has === (covered !== "no"), () => {
            return `${describeItem(row)}: ${covered}, check ${showGiven(given)}, ${JSON.stringify(tree)}`;
          });
        }
      }
    }
  }

  /** 4. LookupResources equals what Check says, in one go and in pages of two. */
  async resources(table: Table): Promise<void> {
    for (const { type, permission } of this.#permissions()) {
      for (const subject of this.#subjects()) {
        const question = { resourceType: type, permission, subject };
        const expected = table
          .filter((row) => row.resource.type === type && row.permission === permission)
          .filter((row) => row.subject === subject && !isNo(row.given))
          .map((row) => `${row.resource.id} ${showGiven(row.given)}`);
        for (const limit of [undefined, 2]) {
          const found = await allPages(
            (page) => this.#tenant.lookupResources({ ...question, ...page }),
            limit,
          );
          this.#same("resources", expected, {
            given: found.map((one) => `${one.id} ${showGiven(one)}`),
            of: `${type}#${permission}@${formatSubject(subject)} in pages of ${limit}`,
          });
        }
      }
    }
  }

  /** 5. LookupSubjects does, too; whom a wildcard leaves out has no access. */
  async subjects(table: Table): Promise<void> {
    const kinds = new Map(
      this.#subjects().map(({ type, relation }) => [`${type}#${relation}`, { type, relation }]),
    );
    for (const resource of this.#objects()) {
      for (const permission of this.#names(resource.type)) {
        const rows = table.filter(
          (row) => row.resource === resource && row.permission === permission,
        );
        for (const kind of kinds.values())
          await this.#subjectsOfKind({ resource, permission }, { kind, rows });
      }
    }
  }

  async #subjectsOfKind(
    item: Pick<CheckItem, "resource" | "permission">,
    { kind, rows }: { readonly kind: Kind; readonly rows: Table },
  ): Promise<void> {
    const { type, relation } = kind;
    const question = {
      ...item,
      subjectType: type,
      ...(relation === undefined ? {} : { subjectRelation: relation }),
    };
    const subjects = rows.filter(
      (row) => row.subject.type === type && row.subject.relation === relation,
    );
    for (const limit of [undefined, 2]) {
      const found = await allPages(
        (page) => this.#tenant.lookupSubjects({ ...question, ...page }),
        limit,
      );
      const asked = new Map(subjects.map((row) => [row.subject.id, row.given]));
      const ids = found.map(({ id }) => id);
      for (const id of new Set(ids).difference(new Set([...asked.keys(), wildcardId]))) {
        const subject = { type, id, ...(relation === undefined ? {} : { relation }) };
        asked.set(id, await givenBy(() => this.#tenant.check({ ...item, subject })));
      }
      const what = `${formatObject(item.resource)}#${item.permission} in pages of ${limit}`;
      for (const [id, given] of asked) {
        const listed = verdictIn(found, id);
        this.#report.expect("subjects", showGiven(listed) === showGiven(given), () => {
          const subject = `${type}:${id}#${relation}`;
          return `${what}, ${subject}: ${showGiven(listed)}, check ${showGiven(given)}`;
        });
      }
      const isOnce = new Set(ids).size === ids.length;
      this.#report.expect("subjects once", isOnce, () => `${what}: ${ids.join()}`);
    }
  }

  /** 6. What can be reached by the schema is no less than what is reached. */
  reachableTypes(table: Table): void {
    for (const { type, permission } of this.#permissions()) {
      const reachable = reachableSubjects(this.#case.schema, { type, name: permission });
      const types = new Set(reachable.map((kind) => kind.type));
      for (const row of table) {
        if (row.resource.type !== type || row.permission !== permission || isNo(row.given))
          continue;
        // Usersets reach themselves, which says nothing of types.
        if (row.subject.relation !== undefined) continue;
        this.#report.expect("reachable types", types.has(row.subject.type), () =>
          describeItem(row),
        );
      }
    }
  }

  #same(
    what: string,
    expected: readonly string[],
    { given, of }: { readonly given: readonly string[]; readonly of: string },
  ): void {
    const isSame = given.toSorted().join("\n") === expected.toSorted().join("\n");
    this.#report.expect(what, isSame, () => `${of}: ${given.join()}, not ${expected.join()}`);
  }

  #names(type: string): readonly string[] {
    return [...(this.#case.schema.types.get(type)?.relations.keys() ?? [])];
  }

  #permissions(): readonly { readonly type: string; readonly permission: string }[] {
    return [...this.#case.schema.types.keys()].flatMap((type) =>
      this.#names(type).map((permission) => ({ type, permission })),
    );
  }

  #cachedObjects: readonly ObjectRef[] | undefined;
  #cachedSubjects: readonly SubjectRef[] | undefined;

  /** Every object that is named, wherever. */
  #objects(): readonly ObjectRef[] {
    const all = this.#case.relationships.flatMap(({ resource, subject }) => [resource, subject]);
    const asked = this.#case.assertions.map(({ subject }) => subject);
    this.#cachedObjects ??= distinct([...all, ...asked].map(({ type, id }) => ({ type, id })));
    return this.#cachedObjects;
  }

  /** Every object as a subject, and every userset that is named. */
  #subjects(): readonly SubjectRef[] {
    const usersets = this.#case.relationships
      .map(({ subject }) => subject)
      .filter(({ relation }) => relation !== undefined);
    this.#cachedSubjects ??= distinct([...this.#objects(), ...usersets]);
    return this.#cachedSubjects;
  }
}

interface Kind {
  readonly type: string;
  readonly relation: string | undefined;
}

function isNo(given: Given): boolean {
  return "verdict" in given && given.verdict === "no";
}

function distinct<T extends SubjectRef>(all: readonly T[]): readonly T[] {
  const byText = new Map(all.map((one) => [formatSubject(one), one]));
  return [...byText.values()].filter(({ id }) => id !== wildcardId);
}

function describeItem({ resource, permission, subject }: CheckItem): string {
  return `${formatObject(resource)}#${permission}@${formatSubject(subject)}`;
}

function describeRelationship(relationship: Relationship): string {
  const { caveat, expiresAt } = relationship;
  const context =
    caveat === undefined ? "" : `${caveat.name} ${JSON.stringify(caveat.context ?? {})}`;
  return `${formatRelationship(relationship)}[${context}][${expiresAt ?? ""}]`;
}
