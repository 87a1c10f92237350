import type { Allowed, CompiledSchema, Evaluation, Right, Rule } from "./evaluation.ts";
import { subjectKey } from "./keys.ts";
import { tellEdge, tellOverlay } from "./told.ts";
import { both, either, no, type Tri, unknown, type Value, without, yes } from "./verdict.ts";

/*
 * What each kind of expression comes to. A rule is called with the numbers of one question in the
 * evaluation; it allocates nothing on its way.
 */

export const nothing: Rule = () => no;

/** The stored relationships of a right itself. */
export function direct(right: () => Right): Rule {
  return (evaluation, object) => {
    const self = right();
    if (!evaluation.has(object, self.relation)) return unknown;
    const node = evaluation.graph.findNode(object, self.relation);
    const mark = evaluation.doubts.length;
    let found: Value = no;
    if (node !== 0) {
      found = directStored(evaluation, node, self);
      if (found === yes) return evaluation.settle(mark, yes);
    } else if (self.allowed.usersets) {
      evaluation.dependOn(object);
    }
    if (evaluation.overlay?.hasEdges === true) {
      found = either(found, directOverlay(evaluation, object, self));
    }
    return evaluation.settle(mark, found);
  };
}

function directStored(evaluation: Evaluation, node: number, right: Right): Value {
  const { graph } = evaluation;
  const { allowed } = right;
  let found: Value = no;
  if (evaluation.subjectNode !== 0 || evaluation.wildcardNode !== 0) {
    found = probe(evaluation, node, right);
    if (found === yes) return yes;
  }
  if (!allowed.usersets || graph.firstUserset(node) === 0) {
    if (allowed.usersets) evaluation.dependOn(graph.objectOf(node));
    return found;
  }
  const { index, tracer } = evaluation;
  if (index !== null) {
    // Below groups in none of which the subject is, it is in none.
    const indexed = tracer?.inNone === true ? no : index.membership(evaluation, right, node);
    if (indexed !== undefined) {
      if (tracer !== null) walkIndexed(evaluation, node, { right, indexed });
      return either(found, indexed);
    }
  }
  evaluation.dependOn(graph.objectOf(node));
  for (let edge = graph.firstUserset(node); edge !== 0; edge = graph.nextForward(edge)) {
    evaluation.spend();
    found = either(found, usersetValue(evaluation, edge, allowed));
    if (found === yes) return yes;
  }
  return found;
}

/**
 * What the index says needs no way to it, and is told with one all the same, as far as there is one
 * within the depth. Whatever the walk comes to, the answer is what it is without an explanation.
 */
function walkIndexed(
  evaluation: Evaluation,
  node: number,
  { right, indexed }: { readonly right: Right; readonly indexed: Tri },
): void {
  const { graph, tracer, doubts } = evaluation;
  if (tracer === null) return;
  tracer.mark("indexed");
  const mark = doubts.length;
  const { inNone } = tracer;
  tracer.inNone = indexed === no;
  // What would not be told any more need not be walked.
  for (let edge = graph.firstUserset(node); edge !== 0 && !tracer.isFull; ) {
    evaluation.spend();
    if (usersetValue(evaluation, edge, right.allowed) === yes) break;
    edge = graph.nextForward(edge);
  }
  tracer.inNone = inNone;
  doubts.length = mark;
}

/** The subject itself, or everybody of its type. */
export function probe(evaluation: Evaluation, node: number, right: Right): Tri {
  const { graph, tracer } = evaluation;
  let found: Tri = no;
  for (let round = 0; round < 2; round++) {
    const subject = round === 0 ? evaluation.subjectNode : evaluation.wildcardNode;
    if (subject === 0) continue;
    const key = round === 0 ? evaluation.subjectKey : evaluation.wildcardKey;
    const forms = right.allowed.forms(key);
    if (forms === undefined) continue;
    const edge =
      evaluation.subjectRelation === 0
        ? graph.findPlainEdge(node, subject)
        : graph.findEdge(node, subject);
    if (edge === 0) continue;
    const value = evaluation.edgeValue(edge, forms);
    if (tracer !== null) tellEdge(evaluation, edge, { value, forms });
    found = either(found, value);
    if (found === yes) return yes;
  }
  return found;
}

function usersetValue(evaluation: Evaluation, edge: number, allowed: Allowed): Value {
  const { graph } = evaluation;
  const userset = graph.subjectOf(edge);
  const object = graph.objectOf(userset);
  const relation = graph.relationOf(userset);
  const type = graph.typeOf(userset);
  const forms = allowed.forms(subjectKey(type, relation));
  if (forms === undefined) return no;
  const mark = evaluation.doubts.length;
  const value = evaluation.versionValue(edge, forms);
  if (evaluation.tracer !== null) tellVersion(evaluation, edge, { value, forms });
  if (value === no) return no;
  const right = evaluation.schema.find(type, relation);
  const beyond = right === undefined ? no : evaluation.enter(right, object);
  return evaluation.settle(mark, both(value, beyond));
}

function directOverlay(evaluation: Evaluation, object: number, right: Right): Value {
  const { overlay, schema } = evaluation;
  let found: Value = no;
  for (const edge of overlay?.forward(object, right.relation) ?? []) {
    evaluation.spend();
    const { subjectObject, subjectRelation } = edge;
    const isSubject =
      subjectObject === evaluation.subjectObject && subjectRelation === evaluation.subjectRelation;
    const isWildcard =
      !isSubject && evaluation.wildcardObject === subjectObject && evaluation.wildcardKey >= 0;
    if (!isSubject && !isWildcard && subjectRelation === 0) continue;
    const type = evaluation.typeOf(subjectObject);
    const key = isWildcard
      ? evaluation.wildcardKey
      : isSubject
        ? evaluation.subjectKey
        : subjectKey(type, subjectRelation);
    const forms = right.allowed.forms(key);
    if (forms === undefined) continue;
    const mark = evaluation.doubts.length;
    let value: Value = evaluation.overlayValue(edge, forms);
    if (evaluation.tracer !== null) tellOverlay(evaluation, edge, { value, forms });
    if (value !== no && !isSubject && !isWildcard) {
      const of = schema.find(type, subjectRelation);
      const beyond = of === undefined ? no : evaluation.enter(of, subjectObject);
      value = evaluation.settle(mark, both(value, beyond));
    }
    found = either(found, value);
    if (found === yes) return yes;
  }
  return found;
}

/** Another right of the same object. */
export function computed(right: () => Right | undefined): Rule {
  return (evaluation, object) => {
    const of = right();
    if (of === undefined) return no;
    if (object === evaluation.subjectObject && of.relation === evaluation.subjectRelation) {
      return yes;
    }
    return of.rule(evaluation, object);
  };
}

export interface Arrow {
  /** The relation that it goes over. */
  readonly over: Right;
  /** What is asked of each object found there; undefined where its type has no such thing. */
  target(schema: CompiledSchema, type: number): Rule | undefined;
}

/** A right on any of the objects that a relation names. */
export function arrowToAny(arrow: () => Arrow): Rule {
  return (evaluation, object) => {
    const { over, target } = arrow();
    let found: Value = no;
    const mark = evaluation.doubts.length;
    if (!evaluation.has(object, over.relation)) return unknown;
    evaluation.dependOn(object);
    const { graph, schema } = evaluation;
    const node = graph.findNode(object, over.relation);
    if (node !== 0) {
      for (let list = 0; list < 2; list++) {
        const first = list === 0 ? graph.firstPlain(node) : graph.firstUserset(node);
        for (let edge = first; edge !== 0; edge = graph.nextForward(edge)) {
          evaluation.spend();
          found = either(found, arrowValue(evaluation, edge, { over, target }));
          if (found === yes) return evaluation.settle(mark, yes);
        }
      }
    }
    if (evaluation.overlay?.hasEdges !== true) return found;
    for (const edge of evaluation.overlay.forward(object, over.relation)) {
      evaluation.spend();
      const type = evaluation.typeOf(edge.subjectObject);
      const forms = over.allowed.forms(subjectKey(type, edge.subjectRelation));
      const rule = target(schema, type);
      if (forms === undefined || rule === undefined) continue;
      const before = evaluation.doubts.length;
      const value = evaluation.overlayValue(edge, forms);
      if (evaluation.tracer !== null) tellOverlay(evaluation, edge, { value, forms });
      if (value === no) continue;
      const beyond = rule(evaluation, edge.subjectObject);
      found = either(found, evaluation.settle(before, both(value, beyond)));
      if (found === yes) return evaluation.settle(mark, yes);
    }
    return found;
  };
}

function arrowValue(evaluation: Evaluation, edge: number, { over, target }: Arrow): Value {
  const { graph, schema } = evaluation;
  const subject = graph.subjectOf(edge);
  const object = graph.objectOf(subject);
  const type = graph.typeOf(subject);
  const rule = target(schema, type);
  const forms = over.allowed.forms(subjectKey(type, graph.relationOf(subject)));
  if (forms === undefined || rule === undefined) return no;
  const mark = evaluation.doubts.length;
  const value = evaluation.versionValue(edge, forms);
  if (evaluation.tracer !== null) tellVersion(evaluation, edge, { value, forms });
  if (value === no) return no;
  return evaluation.settle(mark, both(value, rule(evaluation, object)));
}

/** A right on all of the objects that a relation names, of which there must be one. */
export function arrowToAll(arrow: () => Arrow): Rule {
  return (evaluation, object) => {
    const { over, target } = arrow();
    if (!evaluation.has(object, over.relation)) return unknown;
    evaluation.dependOn(object);
    const mark = evaluation.doubts.length;
    const { graph, schema } = evaluation;
    let all: Value = yes;
    let some = false;
    // One that is there and whose caveat is false grants nothing, and so not all of them grant.
    const take = (value: Tri, type: number, of: number): boolean => {
      some = true;
      const rule = target(schema, type);
      all = both(all, rule === undefined ? no : both(value, rule(evaluation, of)));
      evaluation.settle(mark, all);
      return all !== no;
    };
    const node = graph.findNode(object, over.relation);
    if (node !== 0 && !eachEdge(evaluation, node, { over, take })) return no;
    if (evaluation.overlay?.hasEdges === true) {
      for (const edge of evaluation.overlay.forward(object, over.relation)) {
        evaluation.spend();
        const type = evaluation.typeOf(edge.subjectObject);
        const forms = over.allowed.forms(subjectKey(type, edge.subjectRelation));
        if (forms === undefined || !evaluation.isThere(edge.extra, forms)) continue;
        const value = evaluation.overlayValue(edge, forms);
        if (evaluation.tracer !== null) tellOverlay(evaluation, edge, { value, forms });
        if (!take(value, type, edge.subjectObject)) return no;
      }
    }
    return some ? all : no;
  };
}

interface EachEdge {
  readonly over: Right;
  /** @returns whether to go on. */
  take(value: Tri, type: number, object: number): boolean;
}

/** @returns whether all were taken. */
function eachEdge(evaluation: Evaluation, node: number, { over, take }: EachEdge): boolean {
  const { graph } = evaluation;
  for (const first of [graph.firstPlain(node), graph.firstUserset(node)]) {
    for (let edge = first; edge !== 0; edge = graph.nextForward(edge)) {
      evaluation.spend();
      const subject = graph.subjectOf(edge);
      const object = graph.objectOf(subject);
      const type = graph.typeOf(subject);
      const forms = over.allowed.forms(subjectKey(type, graph.relationOf(subject)));
      if (forms === undefined || !graph.holdsAt(edge, evaluation.revision)) continue;
      if (!evaluation.isThere(graph.extraOf(edge), forms)) continue;
      const value = evaluation.versionValue(edge, forms);
      if (evaluation.tracer !== null) tellEdge(evaluation, edge, { value, forms });
      if (!take(value, type, object)) return false;
    }
  }
  return true;
}

export function union(operands: readonly Rule[]): Rule {
  const [first = nothing, second = nothing] = operands;
  if (operands.length === 1) return first;
  if (operands.length === 2) {
    return (evaluation, object) => {
      const mark = evaluation.doubts.length;
      const one = first(evaluation, object);
      const found = one === yes ? yes : either(one, second(evaluation, object));
      return evaluation.settle(mark, found);
    };
  }
  return (evaluation, object) => {
    const mark = evaluation.doubts.length;
    let found: Value = no;
    for (const operand of operands) {
      found = either(found, operand(evaluation, object));
      if (found === yes) break;
    }
    return evaluation.settle(mark, found);
  };
}

/** Where a circle was cut the search for a no that rests on none goes on. */
export function intersection(operands: readonly Rule[]): Rule {
  return (evaluation, object) => {
    const mark = evaluation.doubts.length;
    let all: Value = yes;
    for (const operand of operands) {
      const value = operand(evaluation, object);
      all = both(all, value);
      if (all === no) break;
    }
    return evaluation.settle(mark, all);
  };
}

/**
 * Where a circle was cut on the right of it, what is subtracted is not known in full. OpenFGA then
 * grants nothing, which is what the lower value comes to.
 */
export function exclusion(base: Rule, subtract: Rule): Rule {
  return (evaluation, object) => {
    const mark = evaluation.doubts.length;
    const granted = base(evaluation, object);
    if (granted === no) return no;
    return evaluation.settle(mark, without(granted, subtract(evaluation, object)));
  };
}

/** The object itself as a subject. */
export const self: Rule = (evaluation, object) =>
  evaluation.subjectRelation === 0 && object === evaluation.subjectObject ? yes : no;

/** Of a list, only what holds at the revision. */
function tellVersion(
  evaluation: Evaluation,
  edge: number,
  about: { readonly value: Tri; readonly forms: readonly number[] },
): void {
  if (evaluation.graph.holdsAt(edge, evaluation.revision)) tellEdge(evaluation, edge, about);
}
