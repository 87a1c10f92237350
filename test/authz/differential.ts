/** Runs a case on an engine and on the oracle, and compares every answer. */
import type { Schema } from "../../src/authz/schema/schema.ts";
import type { Consistency, Question, TenantPort } from "../../src/model/authz.ts";
import { HoldfastError } from "../../src/model/errors.ts";
import {
  formatObject,
  formatRelationship,
  formatSubject,
  type Relationship,
  wildcardId,
} from "../../src/model/relationship.ts";
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
import {
  type Ask,
  type FuzzCase,
  type FuzzQuestion,
  isAbout,
  isMatch,
  type Step,
} from "./fuzz-case.ts";
import { allPages, type Ground, newTenant } from "./ground.ts";
import { type Answer, applyUpdates, isPlaced, Oracle } from "./oracle.ts";
import { type DraftSchema, parseDraft, renderSchema } from "./random-schema.ts";

/** A ground whose clock can be put forward. */
export interface TimedGround extends Ground {
  advance(ms: number): Promise<void>;
}

export interface Disagreement {
  /** Where in the case. */
  readonly step: number;
  readonly question: FuzzQuestion | null;
  readonly kind: string;
  readonly text: string;
}

const hour = 3_600_000;

/** How deep a check may go at most, in either language; what reaches no further cannot be deeper. */
const deepest = { native: 50, openfga: 25 } as const;

/** What was compared, added up over cases. */
export class Tally {
  readonly counts: Map<string, number> = new Map();

  add(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  of(what: string): number {
    return this.counts.get(what) ?? 0;
  }

  get summary(): string {
    const sorted = [...this.counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([what, count]) => `${what} ${count}`).join(", ");
  }
}

interface State {
  readonly schema: Schema;
  readonly relationships: readonly Relationship[];
  readonly zookie: string;
}

/** The first disagreement, or null. Cases that make no sense agree: shrinking makes such. */
export async function runCase(
  { schema, steps }: FuzzCase,
  { ground, tally }: { readonly ground: TimedGround; readonly tally: Tally },
): Promise<Disagreement | null> {
  const run = new Run(await newTenant(ground), ground, tally);
  if (!(await run.schema(schema))) return null;
  for (const [index, step] of steps.entries()) {
    const found = await run.step(step);
    if (found !== null) return { step: index, ...found };
  }
  return null;
}

type Found = Omit<Disagreement, "step">;

class Run {
  readonly #tenant: TenantPort;
  readonly #ground: TimedGround;
  readonly #tally: Tally;
  readonly #start: number;
  readonly #states: State[] = [];

  constructor(tenant: TenantPort, ground: TimedGround, tally: Tally) {
    this.#tenant = tenant;
    this.#ground = ground;
    this.#tally = tally;
    this.#start = ground.now();
  }

  async schema(draft: DraftSchema): Promise<boolean> {
    const schema = parseDraft(draft);
    if (schema === null) return false;
    const text = renderSchema(draft);
    const { zookie } = await this.#tenant.writeSchema({
      dialect: draft.dialect,
      text,
      orphans: "keep",
    });
    this.#states.push({ schema, relationships: this.#states.at(-1)?.relationships ?? [], zookie });
    return true;
  }

  async step(step: Step): Promise<Found | null> {
    switch (step.kind) {
      case "schema":
        await this.schema(step.schema);
        return null;
      case "advance":
        await this.#ground.advance(step.hours * hour);
        return null;
      case "write":
        return await this.#write(step);
      case "delete":
        return await this.#delete(
          (held) => isMatch(held, step.filter),
          () => this.#tenant.deleteRelationships({ filter: step.filter }),
        );
      case "delete-object":
        return await this.#delete(
          (held) => isAbout(held, step.object),
          () => this.#tenant.deleteObject(step.object),
        );
      case "ask":
        return await new Asking(this.#question(step), this.#tally).all(step.questions);
    }
  }

  get #latest(): State {
    return this.#states.at(-1) as State; // there is one from the first schema on
  }

  async #write({ updates }: Step & { kind: "write" }): Promise<Found | null> {
    const { relationships, schema } = this.#latest;
    const placed = updates
      .map((update) => ({ ...update, relationship: this.#dated(update.relationship) }))
      .filter(({ relationship }) => isPlaced(relationship, schema));
    if (placed.length === 0) return null;
    const held = new Map(relationships.map((one) => [formatRelationship(one), one]));
    const isThere = (one: Relationship) => held.has(formatRelationship(one));
    // Whether what has expired is still there for a create is not promised.
    const creates = placed.filter(({ operation }) => operation === "create");
    const refuses = creates.some(({ relationship }) => isThere(relationship));
    if (refuses && relationships.some(({ expiresAt }) => expiresAt !== undefined)) return null;
    try {
      const { zookie } = await this.#tenant.write({ updates: placed });
      this.#tally.add("writes");
      this.#states.push({ schema, relationships: applyUpdates(relationships, placed), zookie });
      if (refuses) return found("write", "a create of what is there was taken");
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#tally.add("writes refused");
      const expected = refuses ? "relationship-exists" : "nothing";
      if (error.code !== expected) return found("write", `${error.code}: ${error.message}`);
    }
    return null;
  }

  async #delete(
    isGone: (held: Relationship) => boolean,
    act: () => Promise<{ readonly zookie: string; readonly deleted: number }>,
  ): Promise<Found | null> {
    const { relationships, schema } = this.#latest;
    const { zookie } = await act();
    this.#tally.add("deletes");
    const left = relationships.filter((held) => !isGone(held));
    this.#states.push({ schema, relationships: left, zookie });
    return null;
  }

  #question({ back, context, contextual }: Ask): Asked {
    const state = this.#states.at(Math.max(-this.#states.length, -1 - back)) as State; // in range
    const { schema, relationships, zookie } = state;
    const held = new Set(relationships.map(formatRelationship));
    const own = contextual
      .map((one) => this.#dated(one))
      .filter((one) => isPlaced(one, schema) && !held.has(formatRelationship(one)));
    const kinds: readonly Consistency[] =
      back > 0
        ? [{ kind: "exact-snapshot", zookie }]
        : [
            { kind: "minimize-latency" },
            { kind: "fully-consistent" },
            { kind: "at-least-as-fresh", zookie },
            { kind: "exact-snapshot", zookie },
          ];
    const distinct = [...new Map(own.map((one) => [formatRelationship(one), one])).values()];
    return {
      tenant: this.#tenant,
      kinds,
      question: { context, ...(distinct.length === 0 ? {} : { contextual: distinct }) },
      oracle: new Oracle({
        schema,
        relationships,
        context,
        contextual: distinct,
        now: this.#ground.now(),
      }),
    };
  }

  #dated(relationship: Relationship): Relationship {
    const { expiresAt } = relationship;
    if (expiresAt === undefined) return relationship;
    return { ...relationship, expiresAt: Math.floor(this.#start + expiresAt * hour) };
  }
}

interface Asked {
  readonly tenant: TenantPort;
  readonly kinds: readonly Consistency[];
  readonly question: Question;
  readonly oracle: Oracle;
}

/** One moment at which many questions are asked. */
class Asking {
  readonly #tenant: TenantPort;
  readonly #kinds: readonly Consistency[];
  readonly #question: Question;
  readonly #oracle: Oracle;
  readonly #tally: Tally;
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
    const bulk = questions.filter((one) => one.kind === "check" && one.how === "bulk");
    const bulkFound = await this.#bulk(bulk as readonly CheckQuestion[]); // as filtered
    if (bulkFound !== null) return bulkFound;
    for (const question of questions) {
      if (question.kind === "check" && question.how === "bulk") continue;
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
    if (questions.length === 0) return null;
    const items = questions.map(({ item }) => item);
    const answer = await this.#tenant.checkMany({ ...this.#next, items });
    for (const [at, question] of questions.entries()) {
      const item = answer.items[at];
      const given = item === undefined ? undefined : givenOf(item);
      const text = this.#checked(question, given);
      if (text !== null) return { kind: "check", question, text };
    }
    return null;
  }

  async #one(question: FuzzQuestion): Promise<string | null> {
    switch (question.kind) {
      case "check": {
        const explain = question.how === "explain";
        const request = { ...this.#next, ...question.item, ...(explain ? { explain } : {}) };
        return this.#checked(question, await givenBy(() => this.#tenant.check(request)));
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

  #checked({ item }: CheckQuestion, given: Given | undefined): string | null {
    const { resource, permission, subject } = item;
    const expected = this.#oracle.check(resource, permission, subject);
    this.#tally.add("checks");
    this.#tally.add("error" in expected ? expected.error : expected.verdict);
    if (given !== undefined && isRight(given, expected)) return null;
    if (this.#isTooDeep(given, [[resource, permission]])) return null;
    return `${showGiven(given)}, not ${showAnswer(expected)}`;
  }

  /** An engine may give up where the way could be longer than it goes at most; that is counted. */
  #isTooDeep(
    given: Given | undefined,
    reached: readonly (readonly [{ readonly type: string; readonly id: string }, string])[],
  ): boolean {
    if (given === undefined || !("code" in given) || given.code !== "depth-exceeded") return false;
    const max = deepest[this.#oracle.world.schema.dialect];
    if (!reached.some(([object, name]) => this.#oracle.reach(object, name) > max)) return false;
    this.#tally.add("too deep");
    return true;
  }

  async #resources(question: FuzzQuestion & { kind: "resources" }): Promise<string | null> {
    const { type, permission, subject, limit } = question;
    this.#tally.add("lookups of resources");
    const asked = { ...this.#next, resourceType: type, permission, subject };
    const expected = this.#oracle.resources(type, permission, subject);
    const reached = () => [...expected.keys()].map((id) => [{ type, id }, permission] as const);
    return await this.#listed(expected, reached, async () => {
      const found = await allPages(
        (page) => this.#tenant.lookupResources({ ...asked, ...page }),
        limit,
      );
      const order = found.map(({ id }) => id);
      if (!isStrictlySorted(order)) return `not in order, or not once: ${order.join()}`;
      return (id) => found.find((one) => one.id === id) ?? { verdict: "no", missing: [] };
    });
  }

  async #subjects(question: FuzzQuestion & { kind: "subjects" }): Promise<string | null> {
    const { resource, permission, of, limit } = question;
    this.#tally.add("lookups of subjects");
    const asked = {
      ...this.#next,
      resource,
      permission,
      subjectType: of.type,
      ...(of.relation === undefined ? {} : { subjectRelation: of.relation }),
    };
    const expected = this.#oracle.subjects(resource, permission, of);
    return await this.#listed(
      expected,
      () => [[resource, permission]],
      async () => {
        const found = await allPages(
          (page) => this.#tenant.lookupSubjects({ ...asked, ...page }),
          limit,
        );
        const order = found.map(({ id }) => id);
        if (new Set(order).size < order.length) return `more than once: ${order.join()}`;
        if (order.indexOf(wildcardId) > 0) return `the wildcard is not first: ${order.join()}`;
        const extra = order.find((id) => !expected.has(id));
        if (extra !== undefined) return `nobody knows of ${extra}`;
        return (id) => verdictIn(found, id);
      },
    );
  }

  /** Compares a list with what must be in it; an error stands for any that a part of it has. */
  async #listed(
    expected: ReadonlyMap<string, Answer>,
    reached: () => readonly (readonly [{ readonly type: string; readonly id: string }, string])[],
    ask: () => Promise<string | ((id: string) => Given)>,
  ): Promise<string | null> {
    let answer: string | ((id: string) => Given);
    try {
      answer = await ask();
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const given = { code: error.code };
      if ([...expected.values()].some((one) => "error" in one && isRight(given, one))) return null;
      return this.#isTooDeep(given, reached()) ? null : error.message;
    }
    if (typeof answer === "string") return answer;
    for (const [id, one] of expected) {
      // Of what cannot be told, a list need not say anything.
      const given = answer(id);
      if ("error" in one || isRight(given, one)) continue;
      return `${id}: ${showGiven(given)}, not ${showAnswer(one)}`;
    }
    return null;
  }

  async #permissions(question: FuzzQuestion & { kind: "permissions" }): Promise<string | null> {
    const { resource, subject } = question;
    this.#tally.add("permissions");
    const expected = this.#oracle.permissions(resource, subject);
    const reached = () => [...expected.keys()].map((name) => [resource, name] as const);
    return await this.#listed(expected, reached, async () => {
      const { permissions } = await this.#tenant.permissions({ ...this.#next, resource, subject });
      const names = permissions.map(({ name }) => name).toSorted();
      if (names.join() !== [...expected.keys()].toSorted().join()) return `of ${names.join()}`;
      return (name) =>
        permissions.find((one) => one.name === name) ?? { verdict: "no", missing: [] };
    });
  }

  async #expand(question: FuzzQuestion & { kind: "expand" }): Promise<string | null> {
    const { resource, permission } = question;
    this.#tally.add("expansions");
    const expected = new Map<string, Answer>();
    for (const type of this.#oracle.world.schema.types.keys()) {
      for (const id of this.#oracle.ids(type)) {
        const answer = this.#oracle.check(resource, permission, { type, id });
        expected.set(formatObject({ type, id }), answer);
      }
    }
    return await this.#listed(
      expected,
      () => [[resource, permission]],
      async () => {
        const { tree } = await this.#tenant.expand({
          ...this.#next,
          resource,
          permission,
          deep: true,
        });
        return (text) => {
          const [type = "", id = ""] = text.split(":");
          const verdict = verdictInTree(tree, { type, id }, (use) => {
            const answer = this.#oracle.caveat(use);
            return "verdict" in answer ? answer.verdict : "conditional";
          });
          const answer = expected.get(text);
          const missing = answer !== undefined && "missing" in answer ? [...answer.missing] : [];
          return { verdict, missing };
        };
      },
    );
  }
}

type CheckQuestion = FuzzQuestion & { kind: "check" };

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

function found(kind: string, text: string): Found {
  return { kind, question: null, text };
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
