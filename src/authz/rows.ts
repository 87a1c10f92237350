import type { Relationship } from "../model/relationship.ts";
import type { TupleKey, TupleRow } from "../store/relations.ts";
import type { EdgeExtra } from "./graph/edge-traits.ts";
import type { Graph } from "./graph/graph.ts";
import { namesMax } from "./graph/objects.ts";

/*
 * A relationship has three forms: as callers write it, as the store keeps it (a row), and as the graph
 * has it (an edge). Here each is turned into the others.
 */

export function rowOf(relationship: Relationship, created: number): TupleRow {
  const { resource, relation, subject, caveat, expiresAt } = relationship;
  const context = caveat?.context;
  const hasContext = context !== undefined && Object.keys(context).length > 0;
  return {
    resourceType: resource.type,
    resourceId: resource.id,
    relation,
    subjectType: subject.type,
    subjectId: subject.id,
    subjectRelation: subject.relation ?? "",
    caveat: caveat?.name ?? "",
    context: hasContext ? JSON.stringify(context) : null,
    expiresAt: expiresAt ?? null,
    created,
    deleted: null,
  };
}

export function relationshipOfRow(row: TupleRow): Relationship {
  return {
    resource: { type: row.resourceType, id: row.resourceId },
    relation: row.relation,
    subject: {
      type: row.subjectType,
      id: row.subjectId,
      ...(row.subjectRelation === "" ? {} : { relation: row.subjectRelation }),
    },
    ...(row.caveat === "" ? {} : { caveat: caveatUse(row.caveat, row.context) }),
    ...(row.expiresAt === null ? {} : { expiresAt: row.expiresAt }),
  };
}

function caveatUse(name: string, context: string | null): NonNullable<Relationship["caveat"]> {
  return context === null ? { name } : { name, context: JSON.parse(context) };
}

export function relationshipOfEdge(graph: Graph, edge: number): Relationship {
  const extra = graph.extraOf(edge);
  const subject = graph.subjectOf(edge);
  const relation = graph.relationOf(subject);
  return {
    resource: objectOfNode(graph, graph.resourceOf(edge)),
    relation: graph.names.name(graph.relationOf(graph.resourceOf(edge))),
    subject: {
      ...objectOfNode(graph, subject),
      ...(relation === 0 ? {} : { relation: graph.names.name(relation) }),
    },
    ...(extra === undefined || extra.caveat === 0
      ? {}
      : { caveat: caveatUse(graph.names.name(extra.caveat), extra.context) }),
    ...(extra === undefined || extra.expiresAt === Number.POSITIVE_INFINITY
      ? {}
      : { expiresAt: extra.expiresAt }),
  };
}

function objectOfNode(graph: Graph, node: number): { type: string; id: string } {
  const object = graph.objectOf(node);
  return { type: graph.names.name(graph.objects.type(object)), id: graph.objects.id(object) };
}

export function keyOfEdge(graph: Graph, edge: number): TupleKey {
  const { resource, relation, subject } = relationshipOfEdge(graph, edge);
  return {
    resourceType: resource.type,
    resourceId: resource.id,
    relation,
    subjectType: subject.type,
    subjectId: subject.id,
    subjectRelation: subject.relation ?? "",
    created: graph.createdAt(edge),
  };
}

/** What an edge has besides its ends; undefined for most. */
export function extraOfRow(
  graph: Graph,
  { caveat, context, expiresAt }: Pick<TupleRow, "caveat" | "context" | "expiresAt">,
): EdgeExtra | undefined {
  if (caveat === "" && expiresAt === null) return undefined;
  return {
    caveat: caveat === "" ? 0 : graph.names.number(caveat),
    context,
    expiresAt: expiresAt ?? Number.POSITIVE_INFINITY,
  };
}

/** The names that a row has. */
export function* namesOfRow(row: TupleRow): Iterable<string> {
  yield row.resourceType;
  yield row.relation;
  yield row.subjectType;
  if (row.subjectRelation !== "") yield row.subjectRelation;
  if (row.caveat !== "") yield row.caveat;
}

/** Of all of them together. */
export function namesOfRows(rows: readonly TupleRow[]): Set<string> {
  const names = new Set<string>();
  for (const row of rows) for (const name of namesOfRow(row)) names.add(name);
  return names;
}

/** So many names one row has at most. */
export const namesPerRow = 5;

/** Whether the names of these rows can be given numbers. */
export function hasRoomFor({ names }: Graph, rows: readonly TupleRow[]): boolean {
  // Nearly always there is room, whatever the names are.
  if (names.size + rows.length * namesPerRow <= namesMax) return true;
  return names.hasRoom(namesOfRows(rows));
}

/** The nodes of a row, made where they are missing. */
export function nodesOfRow(graph: Graph, row: TupleKey): { resource: number; subject: number } {
  const { names, objects } = graph;
  const resourceObject = objects.add(names.number(row.resourceType), row.resourceId);
  const subjectObject = objects.add(names.number(row.subjectType), row.subjectId);
  return {
    resource: graph.addNode(resourceObject, names.number(row.relation)),
    subject: graph.addNode(subjectObject, names.number(row.subjectRelation)),
  };
}

/** The latest version of a relationship in a graph, alive or not; 0 if there is none. */
export function findEdge(graph: Graph, relationship: Relationship): number {
  const { resource, relation, subject } = relationship;
  const from = findNode(graph, resource, relation);
  const to = from === 0 ? 0 : findNode(graph, subject, subject.relation ?? "");
  return to === 0 ? 0 : graph.findEdge(from, to);
}

export function findNode(
  graph: Graph,
  { type, id }: { readonly type: string; readonly id: string },
  relation: string,
): number {
  const typeNumber = graph.names.find(type);
  const relationNumber = graph.names.find(relation);
  if (typeNumber === undefined || relationNumber === undefined) return 0;
  const object = graph.objects.find(typeNumber, id);
  return object === 0 ? 0 : graph.findNode(object, relationNumber);
}

export function isWildcard(graph: Graph, object: number): boolean {
  return graph.objects.wildcard(graph.objects.type(object)) === object;
}
