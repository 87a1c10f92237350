import { acceptedSchema } from "../../../authz/schema/dialect.ts";
import { diffSchemas } from "../../../authz/schema/diff.ts";
import { parseNativeSchema } from "../../../authz/schema/native/parse.ts";
import {
  affectedPermissions,
  dependencies,
  type RelationRef,
} from "../../../authz/schema/reflect.ts";
import type { Schema } from "../../../authz/schema/schema.ts";
import type { TenantPort } from "../../../model/authz.ts";
import { fail, HoldfastError } from "../../../model/errors.ts";
import type { Limits } from "../../../model/limits.ts";
import type { Route } from "../../route.ts";
import type { AuthzSources } from "../sources.ts";
import { type SpiceCall, type SpiceOperation, spiceRoute } from "./call.ts";
import { printToken, requiredText } from "./nouns.ts";
import { printDifferences } from "./print-diff.ts";
import { reflect } from "./reflection.ts";

/** `/v1/schema/…`. Some have two paths, since those of the definition and of the talk differ. */
export function spiceSchemaRoutes(sources: AuthzSources): Route[] {
  return operations.map((operation) => spiceRoute(operation, sources));
}

const readSchema: SpiceOperation = {
  path: "/schema/read",
  name: "ReadSchema",
  summary: "Reads the current schema.",
  right: "read",
  run: async ({ tenant }) => {
    const { text, zookie } = await tenant.readSchema();
    return { schemaText: text, readAt: printToken(zookie) };
  },
};

const writeSchema: SpiceOperation = {
  path: "/schema/write",
  name: "WriteSchema",
  summary: "Writes the schema; on a new server it creates the tenant `default` with it.",
  right: "schema",
  creates: true,
  run: async ({ tenant, body }) => {
    const text = body.text("schema");
    const { zookie } = await tenant.writeSchema({ dialect: "native", text });
    return { writtenAt: printToken(zookie) };
  },
};

const reflectSchema: SpiceOperation = {
  path: "/schema/reflectschema",
  name: "ReflectSchema",
  summary: "The schema as data.",
  right: "read",
  run: async (call) => {
    const { schema, readAt } = await current(call);
    return { ...reflect(schema, call.body), readAt };
  },
};

const computable: SpiceOperation = {
  path: "/schema/permissions/computable",
  name: "ComputablePermissions",
  summary: "The permissions that are computed from a relation.",
  right: "read",
  run: async (call) => {
    const { schema, readAt } = await current(call);
    const ref = {
      type: requiredText(call.body, "definitionName"),
      name: requiredText(call.body, "relationName"),
    };
    const prefix = call.body.text("optionalDefinitionNameFilter");
    const found = affectedPermissions(schema, ref).filter(({ type }) => type.startsWith(prefix));
    return { permissions: found.map(printRef), readAt };
  },
};

const dependent: SpiceOperation = {
  path: "/schema/permissions/dependent",
  name: "DependentRelations",
  summary: "The relations and permissions that a permission is computed from.",
  right: "read",
  run: async (call) => {
    const { schema, readAt } = await current(call);
    const ref = {
      type: requiredText(call.body, "definitionName"),
      name: requiredText(call.body, "permissionName"),
    };
    return { relations: dependencies(schema, ref).map(printRef), readAt };
  },
};

const diff: SpiceOperation = {
  path: "/schema/diffschema",
  name: "DiffSchema",
  summary: "How another schema differs from the current one.",
  right: "read",
  run: async (call) => {
    const { schema, readAt } = await current(call);
    const other = parseGiven(call.body.text("comparisonSchema"), call.ask.limits);
    const differences = diffSchemas(schema, other);
    return { diffs: printDifferences(differences, { before: schema, after: other }), readAt };
  },
};

const operations: readonly SpiceOperation[] = [
  readSchema,
  writeSchema,
  reflectSchema,
  computable,
  { ...computable, path: "/schema/computablepermissions" },
  dependent,
  { ...dependent, path: "/schema/dependentrelations" },
  diff,
];

function printRef({ type, name, kind }: RelationRef): unknown {
  return { definitionName: type, relationName: name, isPermission: kind === "permission" };
}

async function current({
  ask,
  tenant,
}: SpiceCall): Promise<{ readonly schema: Schema; readonly readAt: unknown }> {
  const { schema, zookie } = await readCurrent(tenant, ask.limits);
  return { schema, readAt: printToken(zookie) };
}

async function readCurrent(
  tenant: TenantPort,
  limits: Limits,
): Promise<{ readonly schema: Schema; readonly zookie: string }> {
  try {
    const description = await tenant.readSchema();
    return { schema: acceptedSchema(description, limits), zookie: description.zookie };
  } catch (error) {
    // With this API a server without a schema has the empty one.
    if (!(error instanceof HoldfastError) || error.code !== "schema-missing") throw error;
    const { zookie } = await tenant.read({ limit: 1 });
    return { schema: parseGiven("", limits), zookie };
  }
}

function parseGiven(text: string, limits: Limits): Schema {
  const { schema, problems } = parseNativeSchema(text, limits);
  if (schema !== null) return schema;
  const [first] = problems.filter(({ severity }) => severity === "error");
  const at = first === undefined ? "" : `line ${first.at.line}, column ${first.at.column}: `;
  throw fail("schema-invalid", { reason: `${at}${first?.message ?? "it cannot be read"}` });
}
