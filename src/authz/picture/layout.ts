/**
 * Where the nodes of an explanation stand: the root left, children right of their parent, each leaf
 * in a row of its own, each parent half way between its first child and its last. The rows of a
 * subtree are its own, so nothing overlaps, however wide the texts are.
 */
import type { ExplainedCaveat, Explanation } from "../../model/authz.ts";

export interface Box {
  readonly node: Explanation;
  readonly text: string;
  /** The line below the text; empty when there is nothing to say. */
  readonly detail: string;
  readonly x: number;
  /** The middle. */
  readonly y: number;
  readonly width: number;
  readonly parent: Box | null;
}

export interface Layout {
  readonly boxes: readonly Box[];
  readonly width: number;
  readonly height: number;
}

export interface Measures {
  readonly charWidth: number;
  readonly detailCharWidth: number;
  readonly padding: number;
  readonly rowHeight: number;
  readonly columnGap: number;
  /** Longer texts are cut. */
  readonly charsMax: number;
  readonly nodesMax: number;
}

interface Item {
  readonly node: Explanation;
  readonly text: string;
  readonly detail: string;
  readonly width: number;
  readonly parent: number;
  y: number;
  /** The middles of its first and its last child. */
  span: [number, number] | null;
}

export function layOut(root: Explanation, measures: Measures): Layout {
  const items = list(root, measures);
  let rows = 0;
  // Children come after their parents, so from the end each is placed before its parent is.
  const isParent = new Set(items.map(({ parent }) => parent));
  for (const [index, item] of items.entries()) {
    if (isParent.has(index)) continue;
    item.y = rows++ * measures.rowHeight + measures.rowHeight / 2;
  }
  for (const item of items.toReversed()) {
    if (item.span !== null) item.y = (item.span[0] + item.span[1]) / 2;
    const parent = items[item.parent];
    if (parent === undefined) continue;
    parent.span = [item.y, parent.span?.[1] ?? item.y];
  }
  const boxes: Box[] = [];
  for (const { node, text, detail, width, parent, y } of items) {
    const left = boxes[parent] ?? null;
    const x = left === null ? 0 : left.x + left.width + measures.columnGap;
    boxes.push({ node, text, detail, x, y, width, parent: left });
  }
  const width = Math.max(...boxes.map((box) => box.x + box.width));
  return { boxes, width, height: rows * measures.rowHeight };
}

/** Depth first; what is beyond the limit is left out, and its parent says so. */
function list(root: Explanation, measures: Measures): Item[] {
  const items: Item[] = [];
  const open = [{ node: root, parent: -1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, parent } = next;
    const isFull = items.length + open.length + node.children.length >= measures.nodesMax;
    const children = isFull ? [] : node.children;
    const text = cut(labelOf(node), measures.charsMax);
    const left = node.children.length - children.length;
    const detail = cut(detailOf(node, left), measures.charsMax + 10);
    const width =
      2 * measures.padding +
      Math.max(
        // Two for the mark of the verdict.
        (text.length + 2) * measures.charWidth,
        detail.length * measures.detailCharWidth,
      );
    const at = items.push({ node, text, detail, width, parent, y: 0, span: null }) - 1;
    for (const child of children.toReversed()) open.push({ node: child, parent: at });
  }
  return items;
}

/** What there is to say about a node besides its verdict and its time. */
export function notesOf(node: Explanation): readonly string[] {
  const { note, cached, indexed, subtracted, caveat } = node;
  return [
    ...(subtracted === true ? ["subtracted"] : []),
    ...(note === undefined ? [] : [note]),
    ...(caveat === undefined ? [] : givenOf(caveat)),
    ...(cached === true ? ["cached"] : []),
    ...(indexed === true ? ["indexed"] : []),
  ];
}

/** With a minus before what is taken away: there a yes speaks against. */
export function labelOf({ what, subtracted }: Explanation): string {
  return subtracted === true ? `− ${what}` : what;
}

/** How much of a value is shown. */
const valueChars = 40;

function givenOf({ context, missing }: ExplainedCaveat): readonly string[] {
  const values = Object.entries(context).map(
    ([name, value]) => `${name} = ${cut(JSON.stringify(value), valueChars)}`,
  );
  return missing.length === 0 ? values : [...values, `missing: ${missing.join(", ")}`];
}

function detailOf(node: Explanation, left: number): string {
  return [
    node.kind,
    ...notesOf(node),
    ...(node.micros > 0 ? [formatMicros(node.micros)] : []),
    ...(left > 0 ? [`${left} of ${node.children.length} not drawn`] : []),
  ].join(" · ");
}

/** `480 µs`, `1.3 ms` */
export function formatMicros(micros: number): string {
  return micros < 1_000 ? `${micros} µs` : `${(micros / 1_000).toFixed(1)} ms`;
}

function cut(text: string, chars: number): string {
  return text.length > chars ? `${text.slice(0, chars - 1).toWellFormed()}…` : text;
}
