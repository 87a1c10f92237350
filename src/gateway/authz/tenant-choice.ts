import type { AuthzPort, TenantPort } from "../../model/authz.ts";
import { fail, HoldfastError } from "../../model/errors.ts";
import type { Operation } from "../rights.ts";
import type { Ask } from "../route.ts";
import { printable } from "../target.ts";
import type { AuthzSources } from "./sources.ts";

/** Which tenant is meant where a request has not said. */
export const defaultTenant = "default";

/**
 * The tenant of a request to an API whose paths have no place for one: what the header
 * `x-holdfast-tenant` says; else the one that the caller's key is for; else `default`; else the only
 * one that there is.
 */
export async function chooseTenant(
  ask: Ask,
  operation: Operation,
  { authz }: AuthzSources,
): Promise<TenantPort> {
  const named = ask.headers.tenant ?? ask.rights.onlyTenant;
  const id = named ?? (await findOnly(authz, ask));
  ask.rights.require(operation, id);
  return authz.tenant(id);
}

/** The same, and where there is no tenant at all, `default` is created: how a new server starts. */
export async function chooseOrCreateTenant(
  ask: Ask,
  operation: Operation,
  sources: AuthzSources,
): Promise<TenantPort> {
  const { authz } = sources;
  const isNamed = ask.headers.tenant !== undefined || ask.rights.onlyTenant !== undefined;
  if (!isNamed && (await authz.tenants({ limit: 1 })).items.length === 0) {
    ask.rights.require(operation, defaultTenant);
    await authz.createTenant({ id: defaultTenant }).catch(unlessExists);
  }
  return chooseTenant(ask, operation, sources);
}

/** Another request was faster. */
function unlessExists(error: unknown): void {
  if (!(error instanceof HoldfastError) || error.code !== "tenant-exists") throw error;
}

/** How many are named to those who have to choose. */
const mostNamed = 10;

async function findOnly(authz: AuthzPort, { rights }: Ask): Promise<string> {
  const { items, next } = await authz.tenants({ limit: mostNamed });
  const [first, second] = items;
  if (first !== undefined && second === undefined) return first.id;
  try {
    return (await authz.tenant(defaultTenant).describe()).id;
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "unknown-tenant") throw error;
  }
  if (first === undefined) throw fail("unknown-tenant", { tenant: defaultTenant });
  const seen = items.filter(({ id }) => rights.sees(id)).map(({ id }) => printable(id));
  const names = seen.length === 0 ? "" : `: one of ${seen.join(", ")}`;
  const reason = `it does not say which tenant it means: send x-holdfast-tenant${names}`;
  const more = next === null ? "" : ", and there are more";
  throw fail("invalid-argument", { what: "The request", reason: reason + more });
}
