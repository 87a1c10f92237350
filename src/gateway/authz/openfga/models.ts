import { acceptedSchema } from "../../../authz/schema/dialect.ts";
import { toOpenfgaJson } from "../../../authz/schema/openfga/to-json.ts";
import type { SchemaDescription } from "../../../model/authz.ts";
import type { Limits } from "../../../model/limits.ts";
import { type Answer, json } from "../../exchange.ts";
import type { Route } from "../../route.ts";
import type { AuthzSources } from "../sources.ts";
import {
  decodeToken,
  encodeToken,
  type FgaCall,
  type FgaOperation,
  readPageSize,
  storeRoute,
} from "./call.ts";
import { FgaRefusal, invalid } from "./errors.ts";

/** `/stores/{store_id}/authorization-models`: a model is a schema, as it was written. */
export function modelRoutes(sources: AuthzSources): Route[] {
  return operations.map((operation) => storeRoute(operation, sources));
}

const operations: readonly FgaOperation[] = [
  {
    method: "POST",
    path: "/authorization-models",
    name: "WriteAuthorizationModel",
    summary: "Writes a model; it is the latest from then on.",
    right: "schema",
    run: writeModel,
  },
  {
    method: "GET",
    path: "/authorization-models",
    name: "ReadAuthorizationModels",
    summary: "Lists the models, the latest first.",
    right: "read",
    run: listModels,
  },
  {
    method: "GET",
    path: "/authorization-models/{id}",
    name: "ReadAuthorizationModel",
    summary: "Reads a model.",
    right: "read",
    run: async ({ ask, tenant }) => {
      const description = await tenant.readSchema(ask.parameter("id"));
      return json(200, { authorization_model: printModel(description, ask.limits) });
    },
  },
];

/** Clients of the first days give none. */
const versions: readonly string[] = ["", "1.0", "1.1", "1.2"];

async function writeModel({ tenant, body }: FgaCall): Promise<Answer> {
  if (body.list("type_definitions").length === 0) {
    const message =
      "invalid WriteAuthorizationModelRequest.TypeDefinitions: value must contain at least 1 item(s)";
    throw new FgaRefusal("type_definitions_too_few_items", message);
  }
  const version = body.text("schema_version");
  if (!versions.includes(version)) {
    throw invalid(
      "invalid WriteAuthorizationModelRequest.SchemaVersion: value must be in list [1.0 1.1 1.2]",
    );
  }
  const text = JSON.stringify({
    schema_version: version === "" ? "1.1" : version,
    type_definitions: body.list("type_definitions"),
    conditions: body.struct("conditions") ?? {},
  });
  const { id } = await tenant.writeSchema({ dialect: "openfga", text });
  return json(201, { authorization_model_id: id });
}

async function listModels({ ask, tenant }: FgaCall): Promise<Answer> {
  const { query, limits } = ask;
  const limit = readPageSize(query.get("page_size"), "ReadAuthorizationModels");
  const after = decodeToken(query.get("continuation_token"));
  const page = await tenant.schemas(after === undefined ? { limit } : { limit, after });
  const models = page.items
    .filter(({ dialect }) => dialect === "openfga")
    .map((description) => printModel(description, limits));
  return json(200, { authorization_models: models, continuation_token: encodeToken(page.next) });
}

function printModel(description: SchemaDescription, limits: Limits): unknown {
  if (description.dialect !== "openfga") {
    throw invalid(`the schema '${description.id}' is not written in OpenFGA's language`);
  }
  return { id: description.id, ...toOpenfgaJson(acceptedSchema(description, limits)) };
}
