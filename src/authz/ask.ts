import type { Question } from "../model/authz.ts";
import { fail } from "../model/errors.ts";
import {
  type ObjectRef,
  type Relationship,
  type SubjectRef,
  wildcardId,
} from "../model/relationship.ts";
import type { Budget } from "./budget.ts";
import type { CompiledSchema, Right } from "./check/evaluation.ts";
import type { Evaluator, Subject } from "./check/evaluator.ts";
import type { Tracer } from "./check/tracer.ts";
import type { EdgeExtra } from "./graph/edge-traits.ts";
import type { Graph } from "./graph/graph.ts";
import { Overlay } from "./graph/overlay.ts";
import { requireRelation } from "./schema/place.ts";
import type { Tenant } from "./tenant.ts";
import type { View } from "./view.ts";
import { checkObjectId, checkRelationship, checkSubject } from "./write/check-update.ts";

/** A question on its way: everything that its parts have in common. */
export interface Asked {
  readonly tenant: Tenant;
  readonly view: View;
  readonly graph: Graph;
  readonly schema: CompiledSchema;
  readonly schemaId: string;
  readonly revision: number;
  readonly overlay: Overlay;
  readonly evaluation: Evaluator;
  readonly zookie: string;
}

export interface AskOptions {
  readonly now: number;
  /** For explanations. */
  readonly tracer?: Tracer;
  /** Answers at this revision, which the asker may see though it is not durable. */
  readonly revision?: number;
  /** What pays for it, where it comes from outside. */
  readonly budget?: Budget;
}

/**
 * Answers a question at one revision, with one schema and one time. At once, unless something has to
 * become durable or has to be loaded first.
 */
export function ask<T>(
  tenant: Tenant,
  question: Question,
  options: AskOptions & { readonly answer: (asked: Asked) => T },
): T | Promise<T> {
  options.budget?.admit();
  const revision = options.revision ?? tenant.revisionFor(question.consistency);
  if (typeof revision === "number") return askAt(tenant, question, { ...options, revision });
  return revision.then((at) => {
    // Many may have waited for the same.
    options.budget?.admit();
    return askAt(tenant, question, { ...options, revision: at });
  });
}

function askAt<T>(
  tenant: Tenant,
  question: Question,
  options: AskOptions & {
    readonly revision: number;
    readonly answer: (asked: Asked) => T;
    /** From the round before. */
    readonly view?: View;
  },
): T | Promise<T> {
  // Also while it is loaded for: the history may be trimmed, and commits may be lost.
  tenant.requireKept(options.revision);
  const view = viewFor(tenant, options.view);
  const asked = begin(tenant, question, { ...options, view });
  const { budget } = options;
  const answer = budget === undefined ? options.answer(asked) : paid(asked, budget, options.answer);
  if (!asked.evaluation.incomplete) return answer;
  // What was found lacking is loaded, and all is asked again; each round gets further.
  const loaded = Promise.resolve(view.residency?.load());
  return loaded.then(() => askAt(tenant, question, { ...options, view }));
}

/**
 * A question keeps the view that it began with, so that each round gets further, even where others
 * have been given another view. Of what comes after the revision of the question that view need not
 * hear any more; only what is lost again would be wrong in it.
 */
function viewFor(tenant: Tenant, before: View | undefined): View {
  if (before?.residency?.isLost === false) return before;
  tenant.view.residency?.bound();
  return tenant.view;
}

/** What comes to nothing is paid for as well. */
function paid<T>(asked: Asked, budget: Budget, answer: (asked: Asked) => T): T {
  try {
    return answer(asked);
  } finally {
    budget.charge(asked.evaluation.work);
  }
}

function begin(
  tenant: Tenant,
  question: Question,
  options: AskOptions & { readonly revision: number; readonly view: View },
): Asked {
  const { limits, evaluation } = tenant;
  const { revision, now, tracer, view } = options;
  const { graph } = view;
  const schemaId = tenant.schemaIdAt(revision, question.schema);
  const schema = tenant.compiled(schemaId, { view, trace: tracer !== undefined });
  const overlay = new Overlay(graph);
  const { contextual, context } = question;
  if (context !== undefined) checkContext(context, limits.authzContext);
  const asked: Asked = {
    tenant,
    view,
    graph,
    schema,
    schemaId,
    revision,
    overlay,
    evaluation,
    zookie: tenant.zookies.make(revision),
  };
  if (contextual !== undefined) addContextual(asked, contextual);
  evaluation.begin({
    graph,
    schema,
    revision,
    now,
    overlay,
    context: context ?? null,
    index: view.index,
    tracer: tracer ?? null,
    residency: view.residency,
    workMax: limits.authzWork,
  });
  return asked;
}

function checkContext(context: object, max: number): void {
  const size = Buffer.byteLength(JSON.stringify(context));
  if (size > max) throw fail("too-large", { what: "The context of the question", size, max });
}

function addContextual(asked: Asked, contextual: readonly Relationship[]): void {
  const { tenant, schema, overlay, graph } = asked;
  const { limits } = tenant;
  const max = limits.authzContextual;
  if (contextual.length > max) {
    throw fail("too-many", { limit: "authzContextual", max, what: "one question" });
  }
  const caveat = (name: string) => tenant.caveatOf(schema.schema, name);
  for (const relationship of contextual) {
    checkRelationship(relationship, { schema: schema.schema, limits, caveat });
    const { resource, relation, subject } = relationship;
    const { names } = graph;
    overlay.add({
      resourceObject: numberOf(asked, names.number(resource.type), resource.id),
      resourceRelation: names.number(relation),
      subjectObject: numberOf(asked, names.number(subject.type), subject.id),
      subjectRelation: names.number(subject.relation ?? ""),
      extra: extraOf(graph, relationship),
    });
  }
}

function extraOf(graph: Graph, { caveat, expiresAt }: Relationship): EdgeExtra | undefined {
  if (caveat === undefined && expiresAt === undefined) return undefined;
  return {
    caveat: caveat === undefined ? 0 : graph.names.number(caveat.name),
    context: caveat?.context === undefined ? null : JSON.stringify(caveat.context),
    expiresAt: expiresAt ?? Number.POSITIVE_INFINITY,
  };
}

/** The right that a question names: `unknown-type`, `unknown-relation`. */
export function rightOf({ schema, graph }: Asked, type: string, name: string): Right {
  const typeNumber = graph.names.find(type);
  const nameNumber = graph.names.find(name);
  if (typeNumber !== undefined && nameNumber !== undefined) {
    const right = schema.find(typeNumber, nameNumber);
    if (right !== undefined) return right;
  }
  requireRelation(schema.schema, { type, name });
  throw fail("unknown-relation", { type, relation: name, suggestion: "" });
}

/** The number of an object in a question, for this question alone if nothing names it. */
export function objectOf(asked: Asked, { type, id }: ObjectRef): number {
  const { graph, schema, tenant } = asked;
  const number = typeOf(asked, type);
  const known = graph.objects.find(number, id);
  if (known !== 0) return known;
  if (id === wildcardId) throw fail("wildcard-asked", { what: `${type}:${id}` });
  const { dialect } = schema.schema;
  checkObjectId(
    { type, id },
    {
      limits: tenant.limits,
      dialect,
      what: `${type}:${String(id).slice(0, 256)}`,
      wildcard: false,
    },
  );
  return numberOf(asked, number, id);
}

/** Where not everything is in memory, an id that nothing names yet may be named by the store. */
function numberOf({ view, graph, overlay }: Asked, type: number, id: string): number {
  return view.residency === null ? overlay.object(type, id) : graph.objects.add(type, id);
}

/** The subject of a question. A wildcard may be one in OpenFGA alone. */
export function subjectOf(asked: Asked, subject: SubjectRef): Subject {
  const { graph, schema, tenant, view } = asked;
  const type = typeOf(asked, subject.type);
  const { dialect } = schema.schema;
  if (subject.relation !== undefined) {
    requireRelation(schema.schema, { type: subject.type, name: subject.relation });
  }
  const relation = subject.relation === undefined ? 0 : graph.names.number(subject.relation);
  // Where not everything is in memory, everybody of the type may be named by the store.
  if (view.residency !== null) graph.objects.add(type, wildcardId);
  let object = graph.objects.find(type, subject.id);
  if (object === 0 || subject.id === wildcardId) {
    const what = `${subject.type}:${String(subject.id).slice(0, 256)}`;
    const wildcard = dialect === "openfga";
    if (subject.id === wildcardId && !wildcard) throw fail("wildcard-asked", { what });
    checkSubject(subject, { limits: tenant.limits, dialect, what, wildcard });
  }
  if (object === 0) object = numberOf(asked, type, subject.id);
  return { object, type, relation };
}

export function typeOf({ schema, graph }: Asked, type: string): number {
  if (!schema.schema.types.has(type)) {
    requireRelation(schema.schema, { type, name: "" });
  }
  return graph.names.number(type);
}
