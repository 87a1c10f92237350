import type { Command } from "commander";
import { makeNodeHost } from "../../../host/node-host.ts";
import type {
  AuthzPort,
  CreateTenant,
  TenantDescription,
  UpdateTenant,
} from "../../../model/authz.ts";
import { reportDone } from "../../connection.ts";
import { usageError } from "../../failure.ts";
import { formatTable } from "../../table.ts";
import { print, say, stderr } from "../../terminal.ts";
import { formatAgo } from "../../time.ts";
import { type AuthzOptions, addPlaceOptions, withAuthz } from "./ground.ts";

interface TenantsOptions extends AuthzOptions {
  readonly name?: string;
  readonly limit?: readonly string[];
  readonly yes?: boolean;
}

export const examples: readonly (readonly [string, string])[] = [
  ["", "list them"],
  ["create acme", "a store of relationships of its own"],
  ["create acme --store authz.db", "without a server, in a file that is made if need be"],
  ["create small --limit authzBudget=100000", "with a limit of its own"],
  ["set small --limit authzBudget=default --name Small", "the server's again, and another name"],
  ["get acme --json", "one of them, with its limits"],
  ["delete acme --yes", "with all that it has"],
];

export function define(command: Command): void {
  const collect = (value: string, all: readonly string[] = []): string[] => [...all, value];
  command
    .argument("[action]", "create, get, set or delete; without it they are listed")
    .argument("[id]", "of the tenant: 1 to 64 of A-Z a-z 0-9 _ . -")
    .option("--name <name>", "for people (create, set), or only those with this name")
    .option("--limit <name=value>", "a limit of its own (create, set); may be repeated", collect)
    .option("--yes", "delete without asking back");
  addPlaceOptions(command).action(tenants);
}

async function tenants(
  action: string | undefined,
  id: string | undefined,
  options: TenantsOptions,
): Promise<void> {
  if (action === undefined) return withAuthz(options, (authz) => list(authz, options));
  if (action === "create") return create(id, options);
  if (action !== "delete" && action !== "get" && action !== "set") {
    const reason = `${JSON.stringify(action)} is none of create, get, set and delete`;
    throw usageError(reason, "authz tenants");
  }
  if (id === undefined) throw usageError(`which tenant to ${action} is missing`, "authz tenants");
  if (action === "set") return set(id, options);
  if (action === "get") {
    const found = await withAuthz(options, (authz) => authz.tenant(id).describe());
    return options.json === true ? print(JSON.stringify(found)) : printTenants([found]);
  }
  if (options.yes !== true) {
    throw usageError("deleting a tenant with all its data needs --yes", "authz tenants");
  }
  await withAuthz(options, (authz) => authz.deleteTenant(id));
  reportDone(`${id} is deleted`, { tenant: id, done: "delete" }, options);
}

async function create(id: string | undefined, options: TenantsOptions): Promise<void> {
  const request = { ...(id === undefined ? {} : { id }), ...settingsOf(options) };
  const made = await withAuthz(options, (authz) => authz.createTenant(request), { creates: true });
  print(options.json === true ? JSON.stringify(made) : made.id);
}

async function set(id: string, options: TenantsOptions): Promise<void> {
  const settings = settingsOf(options);
  if (Object.keys(settings).length === 0) {
    throw usageError("what to set is missing: --name or --limit", "authz tenants");
  }
  const changed = await withAuthz(options, (authz) => authz.updateTenant(id, settings));
  reportDone(`${id} is changed`, changed, options);
}

function settingsOf({ name, limit }: TenantsOptions): UpdateTenant & CreateTenant {
  if (limit === undefined) return name === undefined ? {} : { name };
  const limits = Object.fromEntries(
    limit.map((text) => {
      const [, key = "", value] = /^(\w+)=(\d{1,15}|default)$/.exec(text) ?? [];
      if (value !== undefined) return [key, value === "default" ? null : Number(value)];
      const reason = `${JSON.stringify(text)} is not name=value, with a whole number or "default"`;
      throw usageError(reason, "authz tenants");
    }),
  );
  return { limits, ...(name === undefined ? {} : { name }) };
}

async function list(authz: AuthzPort, { name, json }: TenantsOptions): Promise<void> {
  const all: TenantDescription[] = [];
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<AuthzPort["tenants"]>> = await authz.tenants({
      ...(after === null ? {} : { after }),
      ...(name === undefined ? {} : { name }),
    });
    all.push(...page.items);
    after = page.next;
  } while (after !== null);
  if (json === true) print(JSON.stringify(all));
  else if (all.length === 0) say(stderr.style.dim("no tenants"));
  else printTenants(all);
}

function printTenants(tenants: readonly TenantDescription[]): void {
  const now = makeNodeHost().now();
  print(
    formatTable<TenantDescription>(
      [
        { title: "id", cell: (tenant) => tenant.id },
        { title: "name", cell: (tenant) => tenant.name, flexible: true },
        { title: "limits", cell: ({ limits }) => formatLimits(limits), flexible: true },
        { title: "created", cell: ({ createdAt }) => formatAgo(createdAt, now), align: "right" },
        { title: "changed", cell: ({ updatedAt }) => formatAgo(updatedAt, now), align: "right" },
      ],
      tenants,
    ),
  );
}

function formatLimits(limits: TenantDescription["limits"]): string {
  return Object.entries(limits)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
