import type { FoundResource, LookupPage, LookupResources } from "../../model/authz.ts";
import { type Asked, type AskOptions, ask, rightOf, subjectOf } from "../ask.ts";
import { checkRight, missingOf } from "../check/check.ts";
import type { CompiledSchema, Right } from "../check/evaluation.ts";
import { subjectKey } from "../check/keys.ts";
import { no, type Tri, unknown, yes } from "../check/verdict.ts";
import type { OverlayEdge } from "../graph/overlay.ts";
import type { Tenant } from "../tenant.ts";
import { inOrder, pageSize, questionOf } from "./page.ts";
import { type LookupPlan, planLookup } from "./plan.ts";
import { Seen } from "./seen.ts";

/**
 * The objects of a type on which a subject has a right, in order of their ids. Found by walking from
 * the subject backwards; where the way has more than unions each find is checked, so that this and
 * `check` are of one opinion. Only the depth is no bound here: to know it of each find would take a
 * check of each.
 */
export function lookupResources(
  tenant: Tenant,
  request: LookupResources,
  options: AskOptions,
): LookupPage<FoundResource> | Promise<LookupPage<FoundResource>> {
  const size = pageSize(request.limit, tenant.limits.authzPage);
  const question = questionOf("resources", request);
  const place = request.after === undefined ? null : tenant.readCursor(question, request.after);
  return ask(tenant, request, {
    ...options,
    ...(place === null ? {} : { revision: place.revision }),
    answer(asked) {
      const right = rightOf(asked, request.resourceType, request.permission);
      asked.evaluation.setSubject(subjectOf(asked, request.subject));
      asked.evaluation.reset();
      const plan = planLookup(right, asked.schema, asked.graph.names);
      const walk = new Walk(asked, plan, right);
      walk.run();
      const order = inOrder(walk.found, {
        idOf: (object) => asked.evaluation.idOf(object),
        after: place?.at ?? null,
      });
      const items: FoundResource[] = [];
      let more = false;
      for (const object of order) {
        const value = plan.exact ? yes : checkRight(asked, right, object);
        if (value === no) continue;
        if (items.length === size) {
          more = true;
          break;
        }
        items.push(describe(asked, object, value));
      }
      const last = items.at(-1);
      const next =
        more && last !== undefined
          ? tenant.zookies.makeCursor(question, { revision: asked.revision, at: last.id })
          : null;
      return { items, next, zookie: asked.zookie };
    },
  });
}

function describe(asked: Asked, object: number, value: Tri): FoundResource {
  const verdict = value === unknown ? "conditional" : "yes";
  return { id: asked.evaluation.idOf(object), verdict, missing: missingOf(asked, value) };
}

/** One walk from a subject back to all objects on which it may have the right. */
class Walk {
  readonly found: number[] = [];
  readonly #asked: Asked;
  readonly #plan: LookupPlan;
  readonly #target: Right;
  readonly #schema: CompiledSchema;
  readonly #seen: Seen;
  /** Pairs of an object and a right that it gives the subject, not followed yet. */
  readonly #objects: number[] = [];
  readonly #rights: Right[] = [];

  constructor(asked: Asked, plan: LookupPlan, target: Right) {
    this.#asked = asked;
    this.#plan = plan;
    this.#target = target;
    this.#schema = asked.schema;
    this.#seen = new Seen(asked.graph.objects.end);
  }

  run(): void {
    const { evaluation } = this.#asked;
    const { subjectObject, subjectRelation, subjectType } = evaluation;
    if (subjectRelation !== 0) {
      const own = this.#schema.find(subjectType, subjectRelation);
      if (own !== undefined) this.#reach(own, subjectObject);
    } else {
      for (const right of this.#plan.selves) {
        if (right.type === subjectType) this.#reach(right, subjectObject);
      }
    }
    this.#stored(subjectObject, subjectRelation, evaluation.subjectKey);
    if (evaluation.wildcardObject !== 0) {
      this.#stored(evaluation.wildcardObject, 0, evaluation.wildcardKey);
    }
    for (let right = this.#rights.pop(); right !== undefined; right = this.#rights.pop()) {
      this.#follow(right, this.#objects.pop() as number); // pushed together
    }
  }

  /** The subject has (or may have) this right on this object. */
  #reach(right: Right, object: number): void {
    if (!this.#seen.add(right, object)) return;
    if (right === this.#target) this.found.push(object);
    // Most finds lead nowhere else: documents are in no folder's viewers.
    if (right === this.#target && !this.#plan.leadsOn(right)) return;
    this.#objects.push(object);
    this.#rights.push(right);
  }

  #follow(right: Right, object: number): void {
    for (const other of this.#plan.computed(right)) this.#reach(other, object);
    // As a userset in stored relationships.
    this.#stored(object, right.relation, subjectKey(right.type, right.relation));
    const steps = this.#plan.arrows(right);
    if (steps.length > 0) this.#arrows(right, object);
  }

  /** Everything that has a subject in its stored relationships. */
  #stored(object: number, relation: number, key: number): void {
    const { graph, evaluation, overlay } = this.#asked;
    if (!evaluation.hasReverse(object, relation)) return;
    const node = graph.findNode(object, relation);
    for (let edge = node === 0 ? 0 : graph.firstReverse(node); edge !== 0; ) {
      evaluation.spend();
      const resource = graph.resourceOf(edge);
      const from = graph.objectOf(resource);
      const right = this.#plan.stored(graph.objects.type(from), graph.relationOf(resource));
      const forms = right?.allowed.forms(key);
      if (right !== undefined && forms !== undefined) {
        if (evaluation.versionValue(edge, forms) !== no) this.#reach(right, from);
      }
      edge = graph.nextReverse(edge);
    }
    if (!overlay.hasEdges) return;
    for (const edge of overlay.reverse(object, relation)) {
      evaluation.spend();
      const right = this.#plan.stored(this.#typeOf(edge), edge.resourceRelation);
      const forms = right?.allowed.forms(key);
      if (right === undefined || forms === undefined) continue;
      if (evaluation.overlayValue(edge, forms) !== no) this.#reach(right, edge.resourceObject);
    }
  }

  #typeOf(edge: OverlayEdge): number {
    return this.#asked.evaluation.typeOf(edge.resourceObject);
  }

  /** Everything that leads to this object by a relation over which an arrow asks for the right. */
  #arrows(right: Right, object: number): void {
    const { evaluation, overlay, graph } = this.#asked;
    const relations = this.#relationsOf(right.type, object);
    for (const relation of relations) {
      if (!evaluation.hasReverse(object, relation)) continue;
      const key = subjectKey(right.type, relation);
      const node = graph.findNode(object, relation);
      for (let edge = node === 0 ? 0 : graph.firstReverse(node); edge !== 0; ) {
        evaluation.spend();
        const resource = graph.resourceOf(edge);
        const from = graph.objectOf(resource);
        for (const { over, to } of this.#plan.arrows(right)) {
          if (over.relation !== graph.relationOf(resource)) continue;
          if (over.type !== graph.objects.type(from)) continue;
          const forms = over.allowed.forms(key);
          if (forms === undefined) continue;
          if (evaluation.versionValue(edge, forms) !== no) this.#reach(to, from);
        }
        edge = graph.nextReverse(edge);
      }
      if (!overlay.hasEdges) continue;
      for (const edge of overlay.reverse(object, relation)) {
        evaluation.spend();
        for (const { over, to } of this.#plan.arrows(right)) {
          if (over.relation !== edge.resourceRelation || over.type !== this.#typeOf(edge)) continue;
          const forms = over.allowed.forms(key);
          if (forms === undefined) continue;
          if (evaluation.overlayValue(edge, forms) !== no) this.#reach(to, edge.resourceObject);
        }
      }
    }
  }

  /** An arrow may go over usersets as well, of which it takes the object. */
  #relationsOf(type: number, object: number): readonly number[] {
    const { graph, view, overlay } = this.#asked;
    const relations = [0];
    for (const { relation } of this.#schema.ofType(type)) {
      const isThere =
        view.residency !== null ||
        graph.findNode(object, relation) !== 0 ||
        (overlay.hasEdges && overlay.reverse(object, relation).length > 0);
      if (isThere) relations.push(relation);
    }
    return relations;
  }
}
