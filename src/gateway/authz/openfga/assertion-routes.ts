import { acceptedSchema } from "../../../authz/schema/dialect.ts";
import { requireRelation } from "../../../authz/schema/place.ts";
import type { Schema } from "../../../authz/schema/schema.ts";
import { done, json } from "../../exchange.ts";
import type { Route } from "../../route.ts";
import type { Message } from "../proto.ts";
import type { AuthzSources } from "../sources.ts";
import { type FgaCall, type FgaOperation, storeRoute } from "./call.ts";
import { requireTuple } from "./diagnosis.ts";
import { FgaRefusal, fgaRefusalOf, invalid } from "./errors.ts";
import { readRequired } from "./query-routes.ts";
import { readFgaObject, readFgaUser, readTupleKey, type TupleKey } from "./tuples.ts";

/** Assertions: kept beside the model they are for, and run by tools. */
export function assertionRoutes(sources: AuthzSources): Route[] {
  return operations.map((operation) => storeRoute(operation, sources));
}

const path = "/assertions/{authorization_model_id}";
const assertionsMax = 100;

const operations: readonly FgaOperation[] = [
  {
    method: "GET",
    path,
    name: "ReadAssertions",
    summary: "Reads the assertions about a model.",
    right: "read",
    run: async ({ ask, tenant }) => {
      const model = ask.parameter("authorization_model_id");
      await tenant.readSchema(model);
      const text = await tenant.readDocument(documentOf(model));
      const assertions: unknown = text === null ? [] : JSON.parse(text);
      return json(200, { authorization_model_id: model, assertions });
    },
  },
  {
    method: "PUT",
    path,
    name: "WriteAssertions",
    summary: "Replaces the assertions about a model.",
    right: "schema",
    run: writeAssertions,
  },
];

async function writeAssertions({ ask, tenant, body }: FgaCall): Promise<typeof done> {
  const model = ask.parameter("authorization_model_id");
  const list = body.messages("assertions", "Assertion");
  if (list.length > assertionsMax) {
    throw new FgaRefusal(
      "assertions_too_many_items",
      `invalid WriteAssertionsRequest.Assertions: value must contain no more than ${assertionsMax} item(s)`,
    );
  }
  const schema = acceptedSchema(await tenant.readSchema(model), ask.limits);
  const assertions = list.map((message) => readAssertion(message, schema));
  await tenant.writeDocument(documentOf(model), JSON.stringify(assertions));
  return done;
}

/** Held to the model like a check, and its tuples like those that are written. */
function readAssertion(message: Message, schema: Schema): unknown {
  const key: TupleKey = readTupleKey(readRequired(message, "tuple_key", "AssertionTupleKey"));
  const { type, relation } = readFgaUser(key.user);
  requireName(schema, { type, name: relation ?? "" });
  requireName(schema, { type: readFgaObject(key.object).type, name: key.relation });
  const contextual = message.messages("contextual_tuples", "TupleKey").map(readTupleKey);
  for (const each of contextual) requireTuple(schema, each);
  if (contextual.length > 20) {
    throw invalid("invalid Assertion.ContextualTuples: value must contain no more than 20 item(s)");
  }
  const context = message.struct("context");
  return {
    tuple_key: { object: key.object, relation: key.relation, user: key.user },
    expectation: message.flag("expectation"),
    contextual_tuples: contextual,
    ...(context === undefined ? {} : { context }),
  };
}

/** Without a name it is the type alone. */
function requireName(schema: Schema, of: { readonly type: string; readonly name: string }): void {
  if (of.name === "" && schema.types.has(of.type)) return;
  try {
    requireRelation(schema, of);
  } catch (error) {
    throw invalid(fgaRefusalOf(error).message);
  }
}

function documentOf(model: string): string {
  return `openfga/assertions/${model}`;
}
