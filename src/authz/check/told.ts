import type { Explanation } from "../../model/authz.ts";
import type { CaveatContext } from "../../model/relationship.ts";
import type { EdgeExtra } from "../graph/edge-traits.ts";
import type { Graph } from "../graph/graph.ts";
import type { OverlayEdge } from "../graph/overlay.ts";
import type { ToldCaveat } from "./caveat-contexts.ts";
import type { Evaluation } from "./evaluation.ts";
import { formOf } from "./keys.ts";
import { no, type Tri, unknown, verdictOf, yes } from "./verdict.ts";

/*
 * How relationships and their caveats are told: in explanations, and in errors.
 */

/** A stored relationship and what it came to. */
export function tellEdge(
  evaluation: Evaluation,
  edge: number,
  { value, forms }: { readonly value: Tri; readonly forms: readonly number[] },
): void {
  const { graph, tracer } = evaluation;
  if (tracer === null) return;
  const extra = graph.extraOf(edge);
  const isThere = graph.holdsAt(edge, evaluation.revision);
  const counts = isThere && forms.includes(formOf(extra));
  const about = { value, isThere, counts, note: undefined };
  tellRelationship(evaluation, describeEdge(graph, edge), { ...about, extra });
}

/** One that the question brought. */
export function tellOverlay(
  evaluation: Evaluation,
  edge: OverlayEdge,
  { value, forms }: { readonly value: Tri; readonly forms: readonly number[] },
): void {
  const { extra } = edge;
  const about = { value, isThere: true, counts: forms.includes(formOf(extra)) };
  const what = describeOverlay(evaluation, edge);
  tellRelationship(evaluation, what, { ...about, extra, note: "contextual" });
}

interface Relationship {
  readonly value: Tri;
  readonly extra: EdgeExtra | undefined;
  /** At the revision. */
  readonly isThere: boolean;
  /** The schema has a place for it. */
  readonly counts: boolean;
  readonly note: string | undefined;
}

function tellRelationship(evaluation: Evaluation, what: string, about: Relationship): void {
  const { value, extra, isThere, counts } = about;
  const isAlive = extra === undefined || extra.expiresAt > evaluation.now;
  const caveat =
    extra === undefined || !isThere || !counts || !isAlive ? null : evaluation.toldCaveat(extra);
  const why = !isThere
    ? "not-there-then"
    : !counts
      ? "not-allowed"
      : !isAlive
        ? "expired"
        : caveat === null
          ? undefined
          : caveatNote(caveat, value);
  const note = [about.note, why].filter((one) => one !== undefined).join(", ");
  evaluation.tracer?.leaf("relationship", what, {
    value,
    ...(note === "" ? {} : { note }),
    ...(caveat === null ? {} : { children: [caveatNode(caveat, value)] }),
  });
}

function caveatNote({ name, outcome }: ToldCaveat, value: Tri): string {
  if (value === no) return `caveat ${name} is false`;
  if (value === yes) return `caveat ${name} is true`;
  return outcome.value === "error" ? `caveat ${name} failed` : `caveat ${name} needs more context`;
}

/** The expression of a caveat in an explanation; what is longer is cut. */
const expressionMax = 512;
/** One value that it was given, as JSON. */
const valueMax = 256;
/** All of them together. */
const valuesMax = 1_024;

function caveatNode({ name, expression, context, outcome }: ToldCaveat, value: Tri): Explanation {
  const text = cut(expression.replace(/\s+/g, " ").trim(), expressionMax);
  return {
    what: `${name}: ${text}`,
    kind: "caveat",
    verdict: verdictOf(value),
    ...(outcome.value === "error" ? { note: cut(outcome.error.message, expressionMax) } : {}),
    caveat: {
      name,
      expression: cut(expression, expressionMax),
      context: bounded(context),
      missing: value === unknown && outcome.value === "unknown" ? outcome.missing : [],
    },
    micros: 0,
    children: [],
  };
}

/** Values as they are, or the beginning of their JSON where that is long. */
function bounded(context: CaveatContext): CaveatContext {
  let left = valuesMax;
  const entries = Object.entries(context).map(([name, value]): [string, unknown] => {
    const text = JSON.stringify(value) ?? "null";
    const max = Math.min(valueMax, left);
    left -= Math.min(text.length, max);
    return [name, text.length <= max ? value : cut(text, max)];
  });
  // Parameters may have names that objects have of themselves.
  return Object.fromEntries(entries) as CaveatContext;
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, Math.max(0, max - 1)).toWellFormed()}…`;
}

/** `document:1#viewer@group:x#member`, as it is stored. */
export function describeEdge(graph: Graph, edge: number): string {
  return `${describeNode(graph, graph.resourceOf(edge))}@${describeNode(graph, graph.subjectOf(edge))}`;
}

export function describeOverlay(
  evaluation: Pick<Evaluation, "graph" | "typeOf" | "idOf">,
  edge: OverlayEdge,
): string {
  const resource = describeRight(evaluation, edge.resourceObject, edge.resourceRelation);
  return `${resource}@${describeRight(evaluation, edge.subjectObject, edge.subjectRelation)}`;
}

/** `document:1#view`, and `user:ada` where there is no relation. */
export function describeRight(
  evaluation: Pick<Evaluation, "graph" | "typeOf" | "idOf">,
  object: number,
  relation: number,
): string {
  const { names } = evaluation.graph;
  const text = `${names.name(evaluation.typeOf(object))}:${evaluation.idOf(object)}`;
  return relation === 0 ? text : `${text}#${names.name(relation)}`;
}

function describeNode(graph: Graph, node: number): string {
  const object = graph.objectOf(node);
  const text = `${graph.names.name(graph.objects.type(object))}:${graph.objects.id(object)}`;
  const relation = graph.relationOf(node);
  return relation === 0 ? text : `${text}#${graph.names.name(relation)}`;
}
