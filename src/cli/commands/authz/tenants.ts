import type { Command } from "commander";
import { makeNodeHost } from "../../../host/node-host.ts";
import type { AuthzPort, TenantDescription } from "../../../model/authz.ts";
import { reportDone } from "../../connection.ts";
import { usageError } from "../../failure.ts";
import { formatTable } from "../../table.ts";
import { print, say, stderr } from "../../terminal.ts";
import { formatAgo } from "../../time.ts";
import { type AuthzOptions, addPlaceOptions, withAuthz } from "./ground.ts";

interface TenantsOptions extends AuthzOptions {
  readonly name?: string;
  readonly yes?: boolean;
}

export const examples: readonly (readonly [string, string])[] = [
  ["", "list them"],
  ["create acme", "a store of relationships of its own"],
  ["create acme --store authz.db", "without a server, in a file that is made if need be"],
  ["delete acme --yes", "with all that it has"],
];

export function define(command: Command): void {
  command
    .argument("[action]", "create or delete; without it they are listed")
    .argument("[id]", "of the tenant: 1 to 64 of A-Z a-z 0-9 _ . -")
    .option("--name <name>", "for people (create), or only those with this name")
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
  if (action !== "delete") {
    throw usageError(`${JSON.stringify(action)} is neither create nor delete`, "authz tenants");
  }
  if (id === undefined) throw usageError("which tenant to delete is missing", "authz tenants");
  if (options.yes !== true) {
    throw usageError("deleting a tenant with all its data needs --yes", "authz tenants");
  }
  await withAuthz(options, (authz) => authz.deleteTenant(id));
  reportDone(`${id} is deleted`, { tenant: id, done: "delete" }, options);
}

async function create(id: string | undefined, options: TenantsOptions): Promise<void> {
  const { name } = options;
  const request = { ...(id === undefined ? {} : { id }), ...(name === undefined ? {} : { name }) };
  const made = await withAuthz(options, (authz) => authz.createTenant(request), { creates: true });
  print(options.json === true ? JSON.stringify(made) : made.id);
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
  else {
    const now = makeNodeHost().now();
    print(
      formatTable<TenantDescription>(
        [
          { title: "id", cell: (tenant) => tenant.id },
          { title: "name", cell: (tenant) => tenant.name, flexible: true },
          { title: "created", cell: ({ createdAt }) => formatAgo(createdAt, now), align: "right" },
          { title: "changed", cell: ({ updatedAt }) => formatAgo(updatedAt, now), align: "right" },
        ],
        all,
      ),
    );
  }
}
