import type { Explanation } from "../../model/authz.ts";
import { lower, no, type Tri, type Value, verdictOf } from "./verdict.ts";

interface OpenNode {
  readonly what: string;
  readonly kind: Explanation["kind"];
  readonly startedAt: number;
  readonly children: Explanation[];
  cached: boolean;
  indexed: boolean;
}

/** A right of an object, in the numbers of the tenant. */
export interface RightOfObject {
  readonly object: number;
  readonly type: number;
  readonly relation: number;
}

const notEvaluated: Omit<Explanation, "what"> = {
  kind: "permission",
  verdict: "no",
  note: "not-evaluated",
  micros: 0,
  children: [],
};

/** How many nodes of an explanation are kept; what is beyond is evaluated and not told. */
const nodesMax = 2_000;

/** Records what an evaluation did, as a tree. Only explained questions have one. */
export class Tracer {
  readonly #monotonic: () => number;
  readonly #open: OpenNode[] = [];
  #root: Explanation | null = null;
  #nodes = 0;
  /** Whether the cache holds what the subject has of an object. */
  isCached: (of: RightOfObject) => boolean = () => false;

  /** @param monotonic milliseconds, with fractions. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  begin(kind: Explanation["kind"], what: string): void {
    const startedAt = this.#monotonic();
    this.#open.push({ what, kind, startedAt, children: [], cached: false, indexed: false });
  }

  /** Of the node that is open. */
  mark(flag: "cached" | "indexed"): void {
    const node = this.#open.at(-1);
    if (node !== undefined) node[flag] = true;
  }

  /** @param parts What an operator is made of: those that it did not come to are told as such. */
  end(value: Value, parts: readonly string[] = []): void {
    const node = this.#open.pop();
    if (node === undefined) return;
    for (const part of parts.slice(node.children.length)) {
      if (this.#nodes++ >= nodesMax) break;
      node.children.push({ ...notEvaluated, what: part });
    }
    const isBare = node.kind === "relation" && lower(value) === no && node.children.length === 0;
    const micros = Math.round((this.#monotonic() - node.startedAt) * 1_000);
    this.#add({
      what: node.what,
      kind: node.kind,
      verdict: verdictOf(lower(value)),
      ...(isBare ? { note: "no-relationship" } : {}),
      ...(node.cached ? { cached: true } : {}),
      ...(node.indexed ? { indexed: true } : {}),
      micros,
      children: node.children,
    });
  }

  /** A node without anything below it. */
  leaf(kind: Explanation["kind"], what: string, options: { value: Tri; note?: string }): void {
    this.#add({
      what,
      kind,
      verdict: verdictOf(options.value),
      ...(options.note === undefined ? {} : { note: options.note }),
      micros: 0,
      children: [],
    });
  }

  get tree(): Explanation | null {
    return this.#root;
  }

  #add(node: Explanation): void {
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root = node;
    else if (this.#nodes++ < nodesMax) parent.children.push(node);
  }
}
