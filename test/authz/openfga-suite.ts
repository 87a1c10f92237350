/** OpenFGA's store tests: models in stages, tuples stored or contextual, three questions. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Question, TenantPort } from "../../src/model/authz.ts";
import { type ErrorCode, HoldfastError } from "../../src/model/errors.ts";
import { formatSubject, type Relationship, type SubjectRef } from "../../src/model/relationship.ts";
import type { Prng } from "../../src/std/prng.ts";
import { allPages, type Ground, newTenant } from "./ground.ts";
import { parseObject, parseSubject } from "./relationship-text.ts";
import type { SuiteReport } from "./suite-report.ts";

interface Tuple {
  readonly object: string;
  readonly relation: string;
  readonly user: string;
  readonly condition?: { readonly name: string; readonly context?: Record<string, unknown> };
}

interface Assertion<T> {
  readonly expectation?: T;
  readonly errorCode?: number;
  readonly contextualTuples?: readonly Tuple[];
  readonly context?: Record<string, unknown>;
}

type CheckAssertion = Assertion<boolean> & { readonly tuple: Tuple };
type ObjectsAssertion = Assertion<readonly string[] | null> & {
  readonly request: { readonly user: string; readonly type: string; readonly relation: string };
};
type UsersAssertion = Assertion<readonly string[] | null> & {
  readonly request: {
    readonly object: string;
    readonly relation: string;
    readonly filters: readonly string[];
  };
};

interface Stage {
  readonly model: string;
  readonly tuples?: readonly Tuple[];
  readonly checkAssertions?: readonly CheckAssertion[];
  readonly listObjectsAssertions?: readonly ObjectsAssertion[];
  readonly listUsersAssertions?: readonly UsersAssertion[];
}

export interface OpenfgaTest {
  readonly name: string;
  readonly stages: readonly Stage[];
}

/** How the tuples of a stage reach the questions. */
export type Passing = "stored" | "contextual";

interface Run {
  readonly ground: Ground;
  readonly report: SuiteReport;
  readonly random: Prng;
  readonly passing: Passing;
}

/** What OpenFGA has a number for, and what we say then. */
const codesOf: ReadonlyMap<number, readonly (ErrorCode | "conditional")[]> = new Map([
  [
    2000,
    [
      "conditional",
      "caveat-context",
      "caveat-failed",
      "caveat-cost",
      "invalid-relationship",
      "subject-not-allowed",
      "unknown-type",
      "unknown-relation",
    ],
  ],
  [2002, ["depth-exceeded"]],
  [2021, ["unknown-type"]],
  [2022, ["unknown-relation"]],
  [
    2027,
    [
      "caveat-context",
      "invalid-relationship",
      "relation-not-writable",
      "subject-not-allowed",
      "unknown-caveat",
      "unknown-relation",
      "unknown-type",
    ],
  ],
]);

export function readOpenfgaTests(file: string): readonly OpenfgaTest[] {
  return parse(readFileSync(file, "utf8")).tests;
}

/** Tests of several stages are about what is stored; a question takes no more than 100 tuples. */
export function canBeContextual({ stages }: OpenfgaTest): boolean {
  return stages.length === 1 && (stages[0]?.tuples?.length ?? 0) <= 100;
}

export async function runOpenfgaTest(test: OpenfgaTest, run: Run): Promise<void> {
  const tenant = await newTenant(run.ground);
  for (const [index, stage] of test.stages.entries()) {
    const name = `${test.name}, stage ${index}, ${run.passing}`;
    run.report.count("stages");
    await tenant.writeSchema({ dialect: "openfga", text: stage.model });
    if (run.passing === "stored") await store(tenant, stage.tuples ?? [], run.random);
    const asked = new AskedStage(tenant, { name, stage, run });
    for (const assertion of stage.checkAssertions ?? []) await asked.check(assertion);
    for (const assertion of stage.listObjectsAssertions ?? []) await asked.listObjects(assertion);
    for (const assertion of stage.listUsersAssertions ?? []) await asked.listUsers(assertion);
  }
}

async function store(tenant: TenantPort, tuples: readonly Tuple[], random: Prng): Promise<void> {
  const left = tuples.map(relationshipOf);
  for (let at = left.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [left[at], left[other]] = [left[other] as Relationship, left[at] as Relationship]; // in range
  }
  while (left.length > 0) {
    const chunk = left.splice(0, 40);
    const updates = chunk.map((relationship) => ({ operation: "create" as const, relationship }));
    await tenant.write({ updates });
  }
}

class AskedStage {
  readonly #tenant: TenantPort;
  readonly #name: string;
  readonly #report: SuiteReport;
  readonly #contextual: readonly Tuple[];

  constructor(tenant: TenantPort, of: { name: string; stage: Stage; run: Run }) {
    this.#tenant = tenant;
    this.#name = of.name;
    this.#report = of.run.report;
    this.#contextual = of.run.passing === "contextual" ? (of.stage.tuples ?? []) : [];
  }

  async check(assertion: CheckAssertion): Promise<void> {
    const { object, relation, user } = assertion.tuple;
    const question = { ...this.#question(assertion), permission: relation };
    const what = `check ${user} ${relation} ${object}`;
    const ask = async () => {
      const item = { resource: parseObject(object), subject: parseSubject(user) };
      const { verdict } = await this.#tenant.check({ ...question, ...item });
      return verdict === "conditional" ? [verdict] : [String(verdict === "yes")];
    };
    await this.#expect("checks", what, { assertion, ask });
  }

  async listObjects(assertion: ObjectsAssertion): Promise<void> {
    const { user, type, relation } = assertion.request;
    const question = { ...this.#question(assertion), permission: relation };
    const what = `list ${type} ${relation} of ${user}`;
    for (const limit of [undefined, 1]) {
      const ask = async () => {
        const subject = parseSubject(user);
        const found = await allPages(
          (page) =>
            this.#tenant.lookupResources({ ...question, ...page, resourceType: type, subject }),
          limit,
        );
        const none = found.filter(({ verdict }) => verdict === "conditional");
        if (none.length > 0) return ["conditional"];
        for (const { id } of found) {
          const resource = { type, id };
          await this.#confirm(what, { resource, subject, permission: relation }, question);
        }
        return found.map(({ id }) => `${type}:${id}`);
      };
      await this.#expect("lists of objects", what, { assertion, ask });
    }
  }

  async listUsers(assertion: UsersAssertion): Promise<void> {
    const { object, relation, filters } = assertion.request;
    const question = { ...this.#question(assertion), permission: relation };
    const what = `list ${filters.join()} with ${relation} on ${object}`;
    const resource = parseObject(object);
    const ask = async () => {
      const users: string[] = [];
      for (const filter of filters) {
        const [subjectType = "", subjectRelation] = filter.split("#");
        const kind = { subjectType, ...(subjectRelation === undefined ? {} : { subjectRelation }) };
        const found = await allPages((page) =>
          this.#tenant.lookupSubjects({ ...question, ...kind, ...page, resource }),
        );
        if (found.some(({ verdict }) => verdict === "conditional")) return ["conditional"];
        for (const { id } of found) {
          const of = subjectRelation === undefined ? {} : { relation: subjectRelation };
          const subject = { type: subjectType, id, ...of };
          await this.#confirm(what, { resource, subject, permission: relation }, question);
          users.push(formatSubject(subject));
        }
      }
      return users;
    };
    await this.#expect("lists of users", what, { assertion, ask });
  }

  /** What is listed must check true in the same context. */
  async #confirm(
    what: string,
    item: Pick<Relationship, "resource" | "subject"> & { readonly permission: string },
    question: Question,
  ): Promise<void> {
    const { verdict } = await this.#tenant.check({ ...question, ...item });
    this.#report.expect("listed and checked", verdict === "yes", () => {
      return `${this.#name}: ${what}: ${formatSubject(item.subject)} on ${item.resource.id}: ${verdict}`;
    });
  }

  async #expect(
    kind: "checks" | "lists of objects" | "lists of users",
    what: string,
    asked: {
      readonly assertion: Assertion<boolean | readonly string[] | null>;
      readonly ask: () => Promise<readonly string[]>;
    },
  ): Promise<void> {
    const { expectation, errorCode } = asked.assertion;
    const given = await answerOrCode(asked.ask);

    const isError = errorCode !== undefined && errorCode !== 0;
    const must = isError ? String(errorCode) : showExpectation(kind, expectation);
    const right = isError
      ? codesOf.get(errorCode)?.includes(given as ErrorCode) // if it is none, it is not among them
      : given === must;
    this.#report.expect(isError ? "error codes" : kind, right === true, () => {
      return `${this.#name}: ${what}: ${given}, not ${must}`;
    });
  }

  #question({ contextualTuples, context }: Assertion<unknown>): Question {
    const contextual = [...this.#contextual, ...(contextualTuples ?? [])].map(relationshipOf);
    return {
      ...(contextual.length === 0 ? {} : { contextual }),
      ...(context === undefined ? {} : { context }),
    };
  }
}

/** What is left out is what is empty. */
function showExpectation(kind: string, expectation: boolean | readonly string[] | null = null) {
  if (kind === "checks") return String(expectation ?? false);
  return Array.isArray(expectation) ? expectation.toSorted().join(", ") : "";
}

async function answerOrCode(ask: () => Promise<readonly string[]>): Promise<string> {
  try {
    return (await ask()).toSorted().join(", ");
  } catch (error) {
    if (error instanceof HoldfastError) return error.code;
    throw error;
  }
}

function relationshipOf({ object, relation, user, condition }: Tuple): Relationship {
  const subject: SubjectRef = parseSubject(user);
  return {
    resource: parseObject(object),
    relation,
    subject,
    ...(condition === undefined ? {} : { caveat: condition }),
  };
}
