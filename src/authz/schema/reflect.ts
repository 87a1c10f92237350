/** A schema as plain data, and what follows from it without looking at any relationship. */
import { requireRelation } from "./place.ts";
import { type ReachGraph, type ReachNode, reachGraph } from "./reach.ts";
import type { AllowedSubject, RelationDefinition, Schema } from "./schema.ts";
import { caveatTypeText, expressionText, subjectText } from "./text.ts";

export interface ReflectedSchema {
  readonly types: readonly ReflectedType[];
  readonly caveats: readonly ReflectedCaveat[];
}

/** An OpenFGA relation that is stored and computed is in both lists. */
export interface ReflectedType {
  readonly name: string;
  readonly doc: string | null;
  readonly relations: readonly ReflectedRelation[];
  readonly permissions: readonly ReflectedPermission[];
}

export interface ReflectedRelation {
  readonly name: string;
  readonly doc: string | null;
  readonly subjects: readonly AllowedSubject[];
}

export interface ReflectedPermission {
  readonly name: string;
  readonly doc: string | null;
  /** In the words of the native language. */
  readonly expression: string;
  readonly annotation: readonly string[] | null;
}

export interface ReflectedCaveat {
  readonly name: string;
  readonly doc: string | null;
  readonly parameters: readonly { readonly name: string; readonly type: string }[];
  readonly expression: string;
}

/** A relation or permission of a type. */
export interface RelationRef {
  readonly type: string;
  readonly name: string;
  readonly kind: "relation" | "permission";
}

/** What the subjects of a permission may be. */
export interface SubjectKind {
  readonly type: string;
  /** Null: an object itself. */
  readonly relation: string | null;
  readonly wildcard: boolean;
}

/** In the order of the source. */
export function reflectSchema(schema: Schema): ReflectedSchema {
  const types = [...schema.types.values()].map(({ name, doc, relations }) => {
    const all = [...relations.values()];
    return {
      name,
      doc,
      relations: all.filter(isStored).map(reflectRelation),
      permissions: all.filter(isComputed).map(reflectPermission),
    };
  });
  const caveats = [...schema.caveats.values()].map(({ name, doc, parameters, expression }) => ({
    name,
    doc,
    parameters: Array.from(parameters, ([parameter, type]) => ({
      name: parameter,
      type: caveatTypeText(type),
    })),
    expression,
  }));
  return { types, caveats };
}

/**
 * The permissions that may change when relationships of the relation (or what the permission is
 * computed from) do. Throws `unknown-type` and `unknown-relation`.
 */
export function affectedPermissions(
  schema: Schema,
  ref: { readonly type: string; readonly name: string },
): readonly RelationRef[] {
  return affectedBy(schema, ref).filter(({ kind }) => kind === "permission");
}

/**
 * The same with the relations that take usersets of it. Without a name: all that objects of the type
 * themselves can be subjects of.
 */
export function affectedBy(
  schema: Schema,
  { type, name }: { readonly type: string; readonly name: string | null },
): readonly RelationRef[] {
  const graph = reachGraph(schema);
  const starts =
    name === null ? takersOf(graph, schema, type) : [idOf(graph, { schema, ref: { type, name } })];
  const users = graph.nodes.map((): number[] => []);
  for (const [id, node] of graph.nodes.entries()) {
    for (const used of everything(node)) users[used]?.push(id);
  }
  const found = new Set(starts);
  for (const id of found) for (const user of users[id] ?? []) found.add(user);
  const [start = -1] = name === null ? [] : starts;
  return refs(graph, { found, start });
}

/** What takes objects of a type as subjects, or everybody of it. */
function takersOf(graph: ReachGraph, schema: Schema, type: string): number[] {
  if (!schema.types.has(type)) requireRelation(schema, { type, name: "" });
  return [...graph.nodes.keys()].filter((id) => {
    const { definition, self, type: owner } = graph.node(id);
    if (self && owner === type) return true;
    return definition?.allowed.some((one) => one.type === type && one.relation === null) ?? false;
  });
}

/**
 * All that a permission is computed from, in the end: relations of this type and of others, and the
 * permissions in between. Throws `unknown-type` and `unknown-relation`.
 */
export function dependencies(
  schema: Schema,
  ref: { readonly type: string; readonly name: string },
): readonly RelationRef[] {
  const graph = reachGraph(schema);
  const start = idOf(graph, { schema, ref });
  return refs(graph, { found: graph.from([start], everything), start });
}

/**
 * What the subjects of a relation or permission can be at all, usersets on the way included. What
 * is excluded or lies outside an intersection is counted, so it may be more than the truth and is
 * never less. Throws `unknown-type` and `unknown-relation`.
 */
export function reachableSubjects(
  schema: Schema,
  ref: { readonly type: string; readonly name: string },
): readonly SubjectKind[] {
  const graph = reachGraph(schema);
  const found = new Map<string, SubjectKind>();
  const add = (kind: SubjectKind) =>
    found.set(subjectText({ ...kind, caveat: null, expiration: false }), kind);
  for (const id of graph.from([idOf(graph, { schema, ref })], ({ draws }) => draws)) {
    const { definition, self, type } = graph.node(id);
    if (self) add({ type, relation: null, wildcard: false });
    for (const subject of definition?.allowed ?? []) {
      add({ type: subject.type, relation: subject.relation, wildcard: subject.wildcard });
    }
  }
  return [...found.keys()].sort().flatMap((text) => found.get(text) ?? []);
}

/** Types whose objects, or usersets of them, can be subjects of anything in a type. Sorted. */
export function reachableTypes(schema: Schema, type: string): readonly string[] {
  const graph = reachGraph(schema);
  const names = [...(schema.types.get(type)?.relations.keys() ?? [])];
  const starts = names.flatMap((name) => graph.id(type, name) ?? []);
  const found = new Set<string>();
  for (const id of graph.from(starts, ({ draws }) => draws)) {
    const { definition, self, type: owner } = graph.node(id);
    if (self) found.add(owner);
    for (const subject of definition?.allowed ?? []) found.add(subject.type);
  }
  return [...found].sort();
}

function idOf(
  graph: ReachGraph,
  { schema, ref }: { schema: Schema; ref: { readonly type: string; readonly name: string } },
): number {
  requireRelation(schema, ref);
  return graph.id(ref.type, ref.name) ?? 0;
}

function everything({ draws, subtracts, over }: ReachNode): readonly number[] {
  return [...draws, ...subtracts, ...over];
}

/** Without the arrows in between and without the start; ordered by type and name. */
function refs(
  graph: ReachGraph,
  { found, start }: { found: ReadonlySet<number>; start: number },
): RelationRef[] {
  const all = [...found].flatMap((id): RelationRef[] => {
    const { type, name, definition } = graph.node(id);
    if (definition === null || id === start) return [];
    return [{ type, name, kind: isStored(definition) ? "relation" : "permission" }];
  });
  const key = ({ type, name }: RelationRef) => `${type}#${name}`;
  return all.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function isStored({ allowed, rewrite }: RelationDefinition): boolean {
  return allowed.length > 0 || rewrite.kind === "this";
}

function isComputed({ rewrite }: RelationDefinition): boolean {
  return rewrite.kind !== "this";
}

function reflectRelation({ name, doc, allowed }: RelationDefinition): ReflectedRelation {
  return { name, doc, subjects: allowed };
}

function reflectPermission(definition: RelationDefinition): ReflectedPermission {
  const { name, doc, rewrite, annotation } = definition;
  return { name, doc, expression: expressionText(rewrite), annotation: annotation ?? null };
}
