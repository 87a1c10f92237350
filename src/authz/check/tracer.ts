import type { Explanation } from "../../model/authz.ts";
import { lower, no, type Tri, unknown, type Value, verdictOf } from "./verdict.ts";

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

/** What an operator is made of. */
export interface Part {
  readonly what: string;
  readonly kind: Explanation["kind"];
  /** It is the right side of an exclusion. */
  readonly subtracted: boolean;
}

/** What there is to say of a node without a time of its own. */
export interface Leaf {
  readonly value: Tri;
  readonly note?: string;
  readonly children?: readonly Explanation[];
}

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
  /** The walk is among groups in none of which the subject is, as the index has told. */
  inNone = false;

  /** @param monotonic milliseconds, with fractions. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  begin(kind: Explanation["kind"], what: string): void {
    // What was not in memory was loaded, and all is asked again.
    if (this.#open.length === 0) this.#nodes = 0;
    const startedAt = this.#monotonic();
    this.#open.push({ what, kind, startedAt, children: [], cached: false, indexed: false });
  }

  /** Of the node that is open. */
  mark(flag: "cached" | "indexed"): void {
    const node = this.#open.at(-1);
    if (node !== undefined) node[flag] = true;
  }

  /** How many nodes there are in the one that is open. */
  get children(): number {
    return this.#open.at(-1)?.children.length ?? 0;
  }

  /**
   * One part of an operator was evaluated, which is one node of it.
   * @param before How many nodes there were then.
   */
  part({ what, kind, subtracted }: Part, value: Value, before: number): void {
    if (this.children === before) this.leaf(kind, what, { value: lower(value), note: "itself" });
    const siblings = this.#open.at(-1)?.children;
    const last = siblings?.at(-1);
    if (!subtracted || siblings === undefined || last === undefined) return;
    if (siblings.length > before) siblings[siblings.length - 1] = { ...last, subtracted };
  }

  /** @param parts What an operator is made of: those that it did not come to are told as such. */
  end(value: Value, parts: readonly Part[] = []): void {
    this.#end(value, parts, undefined);
  }

  /** It ended in an error: what was gone of the way until then is told. */
  cutOff(): void {
    while (this.#open.length > 0) this.#end(unknown, [], "cut-off");
  }

  /** Nothing more is kept. */
  get isFull(): boolean {
    return this.#nodes >= nodesMax;
  }

  #end(value: Value, parts: readonly Part[], cut: string | undefined): void {
    const node = this.#open.pop();
    if (node === undefined) return;
    for (const { what, kind, subtracted } of parts.slice(node.children.length)) {
      if (this.#nodes++ >= nodesMax) break;
      const base = { what, kind, verdict: "no", note: "not-evaluated" } as const;
      const more = { ...(subtracted ? { subtracted } : {}), micros: 0, children: [] };
      node.children.push({ ...base, ...more });
    }
    const mayBeBare = node.kind === "relation" || node.kind === "arrow";
    const isBare = mayBeBare && lower(value) === no && node.children.length === 0;
    const note = cut ?? (isBare ? "no-relationship" : undefined);
    const micros = Math.round((this.#monotonic() - node.startedAt) * 1_000);
    this.#add({
      what: node.what,
      kind: node.kind,
      verdict: verdictOf(lower(value)),
      ...(note === undefined ? {} : { note }),
      ...(node.cached ? { cached: true } : {}),
      ...(node.indexed ? { indexed: true } : {}),
      micros,
      children: node.children,
    });
  }

  /** A node that takes no time. */
  leaf(kind: Explanation["kind"], what: string, { value, note, children = [] }: Leaf): void {
    this.#add({
      what,
      kind,
      verdict: verdictOf(value),
      ...(note === undefined ? {} : { note }),
      micros: 0,
      children,
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
