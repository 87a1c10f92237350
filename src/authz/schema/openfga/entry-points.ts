import { assert } from "../../../std/assert.ts";
import type { ModelRelation, ModelType, Rewrite } from "./model.ts";

/** By type and relation. Of types that stand twice the last one counts. */
export type TypeMap = ReadonlyMap<string, ReadonlyMap<string, ModelRelation>>;

export function typeMapOf(types: readonly ModelType[]): TypeMap {
  return new Map(
    types.map(({ name, relations }) => [
      name.text,
      new Map(relations.map((relation) => [relation.name.text, relation])),
    ]),
  );
}

/** Whether anybody can ever have a relation; if not, whether because its definition goes in circles. */
export interface EntryPoint {
  readonly has: boolean;
  readonly loop: boolean;
}

/**
 * The least solution of "somebody can have it": an object or wildcard that may be assigned is a
 * beginning, a union needs one side, everything else needs both. Linear in the size of the model.
 */
export function entryPoints(types: TypeMap): (relation: ModelRelation) => EntryPoint {
  const graph = new AndOrGraph();
  const relations = new Map<ModelRelation, number>();
  for (const byName of types.values()) {
    for (const relation of byName.values()) relations.set(relation, graph.node(1));
  }
  const nodes = new Map<Rewrite, number>();
  for (const [type, byName] of types) {
    for (const [relation, node] of entriesOf(byName, relations)) {
      graph.link(
        addRewrite(relation.rewrite, { graph, types, relations, nodes, type, relation }),
        node,
      );
    }
  }
  graph.solve();
  const has = (relation: ModelRelation): boolean => graph.isTrue(relations.get(relation) ?? -1);
  const loops = loopsOf(types, { has, holds: (rewrite) => graph.isTrue(nodes.get(rewrite) ?? -1) });
  return (relation) => ({ has: has(relation), loop: loops.has(relation) });
}

/** Relations whose definition refers to itself, over relations of the same object alone. */
export function cycles(types: TypeMap): ReadonlySet<ModelRelation> {
  const edges = new Map<ModelRelation, readonly ModelRelation[]>();
  for (const byName of types.values()) {
    for (const relation of byName.values()) {
      edges.set(relation, computedIn(relation.rewrite, { byName, follow: (children) => children }));
    }
  }
  return leadingToCycle(reversed(leadingToCycleEdges(edges)));
}

/** Nodes that become true when `need` of the nodes linked to them are. */
class AndOrGraph {
  readonly #need: number[] = [];
  readonly #dependents: number[][] = [];
  readonly #true: number[] = [];

  node(need: number): number {
    this.#need.push(need);
    this.#dependents.push([]);
    return this.#need.length - 1;
  }

  link(from: number, to: number): void {
    this.#dependents[from]?.push(to);
  }

  isTrue(node: number): boolean {
    return (this.#need[node] ?? 1) <= 0;
  }

  setTrue(node: number): void {
    if (this.isTrue(node)) return;
    this.#need[node] = 0;
    this.#true.push(node);
  }

  solve(): void {
    for (let next = this.#true.pop(); next !== undefined; next = this.#true.pop()) {
      for (const dependent of this.#dependents[next] ?? []) {
        const need = this.#need[dependent] ?? 0;
        if (need === 1) this.setTrue(dependent);
        else if (need > 1) this.#need[dependent] = need - 1;
      }
    }
  }
}

interface Building {
  readonly graph: AndOrGraph;
  readonly types: TypeMap;
  readonly relations: ReadonlyMap<ModelRelation, number>;
  readonly nodes: Map<Rewrite, number>;
  readonly type: string;
  readonly relation: ModelRelation;
}

function addRewrite(rewrite: Rewrite, building: Building): number {
  const node = addNode(rewrite, building);
  building.nodes.set(rewrite, node);
  return node;
}

function addNode(rewrite: Rewrite, building: Building): number {
  const { graph, types, type, relation } = building;
  switch (rewrite.kind) {
    case "this":
      return addDirect(building);
    case "computed":
      return addAny([types.get(type)?.get(rewrite.relation)], building);
    case "from": {
      const parents = types.get(type)?.get(rewrite.tupleset.text)?.restrictions ?? [];
      return addAny(
        parents.map((parent) => types.get(parent.type)?.get(rewrite.relation)),
        building,
      );
    }
    case "union":
    case "intersection": {
      const need = rewrite.kind === "union" ? 1 : rewrite.children.length;
      const node = graph.node(need);
      for (const child of rewrite.children) graph.link(addRewrite(child, building), node);
      return node;
    }
    case "difference": {
      const node = graph.node(2);
      graph.link(addRewrite(rewrite.base, building), node);
      graph.link(addRewrite(rewrite.subtract, building), node);
      return node;
    }
  }
  assert(false, `${relation.name.text} has a rewrite of an unknown kind`);
}

function addDirect(building: Building): number {
  const { restrictions } = building.relation;
  const node = addAny(
    restrictions.map(({ type, relation }) => building.types.get(type)?.get(relation ?? "")),
    building,
  );
  const assignable = restrictions.some(({ relation, wildcard }) => relation === null || wildcard);
  if (assignable) building.graph.setTrue(node);
  return node;
}

function addAny(
  targets: readonly (ModelRelation | undefined)[],
  { graph, relations }: Building,
): number {
  const node = graph.node(1);
  for (const target of targets) {
    const from = target === undefined ? undefined : relations.get(target);
    if (from !== undefined) graph.link(from, node);
  }
  return node;
}

function entriesOf(
  byName: ReadonlyMap<string, ModelRelation>,
  nodes: ReadonlyMap<ModelRelation, number>,
): readonly (readonly [ModelRelation, number])[] {
  return [...byName.values()].map((relation) => [relation, nodes.get(relation) ?? -1] as const);
}

/**
 * What fails fails in circles when the reason leads back to itself: all sides of a union are reasons,
 * of the others the first that fails.
 */
function loopsOf(
  types: TypeMap,
  known: { has(relation: ModelRelation): boolean; holds(rewrite: Rewrite): boolean },
): ReadonlySet<ModelRelation> {
  const edges = new Map<ModelRelation, readonly ModelRelation[]>();
  const firstFailing = (children: readonly Rewrite[], every: boolean): readonly Rewrite[] => {
    if (!every) return children;
    const first = children.find((child) => !known.holds(child));
    return first === undefined ? [] : [first];
  };
  for (const byName of types.values()) {
    for (const relation of byName.values()) {
      if (known.has(relation)) continue;
      edges.set(relation, computedIn(relation.rewrite, { byName, follow: firstFailing }));
    }
  }
  return leadingToCycle(edges);
}

/** The relations that a rewrite names; `follow` says which children count, and is told if all must hold. */
function computedIn(
  rewrite: Rewrite,
  context: {
    readonly byName: ReadonlyMap<string, ModelRelation>;
    follow(children: readonly Rewrite[], every: boolean): readonly Rewrite[];
  },
): readonly ModelRelation[] {
  const queue: Rewrite[] = [rewrite];
  const found: ModelRelation[] = [];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (next.kind === "computed") {
      const target = context.byName.get(next.relation);
      if (target !== undefined) found.push(target);
    } else if ("children" in next) {
      const every = next.kind === "intersection";
      for (const child of context.follow(next.children, every)) queue.push(child);
    } else if (next.kind === "difference") {
      for (const child of context.follow([next.base, next.subtract], true)) queue.push(child);
    }
  }
  return found;
}

type Edges = ReadonlyMap<ModelRelation, readonly ModelRelation[]>;

/** All from which an endless way leads: what stays when those without a way on are taken off. */
function leadingToCycle(edges: Edges): ReadonlySet<ModelRelation> {
  return new Set(leadingToCycleEdges(edges).keys());
}

function leadingToCycleEdges(edges: Edges): Edges {
  const back = reversed(edges);
  const ways = new Map([...edges].map(([from, to]) => [from, to.length]));
  const ended = [...ways].filter(([, count]) => count === 0).map(([relation]) => relation);
  for (let next = ended.pop(); next !== undefined; next = ended.pop()) {
    for (const before of back.get(next) ?? []) {
      const count = (ways.get(before) ?? 0) - 1;
      ways.set(before, count);
      if (count === 0) ended.push(before);
    }
  }
  const stays = (relation: ModelRelation): boolean => (ways.get(relation) ?? 0) > 0;
  return new Map(
    [...edges].filter(([from]) => stays(from)).map(([from, to]) => [from, to.filter(stays)]),
  );
}

function reversed(edges: Edges): Edges {
  const back = new Map<ModelRelation, ModelRelation[]>();
  for (const from of edges.keys()) back.set(from, []);
  for (const [from, targets] of edges) {
    for (const to of targets) {
      const known = back.get(to);
      if (known === undefined) back.set(to, [from]);
      else known.push(from);
    }
  }
  return back;
}
