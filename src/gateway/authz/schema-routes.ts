import type { WriteSchema } from "../../model/authz.ts";
import { type Answer, json } from "../exchange.ts";
import type { Ask, Route } from "../route.ts";
import { pageQuery, readPageQuery, tenantOf, tenantPath } from "./ask.ts";
import { readChoice, readFieldsOf, readFlag, readTextOf } from "./read.ts";
import { authzRef } from "./schemas.ts";
import type { AuthzSources } from "./sources.ts";

/** Schemas of a tenant. */
export function schemaRoutes(sources: AuthzSources): Route[] {
  return [
    {
      method: "POST",
      path: `${tenantPath}/schemas`,
      name: "writeSchema",
      summary: "Checks a schema against the data, and makes it the current one.",
      body: { required: true, description: "The schema.", schema: authzRef("AuthzWriteSchema") },
      answers: {
        201: { description: "It is the current one.", schema: authzRef("AuthzSchemaWritten") },
        200: {
          description: "A dry run: nothing is written.",
          schema: authzRef("AuthzSchemaWritten"),
        },
      },
      errors: ["schema-invalid", "schema-orphans", "unknown-tenant", "permission-denied"],
      run: (ask) => writeSchema(ask, sources),
    },
    {
      method: "GET",
      path: `${tenantPath}/schemas`,
      name: "listSchemas",
      summary: "Lists the schemas, the latest first.",
      query: pageQuery,
      answers: { 200: { description: "One page.", schema: authzRef("AuthzSchemaPage") } },
      errors: ["unknown-tenant", "permission-denied"],
      run: async (ask) => {
        const tenant = tenantOf(ask, "read", sources);
        return json(200, await tenant.schemas(readPageQuery(ask.query, ask.limits.authzPage)));
      },
    },
    {
      method: "GET",
      path: `${tenantPath}/schemas/{schema}`,
      name: "readSchema",
      summary: "Reads a schema by its id, or the one that is `current`.",
      answers: { 200: { description: "The schema.", schema: authzRef("AuthzSchema") } },
      errors: ["unknown-schema", "schema-missing", "unknown-tenant", "permission-denied"],
      run: async (ask) => {
        const tenant = tenantOf(ask, "read", sources);
        const id = ask.parameter("schema");
        return json(200, await tenant.readSchema(id === "current" ? undefined : id));
      },
    },
  ];
}

async function writeSchema(ask: Ask, sources: AuthzSources): Promise<Answer> {
  const tenant = tenantOf(ask, "schema", sources);
  const fields = readFieldsOf(ask.body.value, "The body", schemaFields);
  const { dryRun, orphans } = fields as { dryRun?: unknown; orphans?: unknown }; // as read
  const request: WriteSchema = {
    dialect: readChoice(fields["dialect"], "dialect", ["native", "openfga"]),
    text: readTextOf(fields["text"], "text"),
    ...(dryRun === undefined ? {} : { dryRun: readFlag(dryRun, "dryRun") }),
    ...(orphans === undefined
      ? {}
      : { orphans: readChoice(orphans, "orphans", ["refuse", "keep"]) }),
  };
  return json(request.dryRun === true ? 200 : 201, await tenant.writeSchema(request));
}

const schemaFields = new Set(["dialect", "text", "dryRun", "orphans"]);
