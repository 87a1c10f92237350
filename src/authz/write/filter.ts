import { fail } from "../../model/errors.ts";
import type { ObjectRef, RelationshipFilter } from "../../model/relationship.ts";
import type { TupleRow } from "../../store/relations.ts";
import type { Graph } from "../graph/graph.ts";
import type { Walk } from "./work.ts";

/** Refuses a filter that says nothing, or something that cannot be. */
export function checkFilter(filter: RelationshipFilter): void {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  if (given.length === 0) throw fail("invalid-filter", { reason: "it has no field" });
  for (const [name, value] of given) {
    if (!filterFields.has(name)) throw fail("invalid-filter", { reason: `${name} is no field` });
    const isText = typeof value === "string" && value !== "";
    if (isText || (name === "subjectRelation" && value === null)) continue;
    throw fail("invalid-filter", { reason: `${name} is not text` });
  }
  if (filter.resourceId !== undefined && filter.resourceIdPrefix !== undefined) {
    throw fail("invalid-filter", { reason: "an id and a prefix of ids exclude each other" });
  }
}

const filterFields: ReadonlySet<string> = new Set([
  "resourceType",
  "resourceId",
  "resourceIdPrefix",
  "relation",
  "subjectType",
  "subjectId",
  "subjectRelation",
  "caveat",
] satisfies (keyof RelationshipFilter)[]);

/** What has the object as resource, and what has it as subject. */
export function filtersOf({ type, id }: ObjectRef): [RelationshipFilter, RelationshipFilter] {
  return [
    { resourceType: type, resourceId: id },
    { subjectType: type, subjectId: id },
  ];
}

export function describeFilter(filter: RelationshipFilter): string {
  return Object.entries(filter)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value === null ? "none" : JSON.stringify(value)}`)
    .join(", ");
}

export function matches(filter: RelationshipFilter, row: TupleRow): boolean {
  const {
    resourceType,
    resourceId,
    resourceIdPrefix,
    relation,
    subjectType,
    subjectId,
    subjectRelation,
    caveat,
  } = filter;
  return (
    (resourceType === undefined || row.resourceType === resourceType) &&
    (resourceId === undefined || row.resourceId === resourceId) &&
    (resourceIdPrefix === undefined || row.resourceId.startsWith(resourceIdPrefix)) &&
    (relation === undefined || row.relation === relation) &&
    (subjectType === undefined || row.subjectType === subjectType) &&
    (subjectId === undefined || row.subjectId === subjectId) &&
    (subjectRelation === undefined || row.subjectRelation === (subjectRelation ?? "")) &&
    (caveat === undefined || row.caveat === caveat)
  );
}

/**
 * Relationships that hold and match a filter, found from whichever end it names. Ends early when the
 * work is exceeded.
 */
export function* matchingEdges(
  graph: Graph,
  filter: RelationshipFilter,
  walk: Walk,
): Iterable<number> {
  const numbers = numbersOf(graph, filter);
  if (numbers === null) return;
  const match = { filter, numbers };
  for (const edge of candidates(graph, match, walk)) {
    const hasEnded = graph.deletedAt(edge) !== Number.POSITIVE_INFINITY;
    if ((!hasEnded || walk.countsEnded) && !walk.work.look()) return;
    if (!hasEnded && edgeMatches(graph, edge, match)) yield edge;
  }
}

/** The names of a filter as numbers; undefined where it has none. */
interface Numbers {
  readonly resourceType: number | undefined;
  readonly relation: number | undefined;
  readonly subjectType: number | undefined;
  readonly subjectRelation: number | undefined;
  readonly caveat: number | undefined;
}

/** Null: it names something that no relationship has. */
function numbersOf(graph: Graph, filter: RelationshipFilter): Numbers | null {
  let known = true;
  const number = (name: string | null | undefined): number | undefined => {
    if (name === undefined) return undefined;
    const found = graph.names.find(name ?? "");
    if (found === undefined) known = false;
    return found;
  };
  const numbers = {
    resourceType: number(filter.resourceType),
    relation: number(filter.relation),
    subjectType: number(filter.subjectType),
    subjectRelation: number(filter.subjectRelation),
    caveat: number(filter.caveat),
  };
  return known ? numbers : null;
}

interface Match {
  readonly filter: RelationshipFilter;
  readonly numbers: Numbers;
}

function edgeMatches(graph: Graph, edge: number, { filter, numbers }: Match): boolean {
  const [resource, subject] = [graph.resourceOf(edge), graph.subjectOf(edge)];
  const [from, to] = [graph.objectOf(resource), graph.objectOf(subject)];
  const { objects } = graph;
  return (
    agrees(numbers.relation, graph.relationOf(resource)) &&
    agrees(numbers.subjectRelation, graph.relationOf(subject)) &&
    agrees(numbers.resourceType, objects.type(from)) &&
    agrees(numbers.subjectType, objects.type(to)) &&
    (filter.resourceId === undefined || objects.id(from) === filter.resourceId) &&
    (filter.resourceIdPrefix === undefined ||
      objects.id(from).startsWith(filter.resourceIdPrefix)) &&
    (filter.subjectId === undefined || objects.id(to) === filter.subjectId) &&
    agrees(numbers.caveat, graph.extraOf(edge)?.caveat ?? 0)
  );
}

function agrees(wanted: number | undefined, actual: number): boolean {
  return wanted === undefined || wanted === actual;
}

/** Versions of relationships among which is all that matches. */
function* candidates(graph: Graph, { filter, numbers }: Match, walk: Walk): Iterable<number> {
  const { resourceId, subjectId } = filter;
  const { resourceType, relation, subjectType, subjectRelation } = numbers;
  if (resourceId === undefined && subjectId === undefined) {
    yield* edgesOfType(graph, { filter, numbers }, walk);
    return;
  }
  const resources = { type: resourceType, id: resourceId ?? "", relation };
  const subjects = { type: subjectType, id: subjectId ?? "", relation: subjectRelation };
  if (resourceId === undefined) {
    for (const node of nodesById(graph, subjects, walk)) yield* reverseEdges(graph, node);
    return;
  }
  for (const node of nodesById(graph, resources, walk)) {
    if (subjectId === undefined) {
      yield* forwardEdges(graph, node);
      continue;
    }
    // Where both ends are named, whoever has many relationships needs not be gone through.
    for (const subject of nodesById(graph, subjects, walk)) {
      const edge = graph.findEdge(node, subject);
      if (edge !== 0) yield edge;
    }
  }
}

/** Of a type, or of all, as no id is named. */
function* edgesOfType(graph: Graph, { filter, numbers }: Match, walk: Walk): Iterable<number> {
  const { resourceIdPrefix: prefix } = filter;
  const { resourceType, relation } = numbers;
  const { objects } = graph;
  for (const type of resourceType === undefined ? graph.names.all() : [resourceType]) {
    for (const object of objects.places(type)) {
      if (object === 0 && !walk.countsEnded) continue;
      const isFound =
        object !== 0 && (prefix === undefined || objects.id(object).startsWith(prefix));
      let isEmpty = true;
      if (isFound) {
        for (const node of nodesOf(graph, object, { relation, walk })) {
          isEmpty = false;
          yield* forwardEdges(graph, node);
        }
      }
      // What has relationships is counted with them.
      if (isEmpty && !walk.work.look()) return;
    }
  }
}

interface End {
  /** Undefined: any. */
  readonly type: number | undefined;
  readonly id: string;
  /** Undefined: any. */
  readonly relation: number | undefined;
}

function* nodesById(graph: Graph, { type, id, relation }: End, walk: Walk): Iterable<number> {
  for (const each of type === undefined ? graph.names.all() : [type]) {
    if (!walk.work.look()) return;
    const object = graph.objects.find(each, id);
    if (object !== 0) yield* nodesOf(graph, object, { relation, walk });
  }
}

function* nodesOf(
  graph: Graph,
  object: number,
  { relation, walk }: { readonly relation: number | undefined; readonly walk: Walk },
): Iterable<number> {
  if (relation !== undefined) {
    const node = graph.findNode(object, relation);
    if (node !== 0) yield node;
    return;
  }
  for (const node of graph.nodesOf(object)) {
    if (node !== 0) yield node;
    else if (!walk.work.look()) return;
  }
}

function* forwardEdges(graph: Graph, node: number): Iterable<number> {
  for (const first of [graph.firstPlain(node), graph.firstUserset(node)]) {
    for (let edge = first; edge !== 0; edge = graph.nextForward(edge)) yield edge;
  }
}

function* reverseEdges(graph: Graph, node: number): Iterable<number> {
  for (let edge = graph.firstReverse(node); edge !== 0; edge = graph.nextReverse(edge)) yield edge;
}
