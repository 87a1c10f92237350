import { fail } from "../../model/errors.ts";
import type { RelationshipFilter } from "../../model/relationship.ts";
import type { TupleRow } from "../../store/relations.ts";
import type { Graph } from "../graph/graph.ts";

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
 * Versions of relationships that match a filter, old ones too: from whichever end the filter names
 * the fewest.
 */
export function* matchingEdges(graph: Graph, filter: RelationshipFilter): Iterable<number> {
  const numbers = numbersOf(graph, filter);
  if (numbers === null) return;
  const { subjectId, resourceId, subjectType } = filter;
  if (resourceId === undefined && subjectId !== undefined && subjectType !== undefined) {
    for (const edge of edgesOfSubject(graph, filter, numbers)) {
      if (edgeMatches(graph, edge, { filter, numbers })) yield edge;
    }
    return;
  }
  for (const object of resourceObjects(graph, filter, numbers)) {
    for (const node of nodesOf(graph, object, numbers.relation)) {
      for (const first of [graph.firstPlain(node), graph.firstUserset(node)]) {
        for (let edge = first; edge !== 0; edge = graph.nextForward(edge)) {
          if (edgeMatches(graph, edge, { filter, numbers })) yield edge;
        }
      }
    }
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

function* edgesOfSubject(
  graph: Graph,
  { subjectId }: RelationshipFilter,
  { subjectType, subjectRelation }: Numbers,
): Iterable<number> {
  const object = graph.objects.find(subjectType ?? 0, subjectId ?? "");
  if (object === 0) return;
  for (const node of nodesOf(graph, object, subjectRelation)) {
    for (let edge = graph.firstReverse(node); edge !== 0; edge = graph.nextReverse(edge)) {
      yield edge;
    }
  }
}

function* resourceObjects(
  graph: Graph,
  { resourceId }: RelationshipFilter,
  { resourceType }: Numbers,
): Iterable<number> {
  if (resourceId === undefined) {
    yield* graph.objects.all(resourceType);
    return;
  }
  const types = resourceType === undefined ? graph.names.all() : [resourceType];
  for (const type of types) {
    const object = graph.objects.find(type, resourceId);
    if (object !== 0) yield object;
  }
}

function* nodesOf(graph: Graph, object: number, relation: number | undefined): Iterable<number> {
  const relations = relation === undefined ? graph.names.all() : [relation];
  for (const number of relations) {
    const node = graph.findNode(object, number);
    if (node !== 0) yield node;
  }
}
