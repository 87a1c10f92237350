import type { AuthzChange, AuthzOutcome } from "../../model/authz.ts";
import { fail } from "../../model/errors.ts";
import { formatRelationship, type Relationship } from "../../model/relationship.ts";
import type { RelationWrites } from "../../store/relations.ts";
import { namesOfSchema } from "../check/schema-names.ts";
import { schemaNamesMax } from "../graph/objects.ts";
import { namesOfRow, relationshipOfRow } from "../rows.ts";
import { parseSchema } from "../schema/dialect.ts";
import { lintSchema } from "../schema/lint.ts";
import { placeFor } from "../schema/place.ts";
import { describeProblem, schemaInvalid } from "../schema/problem.ts";
import type { Schema } from "../schema/schema.ts";
import type { PlanOptions } from "./apply.ts";
import type { Ground } from "./ground.ts";

type SchemaChange = Extract<AuthzChange, { readonly kind: "schema" }>;

/** How many orphans are named. */
const orphansNamed = 100;
/** How many of them a refusal names. */
const orphansShown = 5;

/** A new schema of a tenant. Throws `schema-invalid`, `schema-orphans`, `limit-exceeded`, and nothing has changed. */
export function applySchema(
  { id, request }: SchemaChange,
  options: PlanOptions & { readonly writes: RelationWrites },
): AuthzOutcome {
  const { tenant, revision, now, writes } = options;
  const { dialect, text, dryRun } = request;
  const { schema, problems } = parseSchema(text, { dialect, limits: tenant.limits });
  if (schema === null) throw schemaInvalid(problems);
  const told = [...problems, ...lintSchema(schema)].map(describeProblem);
  const { orphans, count, names } = findOrphans(options.ground, schema);
  // Otherwise a graph would not have numbers for all that its tenant asks it.
  const most = Math.min(tenant.limits.authzNames, schemaNamesMax);
  if (names > most) {
    const what = "the schema together with what is stored";
    throw fail("limit-exceeded", { limit: "authzNames", max: most, what });
  }
  const refuse = (request.orphans ?? (dialect === "native" ? "refuse" : "keep")) === "refuse";
  const outcome = { problems: told, orphans, orphanCount: count };
  if (dryRun === true) {
    const at = tenant.applied;
    return { revision: at, zookie: tenant.zookies.make(at), ...outcome };
  }
  if (refuse && count > 0) {
    const shown = orphans.slice(0, orphansShown).map(formatRelationship).join(", ");
    const examples = count > orphansShown ? `${shown} and others` : shown;
    throw fail("schema-orphans", { count, examples });
  }
  const row = { tenant: tenant.number, id, revision, dialect, text, createdAt: now };
  writes.putSchemas.push(row);
  writes.putTenants.push({ ...tenant.row, schema: id, updatedAt: now });
  const log = JSON.stringify({ updates: [], schema: id });
  const commit = { tenant: tenant.number, revision, at: now, inserts: [], deletes: [], log };
  writes.relations.push(commit);
  tenant.recent.push(commit);
  tenant.addSchema(row, schema);
  tenant.currentSchema = id;
  tenant.updatedAt = now;
  return { revision, zookie: tenant.zookies.make(revision), ...outcome };
}

/**
 * Looks at every relationship: a million take about a second. Tells how many names the schema and
 * what has no place in it have together: what has one is named by the schema.
 */
function findOrphans(
  ground: Ground,
  schema: Schema,
): { orphans: readonly Relationship[]; count: number; names: number } {
  const orphans: Relationship[] = [];
  const names = new Set(namesOfSchema(schema));
  let count = 0;
  for (const row of ground.all()) {
    const relationship = relationshipOfRow(row);
    if (placeFor(schema, relationship) === null) continue;
    count++;
    for (const name of namesOfRow(row)) names.add(name);
    if (orphans.length < orphansNamed) orphans.push(relationship);
  }
  return { orphans, count, names: names.size };
}
