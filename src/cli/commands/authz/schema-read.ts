import type { Command } from "commander";
import { makeNodeHost } from "../../../host/node-host.ts";
import { formatTable } from "../../table.ts";
import { print, say, stderr } from "../../terminal.ts";
import { formatAgo } from "../../time.ts";
import { type AuthzOptions, addTenantOptions, withTenant } from "./ground.ts";

interface ReadOptions extends AuthzOptions {
  readonly list?: boolean;
}

export const examples: readonly (readonly [string, string])[] = [
  ["> schema.zed", "the current one, as it was written"],
  ["--list", "those there were, the latest first"],
];

export function define(command: Command): void {
  command
    .argument("[id]", "of an earlier one (default: the current one)")
    .option("--list", "list them");
  addTenantOptions(command).action(read);
}

async function read(id: string | undefined, options: ReadOptions): Promise<void> {
  if (options.list === true) return list(options);
  const schema = await withTenant(options, (tenant) => tenant.readSchema(id));
  print(options.json === true ? JSON.stringify(schema) : schema.text.trimEnd());
}

async function list(options: ReadOptions): Promise<void> {
  const page = await withTenant(options, (tenant) => tenant.schemas());
  if (options.json === true) {
    print(JSON.stringify(page));
    return;
  }
  const now = makeNodeHost().now();
  type Row = (typeof page.items)[number];
  print(
    formatTable<Row>(
      [
        { title: "id", cell: ({ id }) => id },
        { title: "dialect", cell: ({ dialect }) => dialect },
        { title: "written", cell: ({ createdAt }) => formatAgo(createdAt, now), align: "right" },
        { title: "characters", cell: ({ text }) => String(text.length), align: "right" },
      ],
      page.items,
    ),
  );
  if (page.next !== null) say(stderr.style.dim("there are more, older ones"));
}
