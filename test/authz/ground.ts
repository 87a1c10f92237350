/** The ground that every test of authorization stands on, whatever is below. */
import type {
  AuthzPort,
  Consistency,
  LookupPage,
  PageRequest,
  TenantPort,
} from "../../src/model/authz.ts";
import { HoldfastError } from "../../src/model/errors.ts";

/** An engine with no tenants of ours in it yet. */
export interface Ground {
  readonly authz: AuthzPort;
  /** Milliseconds since 1970, as the engine sees it. */
  now(): number;
  close(): Promise<void>;
}

/** Runs with an engine of its own, which is closed whatever happens. */
export async function onGround<G extends Ground, T>(
  factory: () => Promise<G>,
  body: (ground: G) => Promise<T>,
): Promise<T> {
  const ground = await factory();
  try {
    return await body(ground);
  } finally {
    await ground.close();
  }
}

let tenants = 0;

/** A tenant that no other test uses. */
export async function newTenant({ authz }: Pick<Ground, "authz">): Promise<TenantPort> {
  tenants++;
  const { id } = await authz.createTenant({ id: `tenant-${process.pid}-${tenants}` });
  return authz.tenant(id);
}

export function exactly(zookie: string): { readonly consistency: Consistency } {
  return { consistency: { kind: "exact-snapshot", zookie } };
}

/** All pages of a lookup, `limit` at a time; the pages must be no longer than that. */
export async function allPages<T>(
  ask: (page: PageRequest) => Promise<Pick<LookupPage<T>, "items" | "next">>,
  limit?: number,
): Promise<readonly T[]> {
  const found: T[] = [];
  for (let after: string | undefined; ; ) {
    const page = await ask({
      ...(limit === undefined ? {} : { limit }),
      ...(after === undefined ? {} : { after }),
    });
    if (limit !== undefined && page.items.length > limit) {
      throw new RangeError(`a page of ${page.items.length}, where ${limit} were asked for`);
    }
    found.push(...page.items);
    if (page.next === null) return found;
    after = page.next;
  }
}

/** The code of what is thrown; null when nothing is. Errors without a code go on. */
export async function codeOf(work: () => Promise<unknown>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof HoldfastError) return error.code;
    throw error;
  }
}
