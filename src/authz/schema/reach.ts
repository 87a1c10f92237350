/**
 * The schema as a graph: which relations and permissions draw their subjects from which. It is made
 * once per schema; all that is asked of it is linear in its size.
 */
import { assert } from "../../std/assert.ts";
import type { Expression, RelationDefinition, Schema } from "./schema.ts";
import { expressionText } from "./text.ts";

/** A relation or permission of a type; or an arrow, which is shared by all that have it. */
export interface ReachNode {
  readonly type: string;
  readonly name: string;
  /** Null for arrows. */
  readonly definition: RelationDefinition | null;
  /** Whose subjects become subjects of this. */
  readonly draws: readonly number[];
  /** Whose subjects are taken away. */
  readonly subtracts: readonly number[];
  /** The relations that its arrows go over. */
  readonly over: readonly number[];
  /** The object itself is a subject. */
  readonly self: boolean;
}

interface Making extends ReachNode {
  readonly draws: number[];
  readonly subtracts: number[];
  readonly over: number[];
  self: boolean;
}

type Arrow = Extract<Expression, { kind: "arrow" }>;

const graphs = new WeakMap<Schema, ReachGraph>();

export function reachGraph(schema: Schema): ReachGraph {
  let graph = graphs.get(schema);
  if (graph === undefined) {
    graph = new ReachGraph(schema);
    graphs.set(schema, graph);
  }
  return graph;
}

export class ReachGraph {
  readonly #schema: Schema;
  readonly #nodes: Making[] = [];
  readonly #ids = new Map<string, number>();

  constructor(schema: Schema) {
    this.#schema = schema;
    for (const [type, { relations }] of schema.types) {
      for (const [name, definition] of relations)
        this.#add(`${type}#${name}`, { type, name, definition });
    }
    // Nodes of arrows are added meanwhile, and made when they are.
    for (const node of this.#nodes.slice()) this.#connect(node);
  }

  get nodes(): readonly ReachNode[] {
    return this.#nodes;
  }

  /** Undefined when the type has no such relation or permission. */
  id(type: string, name: string): number | undefined {
    return this.#ids.get(`${type}#${name}`);
  }

  /** The node of an arrow that stands in a type. */
  arrowId(type: string, arrow: Arrow): number | undefined {
    return this.#ids.get(arrowKey(type, arrow));
  }

  node(id: number): ReachNode {
    const node = this.#nodes[id];
    assert(node !== undefined, "a node of the graph has an id of the graph");
    return node;
  }

  /** Everything that can be reached from some nodes, these first. */
  from(
    starts: Iterable<number>,
    edges: (node: ReachNode) => Iterable<number>,
  ): ReadonlySet<number> {
    const found = new Set(starts);
    // A set goes on to what is added while it is walked over.
    for (const id of found) for (const next of edges(this.node(id))) found.add(next);
    return found;
  }

  /** Types of the subjects that a relation takes. */
  typesOver(type: string, over: string): ReadonlySet<string> {
    const allowed = this.#schema.types.get(type)?.relations.get(over)?.allowed ?? [];
    return new Set(allowed.map((subject) => subject.type));
  }

  #add(key: string, node: Pick<ReachNode, "type" | "name" | "definition">): number {
    const id = this.#nodes.length;
    this.#nodes.push({ ...node, draws: [], subtracts: [], over: [], self: false });
    this.#ids.set(key, id);
    return id;
  }

  #connect(node: Making): void {
    const { definition, type } = node;
    if (definition === null) return;
    for (const { type: subject, relation } of definition.allowed) {
      if (relation !== null) this.#edge(node.draws, this.id(subject, relation));
    }
    this.#expression(node, { type, expression: definition.rewrite, into: node.draws });
  }

  #expression(
    node: Making,
    { type, expression, into }: { type: string; expression: Expression; into: number[] },
  ): void {
    switch (expression.kind) {
      case "relation":
        this.#edge(into, this.id(type, expression.name));
        break;
      case "arrow":
        this.#edge(into, this.#arrow(type, expression));
        break;
      case "self":
        if (into === node.draws) node.self = true;
        break;
      case "union":
      case "intersection":
        for (const operand of expression.operands) {
          this.#expression(node, { type, expression: operand, into });
        }
        break;
      case "exclusion":
        this.#expression(node, { type, expression: expression.base, into });
        this.#expression(node, { type, expression: expression.subtract, into: node.subtracts });
        break;
      default:
        break;
    }
  }

  #arrow(type: string, arrow: Arrow): number {
    const key = arrowKey(type, arrow);
    const made = this.#ids.get(key);
    if (made !== undefined) return made;
    const id = this.#add(key, { type, name: expressionText(arrow), definition: null });
    const node = this.#nodes[id];
    if (node === undefined) return id;
    this.#edge(node.over, this.id(type, arrow.over));
    const { target } = arrow;
    for (const subject of this.typesOver(type, arrow.over)) {
      if (target.kind === "relation") this.#edge(node.draws, this.id(subject, target.name));
      if (target.kind === "arrow" && this.id(subject, target.over) !== undefined) {
        this.#edge(node.draws, this.#arrow(subject, target));
      }
    }
    return id;
  }

  #edge(into: number[], to: number | undefined): void {
    if (to !== undefined) into.push(to);
  }
}

function arrowKey(type: string, arrow: Arrow): string {
  return `${type} ${expressionText(arrow)}`;
}
