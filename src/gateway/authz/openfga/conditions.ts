import { type Caveat, compileCaveat, type ReadContext } from "../../../authz/caveat/caveat.ts";
import { acceptedSchema } from "../../../authz/schema/dialect.ts";
import { reachGraph } from "../../../authz/schema/reach.ts";
import type { Expression, Schema } from "../../../authz/schema/schema.ts";
import type { ExpandTree, LookupSubjects, SchemaDescription } from "../../../model/authz.ts";
import { HoldfastError } from "../../../model/errors.ts";
import type { Limits } from "../../../model/limits.ts";
import type { Relationship } from "../../../model/relationship.ts";
import { unreachable } from "../../../std/assert.ts";
import type { FgaCall } from "./call.ts";
import { invalid, missingContext } from "./errors.ts";
import { printUser } from "./tuples.ts";

/**
 * OpenFGA's ListUsers evaluates the condition of every tuple on its way, whoever is asked for, and
 * one that cannot be decided fails the call, also where another way leads to the same users. A lookup
 * looks only at what its answer depends on, so that this goes over the tuples once more.
 */
export class UndecidedConditions {
  readonly #limits: Limits;
  readonly #models = new Map<string, Model>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** `validation_error` where OpenFGA would have it; nothing is asked of models without conditions. */
  async refuse(
    tenant: FgaCall["tenant"],
    request: LookupSubjects,
    { zookie }: { readonly zookie: string },
  ): Promise<void> {
    const model = this.#model(await tenant.readSchema(request.schema));
    if (!model.mayFail(request)) return;
    const { resource, permission, context, contextual } = request;
    const tree = await expandAll(tenant, {
      resource,
      permission,
      deep: true,
      consistency: { kind: "at-least-as-fresh", zookie },
      ...(request.schema === undefined ? {} : { schema: request.schema }),
      ...(context === undefined ? {} : { context }),
      ...(contextual === undefined ? {} : { contextual }),
    });
    if (tree !== undefined) model.requireDecided(tree, context ?? {});
  }

  #model(description: SchemaDescription): Model {
    const known = this.#models.get(description.id);
    if (known !== undefined) return known;
    if (this.#models.size >= modelsMax) this.#models.clear();
    const model = new Model(acceptedSchema(description, this.#limits), this.#limits);
    this.#models.set(description.id, model);
    return model;
  }
}

/** Read models that are kept, of all stores together. */
const modelsMax = 100;

/** Undefined where the tree is beyond all bounds: OpenFGA stops there, and tells what it has. */
async function expandAll(
  tenant: FgaCall["tenant"],
  request: Parameters<FgaCall["tenant"]["expand"]>[0],
): Promise<ExpandTree | undefined> {
  try {
    return (await tenant.expand(request)).tree;
  } catch (error) {
    const isBeyond =
      error instanceof HoldfastError &&
      (error.code === "work-exceeded" || error.code === "depth-exceeded");
    if (isBeyond) return undefined;
    throw error;
  }
}

class Model {
  readonly #schema: Schema;
  readonly #limits: Limits;
  readonly #caveats = new Map<string, Caveat | null>();

  constructor(schema: Schema, limits: Limits) {
    this.#schema = schema;
    this.#limits = limits;
  }

  /** Whether there is a condition on the way to the users, and a way at all. */
  mayFail({ resource, permission, subjectType, subjectRelation }: LookupSubjects): boolean {
    if (this.#schema.caveats.size === 0) return false;
    if (!hasConditions(this.#schema, { type: resource.type, relation: permission })) return false;
    const user = { type: subjectType, relation: subjectRelation ?? "" };
    const isItself = user.type === resource.type && user.relation === permission;
    return isItself || new Ways(this.#schema, user).lead(resource.type, permission);
  }

  requireDecided(tree: ExpandTree, asked: NonNullable<LookupSubjects["context"]>): void {
    const contexts = new Map<Caveat, ReadContext>();
    const require = (of: ExpandTree["of"], use: NonNullable<Relationship["caveat"]>): void => {
      const caveat = this.#caveat(use.name);
      if (caveat === null) return;
      const known = contexts.get(caveat) ?? caveat.readContext(asked, "asked");
      contexts.set(caveat, known);
      const stored = caveat.readContext(use.context ?? {}, "stored");
      const result = caveat.evaluate(stored, known);
      const object = printUser({ type: of.type, id: of.id });
      if (result.value === "unknown") throw missingContext(object, result.missing);
      if (result.value === "error") {
        const reason = `'${use.name}' - ${result.reason}`;
        throw invalid(`failed to evaluate relationship condition: ${reason}`);
      }
    };
    const trees = [tree];
    for (let next = trees.pop(); next !== undefined; next = trees.pop()) {
      if (next.caveat !== undefined) require(next.of, next.caveat);
      if (next.kind === "leaf") {
        for (const { caveat } of next.subjects) if (caveat !== undefined) require(next.of, caveat);
      } else if (next.kind !== "computed") trees.push(...next.children);
    }
  }

  #caveat(name: string): Caveat | null {
    const known = this.#caveats.get(name);
    if (known !== undefined) return known;
    const definition = this.#schema.caveats.get(name);
    const caveat =
      definition === undefined ? null : compileCaveat(definition, "openfga", this.#limits).caveat;
    this.#caveats.set(name, caveat);
    return caveat;
  }
}

interface Place {
  readonly type: string;
  readonly relation: string;
}

/** On a tuple that is read for the relation, in whatever part of its definition. */
function hasConditions(schema: Schema, { type, relation }: Place): boolean {
  const graph = reachGraph(schema);
  const start = graph.id(type, relation);
  if (start === undefined) return false;
  const reached = graph.from([start], (node) => [...node.draws, ...node.subtracts, ...node.over]);
  return [...reached].some((id) =>
    graph.node(id).definition?.allowed.some(({ caveat }) => caveat !== null),
  );
}

/**
 * Whether users of a kind can have a relation at all, as OpenFGA finds it out before it reads
 * anything: of an intersection by the first operand alone, of an exclusion by what it takes from.
 */
class Ways {
  readonly #schema: Schema;
  readonly #user: Place;
  readonly #seen = new Set<string>();

  constructor(schema: Schema, user: Place) {
    this.#schema = schema;
    this.#user = user;
  }

  lead(type: string, relation: string): boolean {
    const places: Place[] = [{ type, relation }];
    for (let next = places.pop(); next !== undefined; next = places.pop()) {
      const key = `${next.type}#${next.relation}`;
      const definition = this.#schema.types.get(next.type)?.relations.get(next.relation);
      if (definition === undefined || this.#seen.has(key)) continue;
      this.#seen.add(key);
      const found = this.#follow(definition.rewrite, next);
      if (found.some(({ type: of, relation: name }) => this.#isUser(of, name))) return true;
      places.push(...found.filter(({ relation: name }) => name !== ""));
    }
    return false;
  }

  #isUser(type: string, relation: string): boolean {
    return type === this.#user.type && relation === this.#user.relation;
  }

  /** What it draws its users from; without a relation: objects of a type, or everybody. */
  #follow(expression: Expression, at: Place): Place[] {
    switch (expression.kind) {
      case "this":
        return this.#allowed(at).flatMap(({ type, relation, wildcard }) => [
          { type, relation: relation ?? "" },
          ...(wildcard && type === this.#user.type ? [this.#user] : []),
        ]);
      case "relation":
        return [{ type: at.type, relation: expression.name }];
      case "arrow": {
        const { target } = expression;
        const relation = target.kind === "relation" ? target.name : "";
        const over = this.#allowed({ type: at.type, relation: expression.over });
        return over
          .filter(({ type }) => this.#schema.types.get(type)?.relations.has(relation) === true)
          .map(({ type }) => ({ type, relation }));
      }
      case "union":
        return expression.operands.flatMap((operand) => this.#follow(operand, at));
      case "intersection":
        return expression.operands.slice(0, 1).flatMap((operand) => this.#follow(operand, at));
      case "exclusion":
        return this.#follow(expression.base, at);
      case "self":
      case "nil":
        return [];
      default:
        return unreachable(expression);
    }
  }

  #allowed({ type, relation }: Place) {
    return this.#schema.types.get(type)?.relations.get(relation)?.allowed ?? [];
  }
}
