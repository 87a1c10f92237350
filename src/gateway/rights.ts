import { fail } from "../model/errors.ts";

/**
 * What a key may do with a tenant: ask questions, read what is stored, change relationships, change
 * the schema, or everything, the tenant itself included.
 */
export const operations = ["check", "read", "write", "schema", "admin"] as const;

export type Operation = (typeof operations)[number];

/** Operations on one tenant, or on all with `"*"`. */
export interface Grant {
  readonly tenant: string;
  readonly operations: readonly Operation[];
}

export const everyTenant = "*";

/** What a caller may do. Keys without grants, and callers of a server without keys, may everything. */
export class Rights {
  readonly holder: string;
  /** Whether it may start invocations. */
  readonly calls: boolean;
  readonly #byTenant: ReadonlyMap<string, ReadonlySet<Operation>> | undefined;

  constructor(
    holder: string,
    grants: readonly Grant[] | undefined,
    { calls = false }: { readonly calls?: boolean } = {},
  ) {
    this.holder = holder;
    this.calls = calls || grants === undefined;
    if (grants === undefined) return;
    const byTenant = new Map<string, Set<Operation>>();
    for (const { tenant, operations: given } of grants) {
      const known = byTenant.get(tenant) ?? new Set();
      for (const operation of given) known.add(operation);
      byTenant.set(tenant, known);
    }
    this.#byTenant = byTenant;
  }

  /** Whether nothing is closed to it, in authorization or elsewhere. */
  get isUnlimited(): boolean {
    return this.#byTenant === undefined;
  }

  may(operation: Operation, tenant: string): boolean {
    if (this.#byTenant === undefined) return true;
    return (
      allows(this.#byTenant.get(tenant), operation) ||
      allows(this.#byTenant.get(everyTenant), operation)
    );
  }

  /** `permission-denied`, whether or not there is such a tenant. */
  require(operation: Operation, tenant: string): void {
    if (this.may(operation, tenant)) return;
    const known = this.#byTenant;
    const given = [...(known?.get(tenant) ?? []), ...(known?.get(everyTenant) ?? [])];
    throw denied({ holder: this.holder, operation, tenant, given });
  }

  /** Whether it may do anything at all with the tenant. */
  sees(tenant: string): boolean {
    const known = this.#byTenant;
    return known === undefined || known.has(tenant) || known.has(everyTenant);
  }

  /** The tenant that it is for, when it is for just one. */
  get onlyTenant(): string | undefined {
    const [first, second] = this.#byTenant?.keys() ?? [];
    return second === undefined && first !== everyTenant ? first : undefined;
  }
}

export const allRights: Rights = new Rights("anybody", undefined);

/** Refuses what has nothing to do with authorization to keys that are for authorization. */
export function requireUnlimited(rights: Rights, path: string): void {
  if (rights.isUnlimited) return;
  const { holder: subject } = rights;
  throw fail("permission-denied", { subject, permission: "access", resource: path });
}

function denied({ holder, operation, tenant, given }: Denied): Error {
  const where = tenant === everyTenant ? "all tenants" : `tenant ${tenant}`;
  const has = given.length === 0 ? "no rights" : `only ${[...new Set(given)].join(", ")}`;
  return fail("permission-denied", {
    subject: `The key ${holder}`,
    permission: operation,
    resource: `${where}, where it has ${has}`,
  });
}

interface Denied {
  readonly holder: string;
  readonly operation: Operation;
  readonly tenant: string;
  /** What it has there. */
  readonly given: readonly Operation[];
}

function allows(given: ReadonlySet<Operation> | undefined, operation: Operation): boolean {
  return given !== undefined && (given.has(operation) || given.has("admin"));
}
