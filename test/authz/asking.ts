/** Many questions at one moment, each answer compared with the oracle's. */
import type { Schema } from "../../src/authz/schema/schema.ts";
import type { CheckItem, Consistency, Question, TenantPort } from "../../src/model/authz.ts";
import { HoldfastError } from "../../src/model/errors.ts";
import { formatObject, formatSubject, wildcardId } from "../../src/model/relationship.ts";
import {
  type Given,
  givenBy,
  givenOf,
  isRight,
  showAnswer,
  showGiven,
  verdictIn,
  verdictInTree,
} from "./answers.ts";
import type { FuzzQuestion } from "./fuzz-case.ts";
import { allPages } from "./ground.ts";
import { Oracle, type World } from "./oracle.ts";
import type { Tally } from "./suite-report.ts";

/** What is wrong with which answer. */
export interface Found {
  readonly kind: string;
  readonly question: FuzzQuestion | null;
  readonly text: string;
}

export interface Asked {
  readonly tenant: TenantPort;
  /** Each must give the same; they take turns. */
  readonly kinds: readonly Consistency[];
  readonly question: Question;
  readonly oracle: Oracle;
}

type CheckQuestion = FuzzQuestion & { readonly kind: "check" };

/** What an answer says of one item; undefined where it need not say anything. */
type Says = (item: CheckItem) => Given | undefined;

/** How deep a check may go at most, in either language; what reaches no further cannot be deeper. */
const deepest = { native: 50, openfga: 25 } as const;

const none: Given = { verdict: "no", missing: [] };

export class Asking {
  readonly #tenant: TenantPort;
  readonly #kinds: readonly Consistency[];
  readonly #question: Question;
  readonly #oracle: Oracle;
  readonly #tally: Tally;
  #blindOracle: Oracle | undefined;
  #asked = 0;

  constructor({ tenant, kinds, question, oracle }: Asked, tally: Tally) {
    this.#tenant = tenant;
    this.#kinds = kinds;
    this.#question = question;
    this.#oracle = oracle;
    this.#tally = tally;
  }

  async all(drafted: readonly FuzzQuestion[]): Promise<Found | null> {
    const questions = drafted.filter((question) => isAskable(question, this.#oracle.world.schema));
    const bulk = questions.filter(isBulk);
    const found = bulk.length === 0 ? null : await this.#bulk(bulk);
    if (found !== null) return found;
    for (const question of questions) {
      if (isBulk(question)) continue;
      const text = await this.#one(question);
      if (text !== null) return { kind: question.kind, question, text };
    }
    return null;
  }

  get #next(): Question {
    const consistency = this.#kinds[this.#asked++ % this.#kinds.length];
    return { ...this.#question, ...(consistency === undefined ? {} : { consistency }) };
  }

  async #bulk(questions: readonly CheckQuestion[]): Promise<Found | null> {
    const items = questions.map(({ item }) => item);
    const answer = await this.#tenant.checkMany({ ...this.#next, items });
    for (const [at, question] of questions.entries()) {
      const item = answer.items[at];
      const text = this.#checked(question.item, item === undefined ? undefined : givenOf(item));
      if (text !== null) return { kind: "check", question, text };
    }
    return null;
  }

  async #one(question: FuzzQuestion): Promise<string | null> {
    switch (question.kind) {
      case "check": {
        const explain = question.how === "explain";
        const request = { ...this.#next, ...question.item, ...(explain ? { explain } : {}) };
        return this.#checked(question.item, await givenBy(() => this.#tenant.check(request)));
      }
      case "resources":
        return await this.#resources(question);
      case "subjects":
        return await this.#subjects(question);
      case "permissions":
        return await this.#permissions(question);
      case "expand":
        return await this.#expand(question);
    }
  }

  #checked(item: CheckItem, given: Given | undefined): string | null {
    const expected = this.#expected(item);
    this.#tally.count("checks");
    this.#tally.count("error" in expected ? expected.error : expected.verdict);
    if (given === undefined) return "no answer";
    return this.#wrong(item, given);
  }

  async #resources(question: FuzzQuestion & { kind: "resources" }): Promise<string | null> {
    const { type, permission, subject, limit } = question;
    this.#tally.count("lookups of resources");
    const asked = { ...this.#next, resourceType: type, permission, subject };
    const ids = [...this.#oracle.resources(type, permission, subject).keys()];
    const items = ids.map((id) => ({ resource: { type, id }, permission, subject }));
    return await this.#listed(items, async () => {
      const found = await allPages(
        (page) => this.#tenant.lookupResources({ ...asked, ...page }),
        limit,
      );
      const order = found.map(({ id }) => id);
      if (!isStrictlySorted(order)) return `not in order, or not once: ${order.join()}`;
      // Some that only a relationship without a place tells of; they must be right as well.
      for (const id of order) {
        if (!ids.includes(id)) items.push({ resource: { type, id }, permission, subject });
      }
      return ({ resource }) => found.find(({ id }) => id === resource.id) ?? none;
    });
  }

  async #subjects(question: FuzzQuestion & { kind: "subjects" }): Promise<string | null> {
    const { resource, permission, of, limit } = question;
    this.#tally.count("lookups of subjects");
    const asked = {
      ...this.#next,
      resource,
      permission,
      subjectType: of.type,
      ...(of.relation === undefined ? {} : { subjectRelation: of.relation }),
    };
    const { ids, stranger } = this.#oracle.subjectIds(resource, of);
    const all = of.relation === undefined ? [...ids, stranger] : [...ids];
    const items = all.map((id) => ({ resource, permission, subject: { ...of, id } }));
    return await this.#listed(items, async () => {
      const found = await allPages(
        (page) => this.#tenant.lookupSubjects({ ...asked, ...page }),
        limit,
      );
      const order = found.map(({ id }) => id);
      if (new Set(order).size < order.length) return `more than once: ${order.join()}`;
      if (order.indexOf(wildcardId) > 0) return `the wildcard is not first: ${order.join()}`;
      for (const id of order) {
        const isNew = id !== wildcardId && !ids.has(id);
        if (isNew) items.push({ resource, permission, subject: { ...of, id } });
      }
      return ({ subject }) => verdictIn(found, subject.id);
    });
  }

  async #permissions(question: FuzzQuestion & { kind: "permissions" }): Promise<string | null> {
    const { resource, subject } = question;
    this.#tally.count("permissions");
    const names = [...this.#oracle.permissions(resource, subject).keys()];
    const items = names.map((permission) => ({ resource, permission, subject }));
    return await this.#listed(items, async () => {
      const { permissions } = await this.#tenant.permissions({ ...this.#next, resource, subject });
      const told = permissions.map(({ name }) => name);
      if (told.toSorted().join() !== names.toSorted().join()) return `of ${told.join()}`;
      return ({ permission }) => permissions.find(({ name }) => name === permission) ?? none;
    });
  }

  async #expand(question: FuzzQuestion & { kind: "expand" }): Promise<string | null> {
    const { resource, permission } = question;
    this.#tally.count("expansions");
    const subjects = [...this.#oracle.world.schema.types.keys()].flatMap((type) =>
      [...this.#oracle.ids(type)].map((id) => ({ type, id })),
    );
    const items = subjects.map((subject) => ({ resource, permission, subject }));
    return await this.#listed(items, async () => {
      const asked = { ...this.#next, resource, permission };
      const { tree } = await this.#tenant.expand({ ...asked, deep: true });
      return (item) => {
        // A tree has an end, and so no place for a circle.
        if (this.#oracle.isCircle(item)) return undefined;
        const verdict = verdictInTree(tree, item.subject, (use) => {
          const condition = this.#oracle.caveat(use);
          return "verdict" in condition ? condition.verdict : "conditional";
        });
        // A tree tells no names; those of the oracle are as good as any.
        const expected = this.#expected(item);
        const names = verdict === "conditional" && "missing" in expected ? expected.missing : [];
        return { verdict, missing: [...names] };
      };
    });
  }

  /** Compares a list with what must be in it; an error stands for any that a part of it has. */
  async #listed(
    items: readonly CheckItem[],
    ask: () => Promise<string | Says>,
  ): Promise<string | null> {
    let says: string | Says;
    try {
      says = await ask();
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const given = { code: error.code };
      // What is unrolled may become too large, where it goes in circles.
      if (error.code === "work-exceeded" && goesInCircles(this.#oracle.world)) {
        this.#tally.count("work exceeded in circles");
        return null;
      }
      return items.some((item) => this.#wrong(item, given) === null) ? null : error.message;
    }
    if (typeof says === "string") return says;
    for (const item of items) {
      const given = says(item);
      // Of what cannot be told, a list need not say anything.
      if (given === undefined || "error" in this.#expected(item)) continue;
      if ("error" in this.#blind(item) && isRight(given, { verdict: "no", missing: new Set() })) {
        continue;
      }
      const wrong = this.#wrong(item, given);
      if (wrong !== null) return `${describe(item)}: ${wrong}`;
    }
    return null;
  }

  #expected({ resource, permission, subject }: CheckItem) {
    return this.#oracle.check(resource, permission, subject);
  }

  #blind({ resource, permission, subject }: CheckItem) {
    return this.#unseeing.check(resource, permission, subject);
  }

  get #unseeing(): Oracle {
    this.#blindOracle ??= new Oracle({ ...this.#oracle.world, blind: true });
    return this.#blindOracle;
  }

  #wrong(item: CheckItem, given: Given): string | null {
    const expected = this.#expected(item);
    if (isRight(given, expected)) return null;
    // An engine need not see that a circle leads nowhere.
    if (isRight(given, this.#blind(item))) {
      this.#tally.count("circles that lead nowhere");
      return null;
    }
    // Nor does it let one condition in a circle go both ways at once.
    if ("verdict" in given && given.verdict !== "conditional") {
      const oracles = [this.#oracle, this.#unseeing];
      if (oracles.some((oracle) => oracle.isAlways(given.verdict, item))) {
        this.#tally.count("circles under conditions");
        return null;
      }
    }
    if (this.#isTooDeep(item, given)) {
      this.#tally.count("too deep");
      return null;
    }
    return `${showGiven(given)}, not ${showAnswer(expected)}`;
  }

  /** An engine may give up where the way could be longer than it goes at most; that is counted. */
  #isTooDeep({ resource, permission }: CheckItem, given: Given): boolean {
    if (!("code" in given) || given.code !== "depth-exceeded") return false;
    return this.#oracle.reach(resource, permission) > deepest[this.#oracle.world.schema.dialect];
  }
}

/** Is some object below itself? What leads to no end is left when all else is taken away. */
function goesInCircles({ relationships, contextual = [] }: World): boolean {
  let left = [...relationships, ...contextual];
  for (let size = -1; size !== left.length; ) {
    size = left.length;
    const resources = new Set(left.map(({ resource }) => formatObject(resource)));
    left = left.filter(({ subject }) => resources.has(formatObject(subject)));
  }
  return left.length > 0;
}

function isBulk(question: FuzzQuestion): question is CheckQuestion {
  return question.kind === "check" && question.how === "bulk";
}

function describe({ resource, permission, subject }: CheckItem): string {
  return `${formatObject(resource)}#${permission}@${formatSubject(subject)}`;
}

/** Shrinking takes away types and relations that are asked about. */
function isAskable(question: FuzzQuestion, { types }: Schema): boolean {
  const knows = (type: string, name?: string) =>
    types.has(type) && (name === undefined || types.get(type)?.relations.has(name) === true);
  switch (question.kind) {
    case "check": {
      const { resource, permission, subject } = question.item;
      return knows(resource.type, permission) && knows(subject.type, subject.relation);
    }
    case "resources":
      return (
        knows(question.type, question.permission) &&
        knows(question.subject.type, question.subject.relation)
      );
    case "subjects":
      return (
        knows(question.resource.type, question.permission) &&
        knows(question.of.type, question.of.relation)
      );
    case "permissions":
      return (
        knows(question.resource.type) && knows(question.subject.type, question.subject.relation)
      );
    case "expand":
      return knows(question.resource.type, question.permission);
  }
}

function isStrictlySorted(order: readonly string[]): boolean {
  return order.every((id, at) => {
    const before = order[at - 1];
    return before === undefined || Buffer.compare(Buffer.from(before), Buffer.from(id)) < 0;
  });
}

export function showQuestion(question: FuzzQuestion): string {
  switch (question.kind) {
    case "check": {
      const { resource, permission, subject } = question.item;
      return `${question.how} check ${formatObject(resource)}#${permission}@${formatSubject(subject)}`;
    }
    case "resources": {
      const { type, permission, subject, limit } = question;
      return `lookup ${type}#${permission}@${formatSubject(subject)}, pages of ${limit}`;
    }
    case "subjects": {
      const { resource, permission, of, limit } = question;
      const kind = `${of.type}${of.relation === undefined ? "" : `#${of.relation}`}`;
      return `lookup ${kind} with ${permission} on ${formatObject(resource)}, pages of ${limit}`;
    }
    case "permissions":
      return `permissions of ${formatSubject(question.subject)} on ${formatObject(question.resource)}`;
    case "expand":
      return `expand ${formatObject(question.resource)}#${question.permission}`;
  }
}
