import type {
  CheckItem,
  CheckManyRequest,
  ExpandTree,
  FoundSubject,
} from "../../../model/authz.ts";
import type { SubjectRef } from "../../../model/relationship.ts";
import type { Route } from "../../route.ts";
import type { Message } from "../proto.ts";
import { checkCount } from "../read.ts";
import type { AuthzSources } from "../sources.ts";
import { type SpiceCall, type SpiceOperation, spiceRoute } from "./call.ts";
import { printDebug } from "./debug.ts";
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
  required,
  requiredText,
} from "./nouns.ts";
import { walk } from "./walk.ts";

/** `/v1/permissions/…`. */
export function permissionRoutes(sources: AuthzSources): Route[] {
  return operations.map((operation) => spiceRoute(operation, sources));
}

const operations: readonly SpiceOperation[] = [
  {
    path: "/permissions/check",
    name: "CheckPermission",
    summary: "Whether a subject has a permission on a resource.",
    right: "check",
    run: check,
  },
  {
    path: "/permissions/checkbulk",
    name: "CheckBulkPermissions",
    summary: "Many checks at one revision.",
    right: "check",
    run: checkBulk,
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
    summary: "The resources on which a subject has a permission, one a line.",
    right: "check",
    run: lookupResources,
  },
  {
    path: "/permissions/subjects",
    name: "LookupSubjects",
    summary: "The subjects that have a permission on a resource, one a line.",
    right: "check",
    run: lookupSubjects,
  },
];

async function check({ tenant, body }: SpiceCall): Promise<unknown> {
  const item = readItem(body);
  const explain = body.flag("withTracing");
  const consistency = readConsistency(body);
  const answer = await tenant.check({ ...item, consistency, ...(explain ? { explain } : {}) });
  const debug = explain ? printDebug(answer, item, (await tenant.readSchema()).text) : null;
  return {
    checkedAt: printToken(answer.zookie),
    permissionship: printPermissionship(answer.verdict),
    partialCaveatInfo: printPartial(answer.missing),
    debugTrace: debug,
    optionalExpiresAt: null,
  };
}

type Item = CheckItem & Pick<CheckManyRequest["items"][number], "context">;

function readItem(message: Message): Item {
  const context = message.struct("context");
  const item = {
    resource: readObject(required(message, "resource", "ObjectReference")),
    permission: requiredText(message, "permission"),
    subject: readSubject(required(message, "subject", "SubjectReference")),
  };
  return context === undefined ? item : { ...item, context };
}

async function checkBulk({ ask, tenant, body }: SpiceCall): Promise<unknown> {
  const { limits } = ask;
  const messages = body.messages("items", "CheckBulkPermissionsRequestItem");
  checkCount(messages.length, "authzChecks", { limits, what: "one bulk check" });
  const consistency = readConsistency(body);
  const items = messages.map(readItem);
  if (items.length === 0) {
    const { zookie } = await tenant.read({ limit: 1, consistency });
    return { checkedAt: printToken(zookie), pairs: [] };
  }
  const answer = await tenant.checkMany({ consistency, items });
  const pairs = answer.items.map((result, index) => {
    const request = printItem(items[index]);
    if ("error" in result) return { request, error: spiceError(result.error) };
    return {
      request,
      item: {
        permissionship: printPermissionship(result.verdict),
        partialCaveatInfo: printPartial(result.missing),
        debugTrace: null,
      },
    };
  });
  return { checkedAt: printToken(answer.zookie), pairs };
}

function printItem(item: Item | undefined): unknown {
  if (item === undefined) return null;
  const { resource, permission, subject, context = null } = item;
  return { resource: printObject(resource), permission, subject: printSubject(subject), context };
}

async function expand({ tenant, body }: SpiceCall): Promise<unknown> {
  const { tree, zookie } = await tenant.expand({
    consistency: readConsistency(body),
    resource: readObject(required(body, "resource", "ObjectReference")),
    permission: requiredText(body, "permission"),
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
  const pages = walk({
    body,
    limit: body.count("optionalLimit"),
    pageSize: ask.limits.authzPage,
    signal: ask.signal,
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
    permission: requiredText(body, "permission"),
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
    free: ({ id }: FoundSubject) => id === "*",
    next: (page) => tenant.lookupSubjects({ ...request, ...page }),
  });
  const isHidden = ({ id }: FoundSubject): boolean =>
    id === "*" && wildcards === "WILDCARD_OPTION_EXCLUDE_WILDCARDS";
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
