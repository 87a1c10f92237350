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
  /** How many are needed at most. */
  readonly most: number;
}

/**
 * Objects in byte order of their ids. When few are needed of many only these are put in order: a
 * page costs one look at each and not a sort of all.
 */
export function selectAfter(
  objects: readonly number[],
  { idOf, after, most }: Selection,
): () => Iterable<number> {
  let rest: { readonly object: number; readonly id: string }[] = objects.map((object) => ({
    object,
    id: idOf(object),
  }));
  if (after !== null) rest = rest.filter(({ id }) => compareBytes(id, after) > 0);
  const byId = (a: (typeof rest)[number], b: (typeof rest)[number]): number =>
    compareBytes(a.id, b.id);
  return function* () {
    if (most < rest.length / 4) {
      yield* smallest(rest, { most, byId }).map(({ object }) => object);
      return;
    }
    yield* rest.sort(byId).map(({ object }) => object);
  };
}

/** The first of them in order: kept in a heap whose top is the last of those. */
function smallest<T>(
  all: readonly T[],
  { most, byId }: { readonly most: number; byId(a: T, b: T): number },
): T[] {
  const heap: T[] = [];
  for (const one of all) {
    if (heap.length < most) {
      heap.push(one);
      if (heap.length === most) heap.sort((a, b) => byId(b, a));
      continue;
    }
    if (byId(one, heap[0] as T) >= 0) continue; // it has `most` elements
    heap[0] = one;
    sink(heap, byId);
  }
  return heap.sort(byId);
}

/** A descending sort is a heap with the largest on top; the new top goes down to its place. */
function sink<T>(heap: T[], byId: (a: T, b: T) => number): void {
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    if (left >= heap.length) return;
    const right = left + 1;
    const isRight = right < heap.length && byId(heap[right] as T, heap[left] as T) > 0; // both within
    const child = isRight ? right : left;
    if (byId(heap[child] as T, heap[at] as T) <= 0) return; // both within
    [heap[at], heap[child]] = [heap[child] as T, heap[at] as T]; // both within
    at = child;
  }
}
