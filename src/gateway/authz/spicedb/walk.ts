import type { Consistency, LookupPage } from "../../../model/authz.ts";
import type { Message } from "../proto.ts";
import { digestOf, printCursor, readConsistency, readCursor, type SpiceCursor } from "./nouns.ts";

/** Pages of a lookup, each with where it began; up to a number of results if there is one. */
export interface Walk<T> {
  readonly body: Message;
  /** 0: no limit. */
  readonly limit: number;
  readonly pageSize: number;
  readonly signal: AbortSignal;
  /** What the limit does not count; there is one of it at most, in front. */
  readonly free?: (item: T) => boolean;
  next(page: {
    readonly limit: number;
    readonly after?: string;
    readonly consistency: Consistency;
  }): Promise<Pick<LookupPage<T>, "items" | "next" | "zookie">>;
}

export interface WalkedPage<T> {
  readonly items: readonly T[];
  readonly zookie: string;
  /** The cursor after the item of that index. */
  cursor(index: number): { readonly token: string };
}

export async function* walk<T>(options: Walk<T>): AsyncGenerator<WalkedPage<T>, void, undefined> {
  const { body, limit, pageSize, signal, free, next } = options;
  const digest = digestOf(body);
  let cursor: SpiceCursor | undefined = readCursor(body, digest);
  let left = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  const asked = readConsistency(body);
  while (left > 0 && !signal.aborted) {
    const skip = cursor?.given ?? 0;
    const after = cursor?.after;
    // A cursor's revision is that of the first page: nothing is missed or told twice.
    const zookie = cursor?.zookie;
    const consistency: Consistency =
      zookie === undefined ? asked : { kind: "exact-snapshot", zookie };
    const size = Math.min(pageSize, left + skip + (free === undefined ? 0 : 1));
    const page = await next({
      limit: size,
      consistency,
      ...(after === undefined ? {} : { after }),
    });
    const items = upTo(page.items.slice(skip), left, free);
    const start = after === undefined ? { zookie: page.zookie } : { zookie: page.zookie, after };
    yield {
      items,
      zookie: page.zookie,
      cursor: (index) => printCursor({ ...start, given: skip + index + 1 }, digest),
    };
    left -= free === undefined ? items.length : items.filter((item) => !free(item)).length;
    if (page.next === null) return;
    cursor = { after: page.next, zookie: page.zookie, given: 0 };
  }
}

/** As many as the limit has left, and what it does not count. */
function upTo<T>(
  items: readonly T[],
  left: number,
  free: ((item: T) => boolean) | undefined,
): readonly T[] {
  const [first] = items;
  const isFree = first !== undefined && free?.(first) === true;
  return items.slice(0, isFree ? left + 1 : left);
}
