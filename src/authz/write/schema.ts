import type { AuthzChange, AuthzOutcome, SchemaProblemDescription } from "../../model/authz.ts";
import { fail } from "../../model/errors.ts";
import { formatRelationship, type Relationship } from "../../model/relationship.ts";
import type { RelationWrites } from "../../store/relations.ts";
import { namesOfSchema } from "../check/schema-names.ts";
import { schemaNamesMax } from "../graph/objects.ts";
import { namesOfRow, relationshipOfRow } from "../rows.ts";
import { parseSchema } from "../schema/dialect.ts";
import { lintSchema } from "../schema/lint.ts";
import { placeFor } from "../schema/place.ts";
import type { Schema, SchemaProblem } from "../schema/schema.ts";
import type { PlanOptions } from "./apply.ts";
import type { Ground } from "./ground.ts";

type SchemaChange = Extract<AuthzChange, { readonly kind: "schema" }>;

/** How many orphans are named. */
const orphansNamed = 100;

/** A new schema of a tenant. Throws `schema-invalid`, `schema-orphans`, `limit-exceeded`, and nothing has changed. */
export function applySchema(
  { id, request }: SchemaChange,
  options: PlanOptions & { readonly writes: RelationWrites },
): AuthzOutcome {
  const { tenant, revision, now, writes } = options;
  const { dialect, text, dryRun } = request;
  const { schema, problems } = parseSchema(text, { dialect, limits: tenant.limits });
  if (schema === null) throw invalid(problems);
  const told = [...problems, ...lintSchema(schema)].map(describe);
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
  const [first] = orphans;
  if (refuse && first !== undefined) {
    throw fail("schema-orphans", { count, example: formatRelationship(first) });
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

function invalid(problems: readonly SchemaProblem[]): Error {
  const errors = problems.filter(({ severity }) => severity === "error");
  const [first] = errors;
  const place = first === undefined ? "" : `line ${first.at.line}, column ${first.at.column}: `;
  const suggestion = first?.suggestion === undefined ? "" : ` ${first.suggestion}`;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const reason = `${place}${first?.message ?? "it is empty"}${suggestion}${more}`;
  return fail("schema-invalid", {
    reason,
    line: first?.at.line ?? 1,
    column: first?.at.column ?? 1,
    problem: first?.code ?? "empty",
  });
}

function describe({
  code,
  severity,
  message,
  at,
  suggestion,
}: SchemaProblem): SchemaProblemDescription {
  return {
    code,
    severity,
    message,
    line: at.line,
    column: at.column,
    ...(suggestion === undefined ? {} : { suggestion }),
  };
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
