import type { ExpandAnswer, ExpandRequest, ExpandTree } from "../../model/authz.ts";
import { fail } from "../../model/errors.ts";
import type { Relationship, SubjectRef } from "../../model/relationship.ts";
import { type Asked, type AskOptions, ask, objectOf, rightOf } from "../ask.ts";
import type { Right } from "../check/evaluation.ts";
import { no } from "../check/verdict.ts";
import type { EdgeExtra } from "../graph/edge-traits.ts";
import type { Expression } from "../schema/schema.ts";
import type { Tenant } from "../tenant.ts";

type Of = ExpandTree["of"];
type LeafSubject = Extract<ExpandTree, { kind: "leaf" }>["subjects"][number];

/** Who has a right on an object, as the tree of its rewrite (Zanzibar, §2.4.5). */
export function expand(
  tenant: Tenant,
  request: ExpandRequest,
  options: AskOptions,
): ExpandAnswer | Promise<ExpandAnswer> {
  return ask(tenant, request, {
    ...options,
    answer(asked) {
      const right = rightOf(asked, request.resource.type, request.permission);
      const object = objectOf(asked, request.resource);
      const tree = new Expansion(asked, request.deep ?? false).right(right, object);
      return { tree, zookie: asked.zookie };
    },
  });
}

/** How many nodes one tree may have: shared groups are told again wherever they stand. */
const nodesMax = 100_000;

class Expansion {
  readonly #asked: Asked;
  readonly #deep: NonNullable<ExpandRequest["deep"]>;
  readonly #path = new Set<number>();
  #nodes = 0;

  constructor(asked: Asked, deep: NonNullable<ExpandRequest["deep"]>) {
    this.#asked = asked;
    this.#deep = deep;
  }

  right(right: Right, object: number): ExpandTree {
    const { schema } = this.#asked;
    const of = this.#of(object, right.relation);
    if (++this.#nodes > nodesMax) {
      throw fail("work-exceeded", { what: "The expansion", limit: "nodes", max: nodesMax });
    }
    const key = object * 65_536 + right.relation;
    // A circle adds nobody.
    if (this.#path.has(key)) return { kind: "leaf", of, subjects: [] };
    if (this.#path.size >= schema.depthMax) {
      const what = `${of.type}:${of.id}#${of.relation}`;
      throw fail("depth-exceeded", { what, max: schema.depthMax });
    }
    this.#path.add(key);
    const tree = this.#expression(right.definition.rewrite, { right, object, of });
    this.#path.delete(key);
    const isOther = tree.of.relation !== of.relation || tree.of.id !== of.id;
    return this.#deep === "rights" && isOther ? { kind: "union", of, children: [tree] } : tree;
  }

  #expression(expression: Expression, at: At): ExpandTree {
    const { right, object, of } = at;
    switch (expression.kind) {
      case "this":
        return this.#stored(right, object, of);
      case "relation": {
        const { schema, graph } = this.#asked;
        const relation = graph.names.number(expression.name);
        const part = schema.find(right.type, relation);
        if (part === undefined) return { kind: "leaf", of, subjects: [] };
        if (this.#deep !== false) return this.right(part, object);
        return { kind: "computed", of, usersets: [this.#of(object, relation)] };
      }
      case "arrow":
        return this.#arrow(expression, at);
      case "union":
      case "intersection": {
        const children = expression.operands.map((operand) => this.#expression(operand, at));
        return { kind: expression.kind, of, children };
      }
      case "exclusion": {
        const base = this.#expression(expression.base, at);
        const children = [base, this.#expression(expression.subtract, at)];
        return { kind: "exclusion", of, children };
      }
      case "self": {
        const { type, id } = of;
        return { kind: "leaf", of, subjects: [{ type, id }] };
      }
      case "nil":
        return { kind: "leaf", of, subjects: [] };
    }
  }

  #stored(right: Right, object: number, of: Of): ExpandTree {
    const subjects: LeafSubject[] = [];
    const below: ExpandTree[] = [];
    const { schema, evaluation } = this.#asked;
    this.#eachSubject(object, right, (subject, relation, extra) => {
      if (this.#isFalse(right, { object: subject, relation, extra })) return;
      subjects.push({ ...this.#subject(subject, relation), ...this.#caveat(extra) });
      if (this.#deep !== true || relation === 0) return;
      const userset = schema.find(evaluation.typeOf(subject), relation);
      if (userset === undefined) return;
      below.push({ ...this.right(userset, subject), ...this.#caveat(extra) });
    });
    const leaf: ExpandTree = { kind: "leaf", of, subjects };
    return below.length === 0 ? leaf : { kind: "union", of, children: [leaf, ...below] };
  }

  #arrow(arrow: Expression & { kind: "arrow" }, { right, object, of }: At): ExpandTree {
    const { schema, graph, evaluation } = this.#asked;
    const over = schema.find(right.type, graph.names.number(arrow.over));
    const name = arrow.target.kind === "relation" ? arrow.target.name : "";
    const target = graph.names.number(name);
    const usersets: Of[] = [];
    const children: ExpandTree[] = [];
    if (over !== undefined) {
      this.#eachSubject(object, over, (subject, relation, extra) => {
        const to = schema.find(evaluation.typeOf(subject), target);
        const isFalse = this.#isFalse(over, { object: subject, relation, extra });
        if (isFalse && !arrow.all) return;
        if (this.#deep !== false) {
          if (to !== undefined && !isFalse) {
            children.push({ ...this.right(to, subject), ...this.#caveat(extra) });
          } else if (arrow.all) children.push({ kind: "leaf", of, subjects: [] });
        } else usersets.push(this.#of(subject, target));
      });
    }
    if (this.#deep === false) return { kind: "computed", of, usersets, over: arrow.over };
    // Of none at all, all grants nothing.
    const kind = arrow.all && children.length > 0 ? "intersection" : "union";
    return { kind, of, children };
  }

  #eachSubject(
    object: number,
    right: Right,
    take: (subject: number, relation: number, extra: EdgeExtra | undefined) => void,
  ): void {
    const { graph, evaluation, overlay, revision } = this.#asked;
    if (!evaluation.has(object, right.relation)) return;
    const node = graph.findNode(object, right.relation);
    if (node !== 0) {
      for (const first of [graph.firstPlain(node), graph.firstUserset(node)]) {
        for (let edge = first; edge !== 0; edge = graph.nextForward(edge)) {
          evaluation.spend();
          if (!graph.holdsAt(edge, revision)) continue;
          const subject = graph.subjectOf(edge);
          const [of, relation] = [graph.objectOf(subject), graph.relationOf(subject)];
          const extra = graph.extraOf(edge);
          if (this.#counts(right, { object: of, relation, extra })) take(of, relation, extra);
        }
      }
    }
    if (!overlay.hasEdges) return;
    for (const { subjectObject, subjectRelation, extra } of overlay.forward(
      object,
      right.relation,
    )) {
      const end = { object: subjectObject, relation: subjectRelation, extra };
      if (this.#counts(right, end)) take(subjectObject, subjectRelation, extra);
    }
  }

  /** Whether its caveat is false with what is stored and what was asked with. */
  #isFalse(right: Right, { object, relation, extra }: End): boolean {
    const { evaluation } = this.#asked;
    const forms = right.allowed.forms(evaluation.keyOf(object, relation)) ?? [];
    return evaluation.extraValue(extra, forms, null) === no;
  }

  /** Whether the schema has a place for it, and its time is not over. */
  #counts(right: Right, subject: End): boolean {
    const { evaluation } = this.#asked;
    const key = evaluation.keyOf(subject.object, subject.relation);
    const forms = right.allowed.forms(key);
    return forms !== undefined && evaluation.isThere(subject.extra, forms);
  }

  #of(object: number, relation: number): Of {
    const { evaluation, graph } = this.#asked;
    return {
      type: graph.names.name(evaluation.typeOf(object)),
      id: evaluation.idOf(object),
      relation: graph.names.name(relation),
    };
  }

  #subject(object: number, relation: number): SubjectRef {
    const { type, id, relation: name } = this.#of(object, relation);
    return relation === 0 ? { type, id } : { type, id, relation: name };
  }

  #caveat(extra: EdgeExtra | undefined): { caveat?: NonNullable<Relationship["caveat"]> } {
    if (extra === undefined || extra.caveat === 0) return {};
    const name = this.#asked.graph.names.name(extra.caveat);
    return {
      caveat: extra.context === null ? { name } : { name, context: JSON.parse(extra.context) },
    };
  }
}

/** The subject of a relationship. */
interface End {
  readonly object: number;
  readonly relation: number;
  readonly extra: EdgeExtra | undefined;
}

interface At {
  readonly right: Right;
  readonly object: number;
  readonly of: Of;
}
