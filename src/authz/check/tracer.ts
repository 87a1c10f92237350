import type { Explanation } from "../../model/authz.ts";
import { type Tri, verdictOf } from "./verdict.ts";

interface OpenNode {
  readonly what: string;
  readonly kind: Explanation["kind"];
  readonly startedAt: number;
  readonly children: Explanation[];
}

/** How many nodes of an explanation are kept; what is beyond is evaluated and not told. */
const nodesMax = 2_000;

/** Records what an evaluation did, as a tree. Only explained questions have one. */
export class Tracer {
  readonly #monotonic: () => number;
  readonly #open: OpenNode[] = [];
  #root: Explanation | null = null;
  #nodes = 0;
  #note: string | null = null;

  /** @param monotonic milliseconds, with fractions. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  begin(kind: Explanation["kind"], what: string): void {
    this.#open.push({ what, kind, startedAt: this.#monotonic(), children: [] });
  }

  /** Says something about the node that is open. */
  note(note: string): void {
    this.#note = note;
  }

  end(value: Tri): void {
    const node = this.#open.pop();
    if (node === undefined) return;
    const micros = Math.round((this.#monotonic() - node.startedAt) * 1_000);
    this.#add({
      what: node.what,
      kind: node.kind,
      verdict: verdictOf(value),
      ...(this.#note === null ? {} : { note: this.#note }),
      micros,
      children: node.children,
    });
    this.#note = null;
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
