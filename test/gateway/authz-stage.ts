import type { AuthzPort, TenantPort, WatchEvent } from "../../src/model/authz.ts";
import { fail } from "../../src/model/errors.ts";
import { makeStage, type Stage, type StageOptions } from "./stage.ts";

/** A listening gateway in front of a scripted authorization. */
export interface AuthzStage extends Stage {
  /** What reached the port, in order: tenant, method and argument. */
  readonly calls: unknown[][];
  /** POST of a value as JSON to a path under the tenant `acme`. */
  ask(verb: string, body?: unknown): Promise<Response>;
}

const plausible: Readonly<Record<Exclude<keyof TenantPort, "id" | "watch">, unknown>> = {
  describe: { id: "acme", name: "acme", createdAt: 1, updatedAt: 1 },
  writeSchema: { id: "s1", zookie: "z1", problems: [], orphans: [], orphanCount: 0 },
  readSchema: {
    id: "s1",
    dialect: "native",
    text: "definition user {}",
    createdAt: 1,
    zookie: "z1",
  },
  schemas: { items: [], next: null },
  write: { zookie: "z2" },
  deleteRelationships: { zookie: "z3", deleted: 2, complete: true },
  deleteObject: { zookie: "z3", deleted: 2, complete: true },
  read: { items: [], next: null, zookie: "z2" },
  changes: { items: [], next: "z2" },
  check: { verdict: "yes", missing: [], zookie: "z2" },
  checkMany: { items: [], zookie: "z2" },
  expand: {
    tree: { kind: "leaf", of: { type: "d", id: "1", relation: "v" }, subjects: [] },
    zookie: "z2",
  },
  lookupResources: { items: [], next: null, zookie: "z2" },
  lookupSubjects: { items: [], next: null, zookie: "z2" },
  permissions: { permissions: [], zookie: "z2" },
  writeDocument: undefined,
  readDocument: null,
};

export interface AuthzStageOptions extends StageOptions {
  /** What the tenant answers, instead of what is plausible. */
  readonly tenant?: Partial<TenantPort>;
  readonly authz?: Partial<AuthzPort>;
}

const description = { id: "acme", name: "acme", limits: {}, createdAt: 1, updatedAt: 1 };

export async function makeAuthzStage(options: AuthzStageOptions = {}): Promise<AuthzStage> {
  const calls: unknown[][] = [];
  const authz = makeScriptedAuthz(calls, options);
  const { gateway } = options;
  const stage = await makeStage({ ...options, gateway: { ...gateway, authz } });
  return {
    ...stage,
    calls,
    ask: (verb, body) =>
      stage.post(
        `/authz/tenants/acme/${verb}`,
        body === undefined ? undefined : JSON.stringify(body),
      ),
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  };
}

function makeScriptedAuthz(calls: unknown[][], options: AuthzStageOptions): AuthzPort {
  return {
    createTenant: async (request) => {
      calls.push(["createTenant", request]);
      return { ...description, ...request };
    },
    updateTenant: async (id) => {
      calls.push(["updateTenant", id]);
      return description;
    },
    deleteTenant: async (id) => {
      calls.push(["deleteTenant", id]);
    },
    tenants: async () => ({ items: [description], next: null }),
    tenant: (id) => makeScriptedTenant(id, calls, options.tenant ?? {}),
    ...options.authz,
  };
}

function makeScriptedTenant(
  id: string,
  calls: unknown[][],
  answers: Partial<TenantPort>,
): TenantPort {
  const methods = Object.entries(plausible).map(([name, answer]) => {
    const scripted = answers[name as keyof TenantPort] as
      | ((...given: unknown[]) => unknown)
      | undefined;
    const method = async (...given: unknown[]): Promise<unknown> => {
      calls.push([id, name, ...given]);
      if (id !== "acme") throw fail("unknown-tenant", { tenant: id });
      return scripted === undefined ? answer : scripted(...given);
    };
    return [name, method];
  });
  const watch = answers.watch ?? ((): AsyncIterable<WatchEvent> => oneHeartbeat());
  return { id, watch, ...Object.fromEntries(methods) } as TenantPort; // a method for each of its names
}

async function* oneHeartbeat(): AsyncGenerator<WatchEvent> {
  yield { kind: "heartbeat", zookie: "z9" };
}
