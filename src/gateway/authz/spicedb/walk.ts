import type { Consistency, LookupPage } from "../../../model/authz.ts";
import { fail } from "../../../model/errors.ts";
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
  /** What tells an item from all others. */
  key(item: T): string;
  /** Whether an item comes behind the one of that key, where their order says so. */
  readonly isBehind?: (item: T, key: string) => boolean;
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

/** Fails when the server is going before the end: what is cut off must not look whole. */
export async function* walk<T>(options: Walk<T>): AsyncGenerator<WalkedPage<T>, void, undefined> {
  const { body, limit, pageSize, signal, free, next } = options;
  const digest = digestOf(body);
  let cursor: SpiceCursor | undefined = readCursor(body, digest);
  let left = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  const asked = readConsistency(body);
  while (left > 0) {
    if (signal.aborted) throw fail("shutting-down");
    const given = cursor?.given ?? 0;
    const after = cursor?.after;
    // A cursor's revision is that of the first page: nothing is missed or told twice.
    const zookie = cursor?.zookie;
    const consistency: Consistency =
      zookie === undefined ? asked : { kind: "exact-snapshot", zookie };
    const page = await next({
      limit: Math.min(pageSize, left + given),
      consistency,
      ...(after === undefined ? {} : { after }),
    });
    const rest = cursor === undefined ? page.items : restOf(page.items, cursor, options);
    const items = upTo(rest, left, free);
    const start = after === undefined ? { zookie: page.zookie } : { zookie: page.zookie, after };
    const following = page.next === null ? null : followingOf(page.zookie, page.next);
    const passed = page.items.length - rest.length;
    yield {
      items,
      zookie: page.zookie,
      cursor: (index) => {
        // Behind the last of a page the next begins, which need not be looked for.
        const isLast = passed + index + 1 === page.items.length;
        if (isLast && following !== null) return printCursor(following, digest);
        const item = items[index];
        const last = item === undefined ? "" : options.key(item);
        return printCursor({ ...start, given: passed + index + 1, last }, digest);
      },
    };
    left -= free === undefined ? items.length : items.filter((item) => !free(item)).length;
    if (page.next === null) return;
    cursor = followingOf(page.zookie, page.next);
  }
}

/** Where nothing tells how far it came, all of the page is given: rather twice than not at all. */
function restOf<T>(
  items: readonly T[],
  { given, last }: SpiceCursor,
  { key, isBehind }: Walk<T>,
): readonly T[] {
  if (given === 0) return items;
  if (isBehind !== undefined) return items.filter((item) => isBehind(item, last));
  return items.slice(items.findIndex((item) => key(item) === last) + 1);
}

function followingOf(zookie: string, after: string): SpiceCursor {
  return { after, zookie, given: 0, last: "" };
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
