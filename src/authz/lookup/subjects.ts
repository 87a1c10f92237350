import type { FoundSubject, LookupPage, LookupSubjects } from "../../model/authz.ts";
import { wildcardId } from "../../model/relationship.ts";
import { type Asked, type AskOptions, ask, objectOf, rightOf, typeOf } from "../ask.ts";
import { checkRight, missingOf } from "../check/check.ts";
import type { Right } from "../check/evaluation.ts";
import { no, type Tri, unknown } from "../check/verdict.ts";
import type { OverlayEdge } from "../graph/overlay.ts";
import { compareBytes } from "../order.ts";
import { requireRelation } from "../schema/place.ts";
import type { Expression } from "../schema/schema.ts";
import type { Tenant } from "../tenant.ts";
import { pageSize, questionOf } from "./page.ts";

/**
 * The subjects of a type that have a right on an object: a wildcard first, with those it does not
 * hold for, then by id. Whoever is named anywhere on the way is checked, and so is somebody whom
 * nothing names, which tells whether everybody has it; so this and `check` are of one opinion on
 * all whom it comes upon.
 */
export function lookupSubjects(
  tenant: Tenant,
  request: LookupSubjects,
  options: AskOptions,
): LookupPage<FoundSubject> | Promise<LookupPage<FoundSubject>> {
  const size = pageSize(request.limit, tenant.limits.authzPage);
  const question = questionOf("subjects", request);
  const place = request.after === undefined ? null : tenant.readCursor(question, request.after);
  return ask(tenant, request, {
    ...options,
    ...(place === null ? {} : { revision: place.revision }),
    answer(asked) {
      const search = new Search(asked, request);
      const all = search.run();
      const after = place?.at;
      const rest =
        after === undefined
          ? all
          : all.filter(
              ({ id }) =>
                id !== wildcardId && (after === wildcardId || compareBytes(id, after) > 0),
            );
      const items: FoundSubject[] = [];
      for (const candidate of rest) {
        if (items.length > size) break;
        const found = search.check(candidate);
        if (found !== null) items.push(found);
      }
      const more = items.length > size;
      if (more) items.pop();
      const last = items.at(-1);
      const next =
        more && last !== undefined
          ? tenant.zookies.makeCursor(question, { revision: asked.revision, at: last.id })
          : null;
      return { items, next, zookie: asked.zookie };
    },
  });
}

interface Candidate {
  readonly object: number;
  readonly id: string;
}

/** The id of somebody whom no relationship names. No object can have it: ids have no white space. */
const nobody = " nobody ";

class Search {
  readonly #asked: Asked;
  readonly #right: Right;
  readonly #object: number;
  readonly #type: number;
  readonly #relation: number;
  readonly #named = new Set<number>();
  readonly #seen = new Set<number>();
  readonly #objects: number[] = [];
  readonly #rights: Right[] = [];
  #candidates: readonly Candidate[] = [];
  #wildcard: Tri = no;
  #wildcardMissing: readonly string[] = [];

  constructor(asked: Asked, request: LookupSubjects) {
    this.#asked = asked;
    this.#right = rightOf(asked, request.resource.type, request.permission);
    this.#object = objectOf(asked, request.resource);
    this.#type = typeOf(asked, request.subjectType);
    const { subjectRelation } = request;
    if (subjectRelation !== undefined) {
      requireRelation(asked.schema.schema, { type: request.subjectType, name: subjectRelation });
    }
    this.#relation = subjectRelation === undefined ? 0 : asked.graph.names.number(subjectRelation);
  }

  /** @returns whom to check, a wildcard first. */
  run(): readonly Candidate[] {
    const { evaluation, overlay } = this.#asked;
    this.#walk();
    this.#candidates = [...this.#named]
      .map((object) => ({ object, id: evaluation.idOf(object) }))
      .sort((a, b) => compareBytes(a.id, b.id));
    const wildcard = this.#candidates.find(({ id }) => id === wildcardId);
    if (wildcard === undefined || this.#relation !== 0) return this.#candidates;
    const stranger = overlay.object(this.#type, nobody);
    this.#wildcard = this.#value(stranger);
    this.#wildcardMissing = missingOf(this.#asked, this.#wildcard);
    const others = this.#candidates.filter(({ id }) => id !== wildcardId);
    this.#candidates = others;
    return this.#wildcard === no ? others : [wildcard, ...others];
  }

  /** Null: it has not got it. */
  check({ object, id }: Candidate): FoundSubject | null {
    if (id === wildcardId && this.#relation === 0) return this.#everybody();
    const value = this.#value(object);
    return value === no ? null : describe(id, value, missingOf(this.#asked, value));
  }

  #value(object: number): Tri {
    const { evaluation } = this.#asked;
    evaluation.setSubject({ object, type: this.#type, relation: this.#relation });
    return checkRight(this.#asked, this.#right, this.#object);
  }

  /** Everybody but those who are named and have less. */
  #everybody(): FoundSubject {
    const excluded: FoundSubject[] = [];
    for (const { object, id } of this.#candidates) {
      const value = this.#value(object);
      if (value === no) excluded.push(describe(id, "no", []));
      else if (value === unknown && this.#wildcard !== unknown) {
        excluded.push(describe(id, value, missingOf(this.#asked, value)));
      }
    }
    return { ...describe(wildcardId, this.#wildcard, this.#wildcardMissing), excluded };
  }

  /** Collects everybody of the type who is named in anything the right is made of. */
  #walk(): void {
    this.#reach(this.#right, this.#object);
    for (let right = this.#rights.pop(); right !== undefined; right = this.#rights.pop()) {
      this.#follow(right, this.#objects.pop() as number); // pushed together
    }
  }

  #reach(right: Right, object: number): void {
    const key = object * 65_536 + right.relation;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    if (this.#relation === right.relation && this.#type === right.type) this.#named.add(object);
    this.#objects.push(object);
    this.#rights.push(right);
  }

  #follow(right: Right, object: number): void {
    const { schema, graph, evaluation } = this.#asked;
    const visit = (expression: Expression): void => {
      switch (expression.kind) {
        case "this":
          this.#stored(right, object);
          return;
        case "relation": {
          const part = schema.find(right.type, graph.names.number(expression.name));
          if (part !== undefined) this.#reach(part, object);
          return;
        }
        case "arrow": {
          if (expression.target.kind !== "relation") return;
          const target = graph.names.number(expression.target.name);
          const over = graph.names.number(expression.over);
          this.#eachSubject(object, over, (subject) => {
            const to = schema.find(evaluation.typeOf(subject), target);
            if (to !== undefined) this.#reach(to, subject);
          });
          return;
        }
        case "union":
        case "intersection":
          expression.operands.forEach(visit);
          return;
        case "exclusion":
          visit(expression.base);
          visit(expression.subtract);
          return;
        case "self":
          if (right.type === this.#type && this.#relation === 0) this.#named.add(object);
          return;
        case "nil":
          return;
      }
    };
    visit(right.definition.rewrite);
  }

  #stored(right: Right, object: number): void {
    const { schema, evaluation } = this.#asked;
    this.#eachSubject(object, right.relation, (subject, relation) => {
      const type = evaluation.typeOf(subject);
      if (type === this.#type && relation === this.#relation) this.#named.add(subject);
      if (relation === 0) return;
      const userset = schema.find(type, relation);
      if (userset !== undefined) this.#reach(userset, subject);
    });
  }

  /** Every subject of an object by a relation, allowed or not: what does not count fails its check. */
  #eachSubject(
    object: number,
    relation: number,
    take: (subject: number, relation: number) => void,
  ): void {
    const { graph, evaluation, overlay, revision } = this.#asked;
    if (!evaluation.has(object, relation)) return;
    const node = graph.findNode(object, relation);
    if (node !== 0) {
      for (const first of [graph.firstPlain(node), graph.firstUserset(node)]) {
        for (let edge = first; edge !== 0; edge = graph.nextForward(edge)) {
          evaluation.spend();
          if (!graph.holdsAt(edge, revision)) continue;
          if ((graph.extraOf(edge)?.expiresAt ?? Number.POSITIVE_INFINITY) <= evaluation.now)
            continue;
          const subject = graph.subjectOf(edge);
          take(graph.objectOf(subject), graph.relationOf(subject));
        }
      }
    }
    if (!overlay.hasEdges) return;
    for (const edge of overlay.forward(object, relation)) takeOverlay(edge, take);
  }
}

function takeOverlay(edge: OverlayEdge, take: (subject: number, relation: number) => void): void {
  take(edge.subjectObject, edge.subjectRelation);
}

function describe(id: string, value: Tri | "no", missing: readonly string[]): FoundSubject {
  return { id, verdict: value === unknown ? "conditional" : "yes", missing };
}
