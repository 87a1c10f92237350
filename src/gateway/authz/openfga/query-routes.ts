import type {
  CheckManyAnswer,
  CheckManyRequest,
  ExpandTree,
  Question,
  Verdict,
} from "../../../model/authz.ts";
import { HoldfastError } from "../../../model/errors.ts";
import type { Relationship } from "../../../model/relationship.ts";
import { type Answer, json } from "../../exchange.ts";
import type { Route } from "../../route.ts";
import type { Message } from "../proto.ts";
import type { AuthzSources } from "../sources.ts";
import { type FgaCall, type FgaOperation, storeRoute } from "./call.ts";
import { findInvalidTuple } from "./diagnosis.ts";
import { FgaRefusal, fgaRefusalOf, invalid, missingContext, toFga } from "./errors.ts";
import {
  matching,
  patterns,
  printUser,
  readFgaConsistency,
  readFgaObject,
  readFgaUser,
  readTupleKey,
  type TupleKey,
  toRelationship,
} from "./tuples.ts";

/** Check, batch check and expand. */
export function queryRoutes(sources: AuthzSources): Route[] {
  return operations.map((operation) => storeRoute(operation, sources));
}

const operations: readonly FgaOperation[] = [
  {
    method: "POST",
    path: "/check",
    name: "Check",
    summary: "Whether a user has a relation with an object.",
    right: "check",
    run: check,
  },
  {
    method: "POST",
    path: "/batch-check",
    name: "BatchCheck",
    summary: "Many checks at once.",
    right: "check",
    run: batchCheck,
  },
  {
    method: "POST",
    path: "/expand",
    name: "Expand",
    summary: "The users of a relation, one rewrite deep.",
    right: "check",
    run: expand,
  },
];

async function check({ ask, tenant, body }: FgaCall): Promise<Answer> {
  const key = readRequired(body, "tuple_key", "CheckRequestTupleKey");
  const { user, relation, object } = readTupleKey(key);
  const contextual = readContextualKeys(body);
  const model = body.text("authorization_model_id");
  try {
    const answer = await tenant.check({
      ...readFgaQuestion(body, contextual),
      resource: readFgaObject(object),
      permission: relation,
      subject: readFgaUser(user),
    });
    return json(200, { allowed: isAllowed(answer, object), resolution: "" });
  } catch (error) {
    const where = { tenant, model, limits: ask.limits };
    throw (await refuseContextual(error, contextual, where)) ?? asValidation(error);
  }
}

/** A conditional answer is none there: what it depends on has to be given. */
export function isAllowed(
  { verdict, missing }: { readonly verdict: Verdict; readonly missing: readonly string[] },
  object: string,
): boolean {
  if (verdict !== "conditional") return verdict === "yes";
  throw missingContext(object, missing);
}

/** What all questions have; `contextual` is read before, since its errors have another code. */
export function readFgaQuestion(body: Message, contextual: readonly TupleKey[]): Question {
  const model = body.text("authorization_model_id");
  const context = body.struct("context");
  return {
    consistency: readFgaConsistency(body),
    ...(contextual.length === 0 ? {} : { contextual: toContextual(contextual) }),
    ...(context === undefined ? {} : { context }),
    ...(model === "" ? {} : { schema: model }),
  };
}

export function readContextualKeys(body: Message): TupleKey[] {
  const keys = body.message("contextual_tuples", "ContextualTupleKeys");
  return (keys?.messages("tuple_keys", "TupleKey") ?? []).map(readTupleKey);
}

function toContextual(keys: readonly TupleKey[]): Relationship[] {
  try {
    return keys.map(toRelationship);
  } catch (error) {
    throw asInvalidTuple(fgaRefusalOf(error));
  }
}

/** Where an error comes from a contextual tuple: `invalid_tuple`. */
export async function refuseContextual(
  error: unknown,
  contextual: readonly TupleKey[],
  where: Parameters<typeof findInvalidTuple>[2],
): Promise<FgaRefusal | undefined> {
  const found = await findInvalidTuple(error, contextual, where);
  return found === undefined ? undefined : asInvalidTuple(found);
}

function asInvalidTuple({ message }: FgaRefusal): FgaRefusal {
  return new FgaRefusal("invalid_tuple", message);
}

/** A check has one code for whatever of it the model does not know. */
function asValidation(error: unknown): unknown {
  if (!(error instanceof HoldfastError)) return error;
  if (error.code !== "unknown-type" && error.code !== "unknown-relation") return error;
  return invalid(`invalid relation: ${toFga(error).message}`);
}

export function readRequired(body: Message, name: string, type: string): Message {
  const found = body.message(name, type);
  if (found !== undefined) return found;
  const field = name === "tuple_key" ? "TupleKey" : name;
  const message = `invalid ${body.type}.${field}: value is required`;
  throw new FgaRefusal(
    name === "tuple_key" ? "tuple_key_value_not_specified" : "validation_error",
    message,
  );
}

interface BatchItem {
  readonly id: string;
  readonly item: CheckManyRequest["items"][number];
  readonly contextual: readonly TupleKey[];
}

async function batchCheck({ ask, tenant, body }: FgaCall): Promise<Answer> {
  const result: Record<string, unknown> = {};
  const items: BatchItem[] = [];
  const seen = new Set<string>();
  for (const each of readChecks(body)) {
    const id = matching(each, "correlation_id", patterns.correlationId);
    if (seen.has(id)) throw invalid(`received duplicate correlation id: ${id}`);
    seen.add(id);
    // What the message itself must be is refused for the whole; what it says, in its place.
    const parts = readBatchParts(each);
    try {
      items.push({ id, ...toBatchItem(parts) });
    } catch (error) {
      define(result, id, printBatchError(error));
    }
  }
  // Contextual tuples hold for a whole question, so that checks with the same ones go together.
  const groups = Map.groupBy(items, ({ contextual }) => JSON.stringify(contextual));
  for (const group of groups.values()) {
    const contextual = group[0]?.contextual ?? [];
    try {
      const question = readFgaQuestion(body, contextual);
      const asked = { ...question, items: group.map(({ item }) => item) };
      printBatch(result, group, await tenant.checkMany(asked));
    } catch (error) {
      const where = {
        tenant,
        model: body.text("authorization_model_id"),
        limits: ask.limits,
      };
      const found = await refuseContextual(error, contextual, where);
      if (found === undefined) throw error;
      for (const { id } of group) define(result, id, printBatchError(found));
    }
  }
  return json(200, { result });
}

function readChecks(body: Message): Message[] {
  const checks = body.messages("checks", "BatchCheckItem");
  if (checks.length > 0) return checks;
  throw invalid("invalid BatchCheckRequest.Checks: value must contain at least 1 item(s)");
}

function readBatchParts(message: Message) {
  const key = readTupleKey(readRequired(message, "tuple_key", "CheckRequestTupleKey"));
  return { key, contextual: readContextualKeys(message), context: message.struct("context") };
}

function toBatchItem(parts: ReturnType<typeof readBatchParts>): Omit<BatchItem, "id"> {
  const { key, contextual, context } = parts;
  const item = {
    resource: readFgaObject(key.object),
    permission: key.relation,
    subject: readFgaUser(key.user),
  };
  return { item: context === undefined ? item : { ...item, context }, contextual };
}

function printBatch(
  result: Record<string, unknown>,
  group: readonly BatchItem[],
  { items }: CheckManyAnswer,
): void {
  for (const [index, { id, item }] of group.entries()) {
    const answer = items[index];
    if (answer === undefined) continue;
    try {
      if ("error" in answer) throw asValidation(answer.error);
      const object = `${item.resource.type}:${item.resource.id}`;
      define(result, id, { allowed: isAllowed(answer, object) });
    } catch (error) {
      define(result, id, printBatchError(error));
    }
  }
}

function printBatchError(error: unknown): unknown {
  const { code, message, status } = fgaRefusalOf(error);
  const kind = status >= 500 ? "internal_error" : "input_error";
  return { error: { [kind]: code, message } };
}

/** Correlation ids come from outside: `__proto__` is one like any other. */
function define(result: Record<string, unknown>, id: string, value: unknown): void {
  Object.defineProperty(result, id, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

async function expand({ ask, tenant, body }: FgaCall): Promise<Answer> {
  const key = readRequired(body, "tuple_key", "ExpandRequestTupleKey");
  const contextual = readContextualKeys(body);
  const object = key.text("object");
  const relation = key.text("relation");
  if (object === "" || relation === "") {
    const message = "Invalid input. Make sure you provide an object and a relation";
    throw new FgaRefusal("invalid_expand_input", message);
  }
  try {
    const { tree } = await tenant.expand({
      ...readFgaQuestion(body, contextual),
      resource: readFgaObject(matching(key, "object", patterns.object)),
      permission: matching(key, "relation", patterns.relation),
    });
    return json(200, { tree: { root: printTree(tree) } });
  } catch (error) {
    const model = body.text("authorization_model_id");
    const found = await refuseContextual(error, contextual, { tenant, model, limits: ask.limits });
    if (found !== undefined) throw found;
    const refusal = error instanceof HoldfastError ? toFga(error) : undefined;
    const isUnknown = refusal?.code === "type_not_found" || refusal?.code === "relation_not_found";
    throw isUnknown ? invalid(refusal.message) : error;
  }
}

function printTree(tree: ExpandTree): unknown {
  const { of } = tree;
  const name = printUser(of);
  switch (tree.kind) {
    case "union":
    case "intersection":
      return { name, [tree.kind]: { nodes: tree.children.map(printTree) } };
    case "exclusion": {
      const [base, subtract] = tree.children.map(printTree);
      return { name, difference: { base, subtract } };
    }
    case "leaf": {
      const users = [...new Set(tree.subjects.map(printUser))].sort();
      return { name, leaf: { users: { users } } };
    }
    case "computed": {
      const usersets = tree.usersets.map((userset) => ({ userset: printUser(userset) }));
      if (tree.over === undefined) return { name, leaf: { computed: usersets[0] } };
      const tupleset = printUser({ ...of, relation: tree.over });
      return { name, leaf: { tupleToUserset: { tupleset, computed: usersets } } };
    }
  }
}
