import { fail } from "../../model/errors.ts";
import { compareBytes } from "../order.ts";

/** How many a page has: `invalid-argument` for what is no such number. */
export function pageSize(limit: number | undefined, max: number): number {
  if (limit === undefined) return Math.min(100, max);
  if (Number.isInteger(limit) && limit >= 1 && limit <= max) return limit;
  const reason = `it is not a whole number from 1 to ${max}`;
  throw fail("invalid-argument", { what: "limit", reason });
}

/** What must not change from page to page, as one text. */
export function questionOf(kind: string, request: object): string {
  const fixed: Record<string, unknown> = { ...request };
  for (const name of ["limit", "after", "consistency", "now", "signal"]) delete fixed[name];
  return `${kind} ${canonical(fixed)}`;
}

/** JSON in which the order of names does not matter. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`);
  return `{${fields.join(",")}}`;
}

export interface Selection {
  idOf(object: number): string;
  /** Only ids after this one. */
  readonly after: string | null;
}

interface Named {
  readonly object: number;
  readonly id: string;
}

/**
 * Objects in byte order of their ids, as many as are taken: a heap, so that a page of a hundred out of
 * many thousands costs one look at each and not a sort of all.
 */
export function* inOrder(objects: readonly number[], { idOf, after }: Selection): Iterable<number> {
  const heap: Named[] = [];
  for (const object of objects) {
    const id = idOf(object);
    if (after === null || compareBytes(id, after) > 0) heap.push({ object, id });
  }
  for (let at = (heap.length >>> 1) - 1; at >= 0; at--) sink(heap, at);
  for (let first = heap[0]; first !== undefined; first = heap[0]) {
    yield first.object;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    sink(heap, 0);
  }
}

/** Takes what lies at a place down to where it belongs. */
function sink(heap: Named[], from: number): void {
  let at = from;
  for (;;) {
    const left = 2 * at + 1;
    if (left >= heap.length) return;
    const right = left + 1;
    const child = right < heap.length && isBefore(heap, right, left) ? right : left;
    if (!isBefore(heap, child, at)) return;
    const moved = heap[at] as Named; // all places are within
    heap[at] = heap[child] as Named;
    heap[child] = moved;
    at = child;
  }
}

function isBefore(heap: readonly Named[], a: number, b: number): boolean {
  return compareBytes((heap[a] as Named).id, (heap[b] as Named).id) < 0; // both are within
}
