import { compareBytes } from "../../../authz/order.ts";
import type {
  CheckItem,
  CheckManyAnswer,
  CheckManyRequest,
  ExpandTree,
  FoundResource,
  FoundSubject,
  TenantPort,
} from "../../../model/authz.ts";
import { type SubjectRef, wildcardId } from "../../../model/relationship.ts";
import type { Message } from "../proto.ts";
import { checkCount } from "../read.ts";
import type { SpiceCall, SpiceOperation } from "./call.ts";
import { printDebug, readUsed } from "./debug.ts";
import { spiceError } from "./errors.ts";
import {
  printLookupPermissionship,
  printObject,
  printPartial,
  printPermissionship,
  printSubject,
  printToken,
  readConsistency,
  readObject,
  readSubject,
  refuseWildcard,
  required,
  requiredText,
  wildcardRefusal,
} from "./nouns.ts";
import { walk } from "./walk.ts";

const bulk: SpiceOperation = {
  path: "/permissions/checkbulk",
  name: "CheckBulkPermissions",
  summary: "Many checks at one revision.",
  right: "check",
  run: (call) => checkBulk(call),
};

/** `/v1/permissions/…`. */
export const permissionOperations: readonly SpiceOperation[] = [
  {
    path: "/permissions/check",
    name: "CheckPermission",
    summary: "Whether a subject has a permission on a resource.",
    right: "check",
    run: check,
  },
  bulk,
  {
    ...bulk,
    path: "/experimental/permissions/bulkcheckpermission",
    // Its items have no place for a trace, not even for none.
    run: (call) => checkBulk(call, async () => undefined),
  },
  {
    path: "/permissions/expand",
    name: "ExpandPermissionTree",
    summary: "Who has a permission, as a tree of one rewrite.",
    right: "check",
    run: expand,
  },
  {
    path: "/permissions/resources",
    name: "LookupResources",
    streams: true,
    summary: "The resources on which a subject has a permission, one a line.",
    right: "check",
    run: lookupResources,
  },
  {
    path: "/permissions/subjects",
    name: "LookupSubjects",
    streams: true,
    summary: "The subjects that have a permission on a resource, one a line.",
    right: "check",
    run: lookupSubjects,
  },
];

async function check({ ask, tenant, body }: SpiceCall): Promise<unknown> {
  const item = readItem(body);
  refuseWildcard(item.subject, "subject.object_id");
  const explain = mayTrace(ask, tenant, body);
  const consistency = readConsistency(body);
  const answer = await tenant.check({ ...item, consistency, ...(explain ? { explain } : {}) });
  const debugTrace = explain ? printDebug(answer, item, await readUsed({ ask, tenant })) : null;
  return {
    checkedAt: printToken(answer.zookie),
    permissionship: printPermissionship(answer.verdict),
    partialCaveatInfo: printPartial(answer.missing),
    debugTrace,
    optionalExpiresAt: null,
  };
}

/** A trace shows what is stored: that is for those who may read it themselves. */
function mayTrace({ rights }: SpiceCall["ask"], tenant: TenantPort, body: Message): boolean {
  const traces = body.flag("withTracing");
  if (traces) rights.require("read", tenant.id);
  return traces;
}

type Item = CheckItem & Pick<CheckManyRequest["items"][number], "context">;

/** Which permission is left to whoever looks it up: in a bulk check only its item is refused. */
function readItem(message: Message): Item {
  const context = message.struct("context");
  const item = {
    resource: readObject(required(message, "resource", "ObjectReference")),
    permission: message.text("permission"),
    subject: readSubject(required(message, "subject", "SubjectReference")),
  };
  return context === undefined ? item : { ...item, context };
}

async function checkBulk(call: SpiceCall, untraced = noTrace): Promise<unknown> {
  const { ask, tenant, body } = call;
  const { limits } = ask;
  const messages = body.messages("items", "CheckBulkPermissionsRequestItem");
  checkCount(messages.length, "authzChecks", { limits, what: "one bulk check" });
  const consistency = readConsistency(body);
  const items = messages.map(readItem);
  // Of one that asks for everybody the port says something else.
  const asked = items.filter(({ subject }) => subject.id !== wildcardId);
  if (asked.length === 0) {
    const { zookie } = await tenant.read({ limit: 1, consistency });
    return { checkedAt: printToken(zookie), pairs: items.map((item) => pairOf(item)) };
  }
  const answer = await tenant.checkMany({ consistency, items: asked });
  const trace = mayTrace(ask, tenant, body) ? await makeTracer(call, answer.zookie) : untraced;
  const results = answer.items.values();
  const pairs: unknown[] = [];
  for (const item of items) {
    const result = item.subject.id === wildcardId ? undefined : results.next().value;
    pairs.push(pairOf(item, result, await trace(item, result)));
  }
  return { checkedAt: printToken(answer.zookie), pairs };
}

type Result = CheckManyAnswer["items"][number];
type Trace = (item: Item, result: Result | undefined) => Promise<unknown>;

const noTrace: Trace = async () => null;

/** Each is asked again, at the same revision, by itself: only a check is explained. */
async function makeTracer({ ask, tenant }: SpiceCall, zookie: string): Promise<Trace> {
  const used = await readUsed({ ask, tenant });
  const consistency = { kind: "exact-snapshot", zookie } as const;
  return async (item, result) => {
    if (result === undefined || "error" in result) return null;
    return printDebug(await tenant.check({ ...item, consistency, explain: true }), item, used);
  };
}

/** Without a result: it asked for everybody. */
function pairOf(item: Item, result?: Result, debugTrace?: unknown): unknown {
  const request = printItem(item);
  if (result === undefined) {
    return { request, error: spiceError(wildcardRefusal("subject.object_id")) };
  }
  if ("error" in result) return { request, error: spiceError(result.error) };
  const { verdict, missing } = result;
  const permissionship = printPermissionship(verdict);
  return {
    request,
    item: { permissionship, partialCaveatInfo: printPartial(missing), debugTrace },
  };
}

function printItem({ resource, permission, subject, context }: Item): unknown {
  return {
    resource: printObject(resource),
    permission,
    subject: printSubject(subject),
    context: context ?? null,
  };
}

async function expand({ tenant, body }: SpiceCall): Promise<unknown> {
  const { tree, zookie } = await tenant.expand({
    consistency: readConsistency(body),
    resource: readObject(required(body, "resource", "ObjectReference")),
    permission: body.text("permission"),
    deep: "rights",
  });
  return { expandedAt: printToken(zookie), treeRoot: printTree(tree) };
}

function printTree(tree: ExpandTree): unknown {
  const { of } = tree;
  const expanded = { expandedObject: printObject(of), expandedRelation: of.relation };
  const leaf = (subjects: readonly SubjectRef[]): unknown => ({
    leaf: { subjects: subjects.map(printSubject) },
    ...expanded,
  });
  switch (tree.kind) {
    case "leaf":
      return leaf(tree.subjects);
    case "computed":
      return leaf(tree.usersets);
    default: {
      const operation = `OPERATION_${tree.kind.toUpperCase()}`;
      const children = tree.children.map(printTree);
      return { intermediate: { operation, children }, ...expanded };
    }
  }
}

async function* lookupResources({ ask, tenant, body }: SpiceCall): AsyncGenerator<unknown> {
  const context = body.struct("context");
  const request = {
    resourceType: requiredText(body, "resourceObjectType"),
    permission: requiredText(body, "permission"),
    subject: readSubject(required(body, "subject", "SubjectReference")),
    ...(context === undefined ? {} : { context }),
  };
  refuseWildcard(request.subject, "subject_id");
  const pages = walk({
    body,
    limit: body.count("optionalLimit"),
    pageSize: ask.limits.authzPage,
    signal: ask.signal,
    key: ({ id }: FoundResource) => id,
    isBehind: ({ id }, last) => compareBytes(id, last) > 0,
    next: (page) => tenant.lookupResources({ ...request, ...page }),
  });
  for await (const { items, zookie, cursor } of pages) {
    yield items.map(({ id, verdict, missing }, index) => ({
      lookedUpAt: printToken(zookie),
      resourceObjectId: id,
      permissionship: printLookupPermissionship(verdict),
      partialCaveatInfo: printPartial(missing),
      afterResultCursor: cursor(index),
    }));
  }
}

async function* lookupSubjects({ ask, tenant, body }: SpiceCall): AsyncGenerator<unknown> {
  const context = body.struct("context");
  const relation = body.text("optionalSubjectRelation");
  const wildcards = body.choice("wildcardOption", [
    "WILDCARD_OPTION_UNSPECIFIED",
    "WILDCARD_OPTION_INCLUDE_WILDCARDS",
    "WILDCARD_OPTION_EXCLUDE_WILDCARDS",
  ]);
  const request = {
    resource: readObject(required(body, "resource", "ObjectReference")),
    permission: body.text("permission"),
    subjectType: requiredText(body, "subjectObjectType"),
    ...(relation === "" || relation === "..." ? {} : { subjectRelation: relation }),
    ...(context === undefined ? {} : { context }),
  };
  const pages = walk({
    body,
    limit: body.count("optionalConcreteLimit"),
    pageSize: ask.limits.authzPage,
    signal: ask.signal,
    // The limit is one of concrete subjects.
    free: ({ id }: FoundSubject) => id === wildcardId,
    key: ({ id }: FoundSubject) => id,
    isBehind: ({ id }, last) =>
      id !== wildcardId && (last === wildcardId || compareBytes(id, last) > 0),
    next: (page) => tenant.lookupSubjects({ ...request, ...page }),
  });
  const isHidden = ({ id }: FoundSubject): boolean =>
    id === wildcardId && wildcards === "WILDCARD_OPTION_EXCLUDE_WILDCARDS";
  for await (const { items, zookie, cursor } of pages) {
    yield items.flatMap((found, index) =>
      isHidden(found) ? [] : [printSubjectResult(found, zookie, cursor(index))],
    );
  }
}

function printSubjectResult(found: FoundSubject, zookie: string, cursor: unknown): unknown {
  const excluded = found.excluded ?? [];
  return {
    lookedUpAt: printToken(zookie),
    // Deprecated there, and filled all the same.
    subjectObjectId: found.id,
    excludedSubjectIds: excluded.map(({ id }) => id),
    permissionship: printLookupPermissionship(found.verdict),
    partialCaveatInfo: printPartial(found.missing),
    subject: printResolved(found),
    excludedSubjects: excluded.map(printResolved),
    afterResultCursor: cursor,
  };
}

function printResolved({ id, verdict, missing }: FoundSubject): unknown {
  return {
    subjectObjectId: id,
    permissionship: printLookupPermissionship(verdict),
    partialCaveatInfo: printPartial(missing),
  };
}
