import type { EdgeExtra } from "./edge-traits.ts";
import type { Graph } from "./graph.ts";

/** Objects that only one question names have numbers from here on: small ones to V8, like all others. */
export const scratchBase = 0x4000_0000;

/** A relationship that holds for one question alone. */
export interface OverlayEdge {
  readonly resourceObject: number;
  readonly resourceRelation: number;
  readonly subjectObject: number;
  readonly subjectRelation: number;
  readonly extra: EdgeExtra | undefined;
}

const none: readonly OverlayEdge[] = [];

/**
 * What one question brings along: ids that no stored relationship names, and relationships of its
 * own. It lies over the graph, which never learns of it.
 */
export class Overlay {
  readonly #graph: Graph;
  // Most questions bring nothing: what holds it is made when it comes.
  #numbers: Map<string, number> | null = null;
  #types: number[] | null = null;
  #ids: string[] | null = null;
  #forward: Map<number, OverlayEdge[]> | null = null;
  #reverse: Map<number, OverlayEdge[]> | null = null;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** Whether it has relationships, and not just ids. */
  get hasEdges(): boolean {
    return this.#forward !== null;
  }

  /** The number of an object: that of the graph, or one for this question. */
  object(type: number, id: string): number {
    const known = this.#graph.objects.find(type, id);
    if (known !== 0) return known;
    const key = `${type}:${id}`;
    this.#numbers ??= new Map();
    this.#types ??= [];
    this.#ids ??= [];
    const own = this.#numbers.get(key);
    if (own !== undefined) return own;
    const object = scratchBase + this.#ids.length;
    this.#numbers.set(key, object);
    this.#types.push(type);
    this.#ids.push(id);
    return object;
  }

  find(type: number, id: string): number {
    const known = this.#graph.objects.find(type, id);
    if (known !== 0 || this.#numbers === null) return known;
    return this.#numbers.get(`${type}:${id}`) ?? 0;
  }

  type(object: number): number {
    return this.#types?.[object - scratchBase] ?? 0;
  }

  id(object: number): string {
    return this.#ids?.[object - scratchBase] ?? "";
  }

  add(edge: OverlayEdge): void {
    this.#forward ??= new Map();
    this.#reverse ??= new Map();
    append(this.#forward, nodeKey(edge.resourceObject, edge.resourceRelation), edge);
    append(this.#reverse, nodeKey(edge.subjectObject, edge.subjectRelation), edge);
  }

  forward(object: number, relation: number): readonly OverlayEdge[] {
    return this.#forward?.get(nodeKey(object, relation)) ?? none;
  }

  reverse(object: number, relation: number): readonly OverlayEdge[] {
    return this.#reverse?.get(nodeKey(object, relation)) ?? none;
  }
}

/** One number for an object and a relation: 32 bits and 16. */
export function nodeKey(object: number, relation: number): number {
  return object * 65_536 + relation;
}

function append(lists: Map<number, OverlayEdge[]>, key: number, edge: OverlayEdge): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [edge]);
  else list.push(edge);
}
