import { done, json } from "../../exchange.ts";
import type { Route } from "../../route.ts";
import type { Message } from "../proto.ts";
import type { AuthzSources } from "../sources.ts";
import { type FgaCall, type FgaOperation, storeRoute } from "./call.ts";
import { FgaRefusal, invalid } from "./errors.ts";
import { readModel } from "./models.ts";
import { readRequired } from "./query-routes.ts";
import {
  readFgaObject,
  readFgaUser,
  readTupleKey,
  type TupleKey,
  toRelationship,
} from "./tuples.ts";

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
      await readModel({ tenant, id: model });
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
  await readModel({ tenant, id: model });
  await tenant.writeDocument(documentOf(model), JSON.stringify(list.map(readAssertion)));
  return done;
}

function readAssertion(message: Message): unknown {
  const key: TupleKey = readTupleKey(readRequired(message, "tuple_key", "AssertionTupleKey"));
  readFgaObject(key.object);
  readFgaUser(key.user);
  const contextual = message.messages("contextual_tuples", "TupleKey").map(readTupleKey);
  for (const each of contextual) toRelationship(each);
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

function documentOf(model: string): string {
  return `openfga/assertions/${model}`;
}
