import type { Change, RelationshipPage, TenantPort } from "../../../model/authz.ts";
import { HoldfastError } from "../../../model/errors.ts";
import type {
  Relationship,
  RelationshipFilter,
  RelationshipUpdate,
} from "../../../model/relationship.ts";
import { type Answer, json } from "../../exchange.ts";
import type { Route } from "../../route.ts";
import type { Message } from "../proto.ts";
import { printTime } from "../proto.ts";
import type { AuthzSources } from "../sources.ts";
import {
  decodeToken,
  encodeToken,
  type FgaCall,
  type FgaOperation,
  readPageSize,
  storeRoute,
} from "./call.ts";
import { findInvalidTuple } from "./diagnosis.ts";
import { FgaRefusal, invalid, refuseToken } from "./errors.ts";
import {
  InvalidTuple,
  matching,
  patterns,
  readFgaConsistency,
  readFgaUser,
  readTupleKey,
  splitObject,
  type TupleKey,
  toRelationship,
  toTupleKey,
} from "./tuples.ts";

/** Writing, reading, and what changed. */
export function tupleRoutes(sources: AuthzSources): Route[] {
  return operations.map((operation) => storeRoute(operation, sources));
}

const operations: readonly FgaOperation[] = [
  {
    method: "POST",
    path: "/write",
    name: "Write",
    summary: "Writes and deletes tuples: all of it, or nothing.",
    right: "write",
    run: write,
  },
  {
    method: "POST",
    path: "/read",
    name: "Read",
    summary: "Reads stored tuples.",
    right: "read",
    run: read,
  },
  {
    method: "GET",
    path: "/changes",
    name: "ReadChanges",
    summary: "Reads what was written and deleted, oldest first.",
    right: "read",
    run: readChanges,
  },
];

async function write({ ask, tenant, body }: FgaCall): Promise<Answer> {
  const writes = body.message("writes", "WriteRequestWrites");
  const deletes = body.message("deletes", "WriteRequestDeletes");
  const written = readTuples(writes, "TupleKey");
  const deleted = readTuples(deletes, "TupleKeyWithoutCondition");
  if (written.length + deleted.length === 0) throw nothingToWrite;
  refuseDuplicates([...deleted, ...written]);
  const model = body.text("authorization_model_id");
  const updates: RelationshipUpdate[] = [
    ...deleted.map((key) => ({ operation: "delete" as const, relationship: toRelationship(key) })),
    ...written.map((key) => ({ operation: "create" as const, relationship: toWritten(key) })),
  ];
  const onExisting = readIgnore(writes, "on_duplicate");
  try {
    await tenant.write({
      updates,
      onExisting,
      // As there, no model is asked about what is deleted: what it does not know is not there.
      onMissing: readIgnore(deletes, "on_missing"),
      ...(model === "" ? {} : { schema: model }),
    });
  } catch (error) {
    const where = { tenant, model, limits: ask.limits };
    const invalid = await findInvalidTuple(error, [...written, ...deleted], where);
    throw invalid ?? refuseWrite(error, onExisting);
  }
  return json(200, {});
}

function readTuples(message: Message | undefined, type: string): TupleKey[] {
  if (message === undefined) return [];
  const keys = message.messages("tuple_keys", type);
  if (keys.length > 0) return keys.map(readTupleKey);
  throw invalid(`invalid ${message.type}.TupleKeys: value must contain at least 1 item(s)`);
}

const nothingToWrite = new FgaRefusal(
  "invalid_write_input",
  "Invalid input. Make sure you provide at least one write, or at least one delete",
);

function readIgnore(message: Message | undefined, name: string): "refuse" | "ignore" {
  const option = message?.text(name) ?? "";
  if (option === "" || option === "error") return "refuse";
  if (option === "ignore") return "ignore";
  throw invalid(`invalid ${name} option: ${option}`);
}

function toWritten(key: TupleKey): Relationship {
  if (key.user === `${key.object}#${key.relation}`) {
    throw new InvalidTuple(key, "cannot write a tuple that is implicit");
  }
  return toRelationship(key);
}

function refuseDuplicates(keys: readonly TupleKey[]): void {
  const seen = new Set<string>();
  for (const { user, relation, object } of keys) {
    const key = `${object}#${relation}@${user}`;
    if (seen.has(key)) {
      throw new FgaRefusal(
        "cannot_allow_duplicate_tuples_in_one_request",
        `duplicate tuple in write: user: '${user}', relation: '${relation}', object: '${object}'`,
      );
    }
    seen.add(key);
  }
}

function refuseWrite(error: unknown, onExisting: "refuse" | "ignore"): unknown {
  if (!(error instanceof HoldfastError)) return error;
  const isThere = error.code === "relationship-exists";
  if (!isThere && error.code !== "relationship-missing") return error;
  const text = String(error.details["relationship"]);
  const hash = text.indexOf("#");
  const at = text.indexOf("@", hash);
  const [object, relation, user] = [
    text.slice(0, hash),
    text.slice(hash + 1, at),
    text.slice(at + 1),
  ];
  const tuple = `user: '${user}', relation: '${relation}', object: '${object}'`;
  // Those that are the same were ignored.
  if (isThere && onExisting === "ignore") {
    const message = `transactional write failed due to conflict: attempted to write a tuple which already exists with a different condition: ${tuple}`;
    return new FgaRefusal("Aborted", message, 409);
  }
  const problem = isThere
    ? "cannot write a tuple which already exists"
    : "cannot delete a tuple which does not exist";
  return new FgaRefusal(
    "write_failed_due_to_invalid_input",
    `${problem}: ${tuple}: tuple to be written already existed or the tuple to be deleted did not exist`,
  );
}

async function read({ tenant, body }: FgaCall): Promise<Answer> {
  const key = body.message("tuple_key", "ReadRequestTupleKey");
  const filter = key === undefined ? undefined : readReadFilter(key);
  const size = body.has("page_size") ? body.count("page_size") : undefined;
  const after = decodeToken(body.text("continuation_token"));
  const request = {
    limit: readPageSize(size, "Read"),
    consistency: readFgaConsistency(body),
    ...(filter === undefined ? {} : { filter }),
    ...(after === undefined ? {} : { after }),
  };
  const page = await tenant.read(request).catch(noneOfUnknown);
  const tuples = page.items.map((item) => ({
    key: toTupleKey(item),
    timestamp: printTime(item.writtenAt),
  }));
  return json(200, { tuples, continuation_token: encodeToken(page.next) });
}

/** No model is asked there: of what none knows there are no tuples. */
function noneOfUnknown(error: unknown): Pick<RelationshipPage, "items" | "next"> {
  const isUnknown =
    error instanceof HoldfastError &&
    (error.code === "unknown-type" || error.code === "unknown-relation");
  if (isUnknown) return { items: [], next: null };
  throw error;
}

function readReadFilter(key: Message): RelationshipFilter {
  const object = key.text("object");
  const relation = key.text("relation") === "" ? "" : matching(key, "relation", patterns.relation);
  const user = key.text("user");
  const colon = object.indexOf(":");
  const type = colon < 0 ? object : object.slice(0, colon);
  const id = colon < 0 ? "" : object.slice(colon + 1);
  if (type === "" || (id === "" && user === "")) {
    throw invalid(
      "the 'tuple_key' field was provided but the object type field is required and both the object id and user cannot be empty",
    );
  }
  if (user !== "" && splitObject(user.split("#")[0] ?? "") === undefined) {
    throw invalid(
      `invalid ReadRequestTupleKey.User: value does not match regex pattern "^[^\\\\s]{1,511}:[^\\\\s]{1,511}$"`,
    );
  }
  return {
    resourceType: type,
    ...(id === "" ? {} : { resourceId: id }),
    ...(relation === "" ? {} : { relation }),
    ...(user === "" ? {} : readUserFilter(user)),
  };
}

function readUserFilter(user: string): RelationshipFilter {
  const { type, id, relation } = readFgaUser(user);
  return { subjectType: type, subjectId: id, subjectRelation: relation ?? null };
}

/** Where the next page of changes begins: in the middle of a transaction, maybe. */
interface Place {
  readonly type: string;
  /** The port's `after`; absent: from the start. */
  readonly after?: string;
  /** How many tuples of the transaction behind it have been told. */
  readonly told: number;
}

async function readChanges({ ask, tenant }: FgaCall): Promise<Answer> {
  const { query } = ask;
  const size = readPageSize(query.get("page_size"), "ReadChanges");
  const type = query.get("type") ?? "";
  if (!/^[^:#\s]{0,254}$/u.test(type)) {
    throw new FgaRefusal(
      "type_invalid_pattern",
      `invalid ReadChangesRequest.Type: value does not match regex pattern "^[^:#\\\\s]{1,254}$"`,
    );
  }
  const token = query.get("continuation_token") ?? "";
  const place = readPlace(token, type);
  const since = place === undefined ? readStartTime(query.get("start_time")) : undefined;
  const found = await collectChanges(tenant, place ?? { type, told: 0 }, { size, since });
  const { changes, next } = found;
  // As there: without anything new the token stays as it was. What was passed over is behind it, so
  // that a client who asks on and on does not fall out of the history.
  const isOld = changes.length === 0 && (token === "" || next.after === place?.after);
  const continuation_token = isOld ? token : encodeToken(JSON.stringify(next));
  return json(200, { changes, continuation_token });
}

function readPlace(token: string, type: string): Place | undefined {
  const text = decodeToken(token);
  if (text === undefined) return undefined;
  const place = parsePlace(text);
  if (place === undefined) throw refuseToken();
  if (place.type === type) return place;
  throw new FgaRefusal(
    "query_string_type_continuation_token_mismatch",
    "The type in the querystring and the continuation token don't match",
  );
}

function parsePlace(text: string): Place | undefined {
  try {
    const { type, after, told } = JSON.parse(text) as Record<string, unknown>; // or null, and throws
    if (typeof type !== "string" || typeof told !== "number" || !(told >= 0)) return undefined;
    if (after === undefined) return { type, told };
    return typeof after === "string" ? { type, after, told } : undefined;
  } catch {
    return undefined;
  }
}

function readStartTime(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const at = Date.parse(text);
  if (!Number.isNaN(at)) return at;
  throw invalid(`parsing field "start_time": invalid time format`);
}

/** Tuples out of whole transactions, until the page is full. Those of models have none. */
async function collectChanges(
  tenant: TenantPort,
  from: Place,
  { size, since }: { readonly size: number; readonly since: number | undefined },
): Promise<{ readonly changes: unknown[]; readonly next: Place }> {
  const { type } = from;
  const changes: unknown[] = [];
  let { after, told } = from;
  for (;;) {
    const page = await tenant.changes({
      limit: size,
      ...(after === undefined ? {} : { after }),
      ...(type === "" ? {} : { resourceTypes: [type] }),
      ...(since === undefined ? {} : { since }),
    });
    for (const change of page.items) {
      const tuples = change.updates.slice(told).map((update) => printChange(update, change));
      const room = size - changes.length;
      changes.push(...tuples.slice(0, room));
      if (tuples.length > room) {
        const place = { type, told: told + room };
        return { changes, next: after === undefined ? place : { ...place, after } };
      }
      told = 0;
      after = change.zookie;
    }
    const isEnd = page.items.length === 0;
    if (isEnd || changes.length > 0) return { changes, next: { type, after: page.next, told: 0 } };
    after = page.next;
  }
}

function printChange(
  { operation, relationship }: Change["updates"][number],
  { at }: Change,
): unknown {
  const isDelete = operation === "delete";
  return {
    tuple_key: toTupleKey(relationship),
    operation: isDelete ? "TUPLE_OPERATION_DELETE" : "TUPLE_OPERATION_WRITE",
    timestamp: printTime(at),
  };
}
