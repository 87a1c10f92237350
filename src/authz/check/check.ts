import type {
  CheckAnswer,
  CheckItem,
  CheckRequest,
  PermissionsAnswer,
  PermissionsRequest,
} from "../../model/authz.ts";
import { ExplainedError } from "../../model/denial.ts";
import { HoldfastError } from "../../model/errors.ts";
import { formatObject, formatSubject, wildcardId } from "../../model/relationship.ts";
import { type Asked, type AskOptions, ask, objectOf, rightOf, subjectOf, typeOf } from "../ask.ts";
import { scratchBase } from "../graph/overlay.ts";
import type { Tenant } from "../tenant.ts";
import type { Right } from "./evaluation.ts";
import type { Clock, Evaluator } from "./evaluator.ts";
import { subjectKey } from "./keys.ts";
import { Tracer } from "./tracer.ts";
import { type Tri, unknown, verdictOf } from "./verdict.ts";

/** May the subject? */
export function check(
  tenant: Tenant,
  request: CheckRequest,
  options: AskOptions & { readonly monotonic: () => number },
): CheckAnswer | Promise<CheckAnswer> {
  const tracer = request.explain === true ? new Tracer(options.monotonic) : undefined;
  return ask(tenant, request, {
    ...options,
    ...(tracer === undefined ? {} : { tracer }),
    answer(asked) {
      const value = tracer === undefined ? checkItem(asked, request) : explained(asked, request);
      const explanation = tracer?.tree ?? undefined;
      return {
        verdict: verdictOf(value),
        missing: missingOf(asked, value),
        zookie: asked.zookie,
        ...(explanation === undefined ? {} : { explanation }),
      };
    },
  });
}

/**
 * A check and nothing else, at what is durable, where everything that it names is in memory: with no
 * more work than the answer takes. Undefined: it has to be asked as a question.
 */
export function checkHead(
  tenant: Tenant,
  { resource, permission, subject }: CheckItem,
  clock: Clock,
): Tri | undefined {
  const { view, evaluation } = tenant;
  if (view.residency !== null || subject.id === wildcardId) return undefined;
  // It would pass for somebody whom nothing names.
  if (typeof subject.id !== "string") return undefined;
  const schema = tenant.headSchema();
  const { objects } = view.graph;
  const right = schema.byName(resource.type, permission);
  const type = schema.typeNumber(subject.type);
  if (right === undefined || type === undefined) return undefined;
  const relation =
    subject.relation === undefined ? 0 : schema.byName(subject.type, subject.relation)?.relation;
  const object = objects.find(right.type, resource.id);
  if (relation === undefined || object === 0) return undefined;
  // Whom nothing names has what everybody of the type has, and all of those share their answers.
  const of = objects.find(type, subject.id) || strangers + type;
  evaluation.beginHead({
    graph: view.graph,
    schema,
    revision: tenant.durable,
    clock,
    index: view.index,
    workMax: tenant.limits.authzWork,
  });
  const { cache } = view;
  if (cache !== null) {
    evaluation.subjectObject = of;
    evaluation.subjectKey = subjectKey(type, relation);
    const known = cache.find(evaluation, object, right.uid);
    if (known >= 0) return known as Tri; // what is not -1 is one
  }
  evaluation.setSubjectNumbers(of, type, relation);
  evaluation.reset();
  const value = evaluation.answer(right, object);
  cache?.put(evaluation, object, { uid: right.uid, value });
  return value;
}

/** Where the numbers begin that stand for all whom nothing names, one per type. */
const strangers = 0x7000_0000;

const nothing: readonly string[] = [];

export function missingOf({ evaluation }: Asked, value: Tri): readonly string[] {
  if (value !== unknown) return nothing;
  const names = evaluation.doubts.filter((doubt) => typeof doubt === "string");
  return [...new Set(names)].sort();
}

/** One check of a question that may have many. */
export function checkItem(asked: Asked, { resource, permission, subject }: CheckItem): Tri {
  const right = rightOf(asked, resource.type, permission);
  const object = objectOf(asked, resource);
  asked.evaluation.setSubject(subjectOf(asked, subject));
  return checkRight(asked, right, object);
}

/** The subject is set. */
export function checkRight(asked: Asked, right: Right, object: number): Tri {
  const { evaluation, view, overlay, tenant } = asked;
  const { cache } = view;
  const cacheable =
    cache !== null &&
    view.residency === null &&
    !overlay.hasEdges &&
    object < scratchBase &&
    evaluation.subjectObject < scratchBase;
  if (!cacheable) {
    evaluation.reset();
    return evaluation.answer(right, object);
  }
  const known = cache.find(evaluation, object, right.uid);
  if (known >= 0) return known as Tri; // what is not -1 is one
  evaluation.reset();
  const value = evaluation.answer(right, object);
  if (asked.revision === tenant.durable) cache.put(evaluation, object, { uid: right.uid, value });
  return value;
}

/** Evaluated from the beginning, so that there is a path to tell. */
function explained(asked: Asked, { resource, permission, subject }: CheckItem): Tri {
  const right = rightOf(asked, resource.type, permission);
  const object = objectOf(asked, resource);
  const { evaluation } = asked;
  const { tracer } = evaluation;
  evaluation.setSubject(subjectOf(asked, subject));
  evaluation.reset();
  if (tracer !== null) tracer.isCached = cacheOf(asked);
  const value = answerExplained(evaluation, right, object);
  if (tracer?.tree === null) {
    // The subject asked about is the userset itself.
    const what = `${formatObject(resource)}#${permission}@${formatSubject(subject)}`;
    tracer.leaf("permission", what, { value, note: "itself" });
  }
  return value;
}

/** What cannot be answered is told with how far it got. */
function answerExplained(evaluation: Evaluator, right: Right, object: number): Tri {
  const { tracer } = evaluation;
  try {
    return evaluation.answer(right, object);
  } catch (error) {
    tracer?.cutOff();
    if (!(error instanceof HoldfastError)) throw error;
    throw new ExplainedError(error.code, error.details, tracer?.tree ?? undefined);
  }
}

/** Looks for what plain checks have left: what is explained has rights of its own, and leaves nothing. */
function cacheOf({ evaluation, overlay, schemaId, tenant, view }: Asked): Tracer["isCached"] {
  const { cache } = view;
  const may = cache !== null && view.residency === null && !overlay.hasEdges;
  if (!may || evaluation.subjectObject >= scratchBase) return () => false;
  const schema = tenant.compiled(schemaId, { view, trace: false });
  return ({ object, type, relation }) => {
    const right = schema.find(type, relation);
    return (
      right !== undefined && object < scratchBase && cache.holds(evaluation, object, right.uid)
    );
  };
}

/** Everything that the subject has on one object. */
export function permissions(
  tenant: Tenant,
  request: PermissionsRequest,
  options: AskOptions,
): PermissionsAnswer | Promise<PermissionsAnswer> {
  return ask(tenant, request, {
    ...options,
    answer(asked) {
      const rights = asked.schema.ofType(typeOf(asked, request.resource.type));
      const object = objectOf(asked, request.resource);
      asked.evaluation.setSubject(subjectOf(asked, request.subject));
      const found = rights.map((right) => {
        const value = checkRight(asked, right, object);
        const name = right.definition.name;
        return { name, verdict: verdictOf(value), missing: missingOf(asked, value) };
      });
      return { permissions: found, zookie: asked.zookie };
    },
  });
}
