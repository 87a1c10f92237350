/**
 * What the answers must be, by the shortest way to say it: no index, no cache, no order of
 * evaluation. Every object#relation that a question reaches is an unknown, the schema gives one
 * equation for each, and the equations are applied until nothing changes (Fitting's Kripke-Kleene
 * fixpoint). What is still undecided then goes in a circle.
 *
 * A value is the set of what may come of it, as far as is known: caveats that lack context may go
 * either way. Operators work on each combination.
 */

import { type Caveat, compileCaveat } from "../../src/authz/caveat/caveat.ts";
import type { AllowedSubject, Expression, Schema } from "../../src/authz/schema/schema.ts";
import type { SchemaDialect, Verdict } from "../../src/model/authz.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import {
  type CaveatContext,
  type CaveatUse,
  formatRelationship,
  formatSubject,
  type ObjectRef,
  type Relationship,
  type SubjectRef,
  wildcardId,
} from "../../src/model/relationship.ts";

/** Everything that an answer depends on. */
export interface World {
  readonly schema: Schema;
  readonly relationships: readonly Relationship[];
  readonly context?: CaveatContext;
  readonly contextual?: readonly Relationship[];
  readonly now: number;
  /** Goes round in circles also where the schema says that there is nothing to be found. */
  readonly blind?: boolean;
  /** What becomes of conditions that lack context. Without it they may go either way. */
  readonly settled?: ReadonlyMap<CaveatUse, boolean>;
}

export type Answer =
  | { readonly verdict: Verdict; readonly missing: ReadonlySet<string> }
  | { readonly error: "depth-exceeded" | "caveat-failed" };

/** `endless`: it goes in a circle. `failed`: a caveat could not be evaluated. */
type Outcome = "yes" | "no" | "endless" | "failed";

interface Value {
  readonly outcomes: ReadonlySet<Outcome>;
  /** Parameters that were asked for on the way, where it is not decided. */
  readonly missing: ReadonlySet<string>;
}

/** More cases than these are not gone through. */
const openMax = 14;

const nothing: ReadonlySet<string> = new Set();
const yes = only("yes");
const no = only("no");
const endless = only("endless");
const failed = only("failed");

/** Answers questions about one world; what was solved for a subject is kept. */
export class Oracle {
  readonly world: World;
  readonly #facts: Facts;
  readonly #equations = new Map<string, Equations>();

  constructor(world: World) {
    this.world = world;
    this.#facts = new Facts(world);
  }

  check(resource: ObjectRef, permission: string, subject: SubjectRef): Answer {
    return answerOf(this.#solve(resource, permission, subject), this.world.schema.dialect);
  }

  /** Does it, for all that is known, go in a circle? */
  isCircle({
    resource,
    permission,
    subject,
  }: {
    readonly resource: ObjectRef;
    readonly permission: string;
    readonly subject: SubjectRef;
  }): boolean {
    return this.#solve(resource, permission, subject).outcomes.has("endless");
  }

  /**
   * Is this the answer whatever becomes of the conditions that lack context? Asked case by case: where
   * a circle comes back to a condition, `check` lets it go one way here and the other way there.
   */
  isAlways(
    verdict: Verdict,
    item: {
      readonly resource: ObjectRef;
      readonly permission: string;
      readonly subject: SubjectRef;
    },
  ): boolean {
    const open = this.#facts.openUses;
    if (open.length > openMax) return false;
    for (let bits = 0; bits < 2 ** open.length; bits++) {
      const settled = new Map(open.map((use, at) => [use, ((bits >> at) & 1) === 1]));
      const answer = new Oracle({ ...this.world, settled }).check(
        item.resource,
        item.permission,
        item.subject,
      );
      if ("error" in answer || answer.verdict !== verdict) return false;
    }
    return true;
  }

  #solve(resource: ObjectRef, permission: string, subject: SubjectRef): Value {
    const key = formatSubject(subject);
    let equations = this.#equations.get(key);
    if (equations === undefined) {
      equations = new Equations(this.#facts, subject);
      this.#equations.set(key, equations);
    }
    return equations.solve(resource, permission);
  }

  /** The answer for every object of the type that there is a trace of. */
  resources(type: string, permission: string, subject: SubjectRef): Map<string, Answer> {
    const ids = this.#facts.ids(type);
    if (subject.type === type && subject.id !== wildcardId) ids.add(subject.id);
    return mapOf([...ids].sort(), (id) => this.check({ type, id }, permission, subject));
  }

  /** The answer for every subject of the type; under `*` that for one that nobody has heard of. */
  subjects(
    resource: ObjectRef,
    permission: string,
    of: { readonly type: string; readonly relation?: string },
  ): Map<string, Answer> {
    const { ids, stranger } = this.subjectIds(resource, of);
    const answers = mapOf([...ids].sort(), (id) => this.check(resource, permission, { ...of, id }));
    if (of.relation !== undefined) return answers;
    return answers.set(wildcardId, this.check(resource, permission, { ...of, id: stranger }));
  }

  /** Every id of the type that there is a trace of, and one that there is none of. */
  subjectIds(
    resource: ObjectRef,
    { type }: { readonly type: string },
  ): { readonly ids: ReadonlySet<string>; readonly stranger: string } {
    const ids = this.#facts.ids(type);
    if (resource.type === type) ids.add(resource.id);
    let stranger = "stranger";
    while (ids.has(stranger)) stranger += "-";
    return { ids, stranger };
  }

  permissions(resource: ObjectRef, subject: SubjectRef): Map<string, Answer> {
    const names = this.world.schema.types.get(resource.type)?.relations.keys() ?? [];
    return mapOf([...names], (name) => this.check(resource, name, subject));
  }

  /** How many unknowns the answer depends on; no path without a circle is longer. */
  reach(resource: ObjectRef, permission: string): number {
    const equations = new Equations(this.#facts, { type: "", id: "" });
    equations.solve(resource, permission);
    return equations.size;
  }

  /** Is there a caveat among all that counts? */
  get hasCaveats(): boolean {
    return this.#facts.hasCaveats;
  }

  ids(type: string): Set<string> {
    return this.#facts.ids(type);
  }

  /** What becomes of a caveat with the context of this world. */
  caveat(use: CaveatUse | undefined): Answer {
    return answerOf(this.#facts.caveat(use), this.world.schema.dialect);
  }
}

/** The relationships that count, by object and relation. */
class Facts {
  readonly schema: Schema;
  readonly #world: World;
  readonly #held = new Map<string, Relationship[]>();
  readonly #caveats: ReadonlyMap<string, Caveat>;

  constructor(world: World) {
    this.schema = world.schema;
    this.#world = world;
    this.#caveats = caveatsOf(world.schema);
    for (const relationship of [...world.relationships, ...(world.contextual ?? [])]) {
      if (!isPlaced(relationship, world.schema)) continue;
      if (relationship.expiresAt !== undefined && relationship.expiresAt <= world.now) continue;
      const { resource, relation } = relationship;
      const key = keyOf(resource, relation);
      const held = this.#held.get(key);
      if (held === undefined) this.#held.set(key, [relationship]);
      else held.push(relationship);
    }
  }

  of(resource: ObjectRef, relation: string): readonly Relationship[] {
    return this.#held.get(keyOf(resource, relation)) ?? [];
  }

  /** A new set each time. */
  ids(type: string): Set<string> {
    const ids = new Set<string>();
    for (const { resource, subject } of [...this.#held.values()].flat()) {
      if (resource.type === type) ids.add(resource.id);
      if (subject.type === type && subject.id !== wildcardId) ids.add(subject.id);
    }
    return ids;
  }

  /** Does the schema let such a subject have it at all? */
  canHave({ type, relation: of = "" }: SubjectRef, at: ObjectRef, relation: string): boolean {
    if (this.#world.blind === true) return true;
    return reachOf(this.schema).get(`${at.type}#${relation}`)?.has(`${type}#${of}`) === true;
  }

  get hasCaveats(): boolean {
    return [...this.#held.values()].flat().some(({ caveat }) => caveat !== undefined);
  }

  get openUses(): readonly CaveatUse[] {
    return [...this.#held.values()]
      .flat()
      .flatMap(({ caveat }) => (caveat === undefined ? [] : [caveat]))
      .filter((use) => this.caveat(use).outcomes.size > 1);
  }

  caveat(use: CaveatUse | undefined): Value {
    if (use === undefined) return yes;
    const caveat = this.#caveats.get(use.name);
    if (caveat === undefined) return no;
    try {
      const stored = caveat.readContext(use.context ?? {}, "stored");
      const own = new Set(Object.keys(use.context ?? {}));
      const asked = Object.entries(this.#world.context ?? {}).filter(([name]) => !own.has(name));
      const result = caveat.evaluate(
        stored,
        caveat.readContext(Object.fromEntries(asked), "asked"),
      );
      if (result.value === "error") return failed;
      if (result.value !== "unknown") return result.value === "yes" ? yes : no;
      const settled = this.#world.settled?.get(use);
      if (settled !== undefined) return settled ? yes : no;
      return { outcomes: new Set(["yes", "no"]), missing: new Set(result.missing) };
    } catch {
      return failed;
    }
  }
}

/** All that one subject may or may not. */
class Equations {
  readonly #facts: Facts;
  readonly #subject: SubjectRef;
  readonly #values = new Map<string, { readonly at: ObjectRef; relation: string; value: Value }>();

  constructor(facts: Facts, subject: SubjectRef) {
    this.#facts = facts;
    this.#subject = subject;
  }

  get size(): number {
    return this.#values.size;
  }

  solve(resource: ObjectRef, relation: string): Value {
    const key = keyOf(resource, relation);
    const known = this.#values.get(key);
    if (known !== undefined) return known.value;
    this.#value(resource, relation);
    // First what comes of it, then why it is open: names would go round in circles meanwhile.
    this.#settle(({ outcomes }) => ({ outcomes, missing: nothing }));
    this.#settle((value) => value);
    return this.#value(resource, relation);
  }

  #settle(part: (value: Value) => Value): void {
    for (let changed = true; changed; ) {
      changed = false;
      for (const unknown of this.#values.values()) {
        const value = part(this.#right(unknown.at, unknown.relation));
        if (isSame(value, unknown.value)) continue;
        unknown.value = value;
        changed = true;
      }
    }
  }

  #value(at: ObjectRef, relation: string): Value {
    const key = keyOf(at, relation);
    const known = this.#values.get(key);
    if (known !== undefined) return known.value;
    this.#values.set(key, { at, relation, value: endless });
    return endless;
  }

  /** The right side of the equation for an object and a relation. */
  #right(at: ObjectRef, relation: string): Value {
    const { type, id, relation: of } = this.#subject;
    // All who have a relation on an object have that relation on that object.
    if (type === at.type && id === at.id && of === relation) return yes;
    const definition = this.#facts.schema.types.get(at.type)?.relations.get(relation);
    if (definition === undefined) return no;
    // What the schema lets no such subject have nobody need look for, round in circles or not.
    if (!this.#facts.canHave(this.#subject, at, relation)) return no;
    return this.#evaluate(definition.rewrite, at, relation);
  }

  #evaluate(expression: Expression, at: ObjectRef, relation: string): Value {
    switch (expression.kind) {
      case "nil":
        return no;
      case "self":
        return isSameSubject(this.#subject, at) ? yes : no;
      case "this":
        return or(this.#facts.of(at, relation).map((held) => this.#holds(held)));
      case "relation": {
        const has = this.#facts.schema.types.get(at.type)?.relations.has(expression.name);
        return has ? this.#value(at, expression.name) : no;
      }
      case "union":
        return or(expression.operands.map((operand) => this.#evaluate(operand, at, relation)));
      case "intersection":
        return and(expression.operands.map((operand) => this.#evaluate(operand, at, relation)));
      case "exclusion": {
        const base = this.#evaluate(expression.base, at, relation);
        return and([base, not(this.#evaluate(expression.subtract, at, relation))]);
      }
      case "arrow":
        return this.#arrow(expression, at);
    }
  }

  #holds({ subject, caveat }: Relationship): Value {
    const condition = this.#facts.caveat(caveat);
    if (isSameSubject(subject, this.#subject)) return condition;
    if (subject.id === wildcardId) {
      const { type, relation } = this.#subject;
      return type === subject.type && relation === undefined ? condition : no;
    }
    if (subject.relation === undefined) return no;
    const { type, id } = subject;
    return and([condition, this.#value({ type, id }, subject.relation)]);
  }

  #arrow({ over, target, all }: Expression & { kind: "arrow" }, at: ObjectRef): Value {
    const each = this.#facts
      .of(at, over)
      .filter(({ subject }) => subject.id !== wildcardId)
      .map(({ subject: { type, id }, caveat }) =>
        and([this.#facts.caveat(caveat), this.#evaluate(target, { type, id }, over)]),
      );
    if (all) return each.length === 0 ? no : and(each);
    return or(each);
  }
}

const reaches = new WeakMap<Schema, ReadonlyMap<string, ReadonlySet<string>>>();

function reachOf(schema: Schema): ReadonlyMap<string, ReadonlySet<string>> {
  let reach = reaches.get(schema);
  if (reach === undefined) {
    reach = makeReach(schema);
    reaches.set(schema, reach);
  }
  return reach;
}

/** Grows until nothing is added. */
function makeReach(schema: Schema): ReadonlyMap<string, ReadonlySet<string>> {
  const reach = new Map<string, Set<string>>();
  const of = (type: string, relation: string) => reach.get(`${type}#${relation}`) ?? new Set();
  const kinds = (expression: Expression, type: string, allowed: readonly AllowedSubject[]) => {
    const found = new Set<string>();
    const add = (more: Iterable<string>) => {
      for (const kind of more) found.add(kind);
    };
    switch (expression.kind) {
      case "this":
        for (const subject of allowed) {
          found.add(`${subject.type}#${subject.relation ?? ""}`);
          if (subject.relation !== null) add(of(subject.type, subject.relation));
        }
        break;
      case "self":
        found.add(`${type}#`);
        break;
      case "relation":
        add(of(type, expression.name));
        break;
      case "arrow":
        for (const over of schema.types.get(type)?.relations.get(expression.over)?.allowed ?? []) {
          add(kinds(expression.target, over.type, []));
        }
        break;
      case "exclusion":
        add(kinds(expression.base, type, allowed));
        break;
      case "union":
      case "intersection":
        for (const operand of expression.operands) add(kinds(operand, type, allowed));
        break;
      default:
    }
    return found;
  };
  for (let grows = true; grows; ) {
    grows = false;
    for (const { name: type, relations } of schema.types.values()) {
      for (const { name, rewrite, allowed } of relations.values()) {
        const before = of(type, name);
        const after = before.union(kinds(rewrite, type, allowed)).add(`${type}#${name}`);
        reach.set(`${type}#${name}`, after);
        if (after.size > before.size) grows = true;
      }
    }
  }
  return reach;
}

function caveatsOf(schema: Schema): ReadonlyMap<string, Caveat> {
  const compiled = new Map<string, Caveat>();
  for (const [name, definition] of schema.caveats) {
    const { caveat } = compileCaveat(definition, schema.dialect, defaultLimits);
    if (caveat !== null) compiled.set(name, caveat);
  }
  return compiled;
}

/** Has the schema a place for it? What it has none for counts for nothing. */
export function isPlaced({ resource, relation, ...held }: Relationship, schema: Schema): boolean {
  const definition = schema.types.get(resource.type)?.relations.get(relation);
  return definition?.allowed.some((allowed) => isAllowed(held, allowed)) ?? false;
}

function isAllowed(
  { subject, caveat, expiresAt }: Omit<Relationship, "resource" | "relation">,
  allowed: AllowedSubject,
): boolean {
  return (
    allowed.type === subject.type &&
    allowed.relation === (subject.relation ?? null) &&
    allowed.wildcard === (subject.id === wildcardId) &&
    allowed.caveat === (caveat?.name ?? null) &&
    allowed.expiration === (expiresAt !== undefined)
  );
}

function only(outcome: Outcome): Value {
  return { outcomes: new Set([outcome]), missing: nothing };
}

function or(values: readonly Value[]): Value {
  return values.reduce((a, b) => combine(a, b, orOutcome), no);
}

function and(values: readonly Value[]): Value {
  return values.reduce((a, b) => combine(a, b, andOutcome), yes);
}

function not({ outcomes, missing }: Value): Value {
  const opposite = { yes: "no", no: "yes", endless: "endless", failed: "failed" } as const;
  return { outcomes: new Set([...outcomes].map((outcome) => opposite[outcome])), missing };
}

function combine(a: Value, b: Value, operator: (a: Outcome, b: Outcome) => Outcome): Value {
  const outcomes = new Set<Outcome>();
  for (const one of a.outcomes) for (const other of b.outcomes) outcomes.add(operator(one, other));
  if (a.missing.size === 0 && b.missing.size === 0) return { outcomes, missing: nothing };
  return { outcomes, missing: outcomes.size > 1 ? a.missing.union(b.missing) : nothing };
}

function orOutcome(a: Outcome, b: Outcome): Outcome {
  if (a === "yes" || b === "yes") return "yes";
  if (a === "failed" || b === "failed") return "failed";
  return a === "endless" || b === "endless" ? "endless" : "no";
}

function andOutcome(a: Outcome, b: Outcome): Outcome {
  if (a === "no" || b === "no") return "no";
  if (a === "failed" || b === "failed") return "failed";
  return a === "endless" || b === "endless" ? "endless" : "yes";
}

/** A circle is false in OpenFGA's language, and an error in the native one. */
function answerOf({ outcomes, missing }: Value, dialect: SchemaDialect): Answer {
  if (outcomes.has("failed")) return { error: "caveat-failed" };
  if (outcomes.has("endless") && dialect === "native") return { error: "depth-exceeded" };
  if (!outcomes.has("yes")) return { verdict: "no", missing: nothing };
  return outcomes.size === 1
    ? { verdict: "yes", missing: nothing }
    : { verdict: "conditional", missing };
}

function isSame(a: Value, b: Value): boolean {
  return (
    a.outcomes.symmetricDifference(b.outcomes).size === 0 &&
    a.missing.symmetricDifference(b.missing).size === 0
  );
}

function isSameSubject(a: SubjectRef, b: SubjectRef): boolean {
  return a.type === b.type && a.id === b.id && a.relation === b.relation;
}

function mapOf(names: readonly string[], answer: (name: string) => Answer): Map<string, Answer> {
  return new Map(names.map((name) => [name, answer(name)]));
}

function keyOf(object: ObjectRef, relation: string): string {
  return formatSubject({ ...object, relation });
}

/** The state after a list of changes, as a plain list. `create` and `touch` both put. */
export function applyUpdates(
  before: readonly Relationship[],
  updates: readonly { readonly operation: string; readonly relationship: Relationship }[],
): Relationship[] {
  const state = new Map(before.map((held) => [formatRelationship(held), held]));
  for (const { operation, relationship } of updates) {
    const key = formatRelationship(relationship);
    if (operation === "delete") state.delete(key);
    else state.set(key, relationship);
  }
  return [...state.values()];
}
