import { diffSchemas } from "../../../authz/schema/diff.ts";
import { requireRelation } from "../../../authz/schema/place.ts";
import { affectedBy, dependencies, type RelationRef } from "../../../authz/schema/reflect.ts";
import type { RelationDefinition, Schema } from "../../../authz/schema/schema.ts";
import { fail } from "../../../model/errors.ts";
import type { SpiceCall, SpiceOperation } from "./call.ts";
import { parseGiven, readCurrent } from "./current-schema.ts";
import { printToken, readConsistency } from "./nouns.ts";
import { printDifferences } from "./print-diff.ts";
import { SpiceReason } from "./reasons.ts";
import { reflect } from "./reflection.ts";

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
    const name = call.body.text("relationName");
    // Without a relation: of the objects themselves, wherever they are subjects.
    const ref = { type: call.body.text("definitionName"), name: name === "" ? null : name };
    const prefix = call.body.text("optionalDefinitionNameFilter");
    const found = affectedBy(schema, ref).filter(({ type }) => type.startsWith(prefix));
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
      type: call.body.text("definitionName"),
      name: call.body.text("permissionName"),
    };
    const relations = dependencies(schema, ref).map(printRef);
    if (!isPermission(requireRelation(schema, ref))) throw refuseRelation(ref.name);
    return { relations, readAt };
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

/**
 * `/v1/schema/…`. Some have several paths: those of the definition and of the talk differ, and there
 * are those from when they were an experiment.
 */
export const schemaOperations: readonly SpiceOperation[] = [
  readSchema,
  writeSchema,
  reflectSchema,
  { ...reflectSchema, path: "/experimental/reflectschema" },
  computable,
  { ...computable, path: "/schema/computablepermissions" },
  { ...computable, path: "/experimental/permissions/computable" },
  dependent,
  { ...dependent, path: "/schema/dependentrelations" },
  { ...dependent, path: "/experimental/permissions/dependent" },
  diff,
  { ...diff, path: "/experimental/diffschema" },
];

function isPermission({ rewrite }: RelationDefinition): boolean {
  return rewrite.kind !== "this";
}

function refuseRelation(relationName: string): Error {
  const details = {
    what: "permissionName",
    reason: `the relation ${relationName} is no permission`,
  };
  const reason = new SpiceReason("UNKNOWN_RELATION_OR_PERMISSION", { relationName });
  return fail("invalid-argument", details, reason);
}

function printRef({ type, name, kind }: RelationRef): unknown {
  return { definitionName: type, relationName: name, isPermission: kind === "permission" };
}

/** Which revision was asked for is checked; what the schema was at an old one is not kept apart. */
async function current(
  call: SpiceCall,
): Promise<{ readonly schema: Schema; readonly readAt: unknown }> {
  const consistency = readConsistency(call.body);
  if (!("zookie" in consistency)) {
    const { schema, zookie } = await readCurrent(call);
    return { schema, readAt: printToken(zookie) };
  }
  const { zookie } = await call.tenant.read({ limit: 1, consistency });
  return { schema: (await readCurrent(call)).schema, readAt: printToken(zookie) };
}
