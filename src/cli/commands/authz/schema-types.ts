import type { Command } from "commander";
import { generateTypes } from "../../../authz/schema/types.ts";
import { print } from "../../terminal.ts";
import { type AuthzOptions, addTenantOptions, withTenant } from "./ground.ts";
import { currentSchema, parseOrTell, readSchemaFile } from "./schema-file.ts";

export const examples: readonly (readonly [string, string])[] = [
  ["schema.zed > authz-types.ts", "from a file; no server is asked"],
  ["--tenant acme > authz-types.ts", "from the tenant's current schema"],
];

export function define(command: Command): void {
  command.argument("[file]", "a schema (default: the tenant's current one)");
  addTenantOptions(command).action(types);
}

async function types(file: string | undefined, options: AuthzOptions): Promise<void> {
  const schema =
    file === undefined
      ? await withTenant(options, (tenant) => currentSchema(tenant, options))
      : parseOrTell(await readSchemaFile(file), options).schema;
  const source = generateTypes(schema).trimEnd();
  print(options.json === true ? JSON.stringify({ source }) : source);
}
