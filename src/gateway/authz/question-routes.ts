import type {
  ExpandRequest,
  LookupResources,
  LookupSubjects,
  PermissionsRequest,
} from "../../model/authz.ts";
import type { Ask, Route } from "../route.ts";
import { readPage, tenantOf, tenantPath } from "./ask.ts";
import { askMany, askOne, requireWhy } from "./check.ts";
import {
  questionFields,
  readFieldsOf,
  readFlag,
  readObjectRef,
  readQuestion,
  readSubjectRef,
  readTextOf,
} from "./read.ts";
import { type AuthzSchemaName, authzRef } from "./schemas.ts";
import type { AuthzSources } from "./sources.ts";

interface Kind {
  readonly verb: string;
  readonly name: string;
  readonly summary: string;
  readonly takes: AuthzSchemaName;
  readonly gives: AuthzSchemaName;
  run(ask: Ask, sources: AuthzSources): Promise<string>;
}

/** Questions. The two kinds of check are also taken past the router: see check.ts. */
export function questionRoutes(sources: AuthzSources): Route[] {
  return kinds.map(({ verb, name, summary, takes, gives, run }) => ({
    method: "POST",
    path: `${tenantPath}/${verb}`,
    name,
    summary,
    body: { required: true, description: "The question.", schema: authzRef(takes) },
    answers: { 200: { description: "The answer.", schema: authzRef(gives) } },
    errors: [
      "unknown-type",
      "unknown-relation",
      "caveat-context",
      "schema-missing",
      "unknown-schema",
      "unknown-tenant",
      "zookie-invalid",
      "zookie-foreign",
      "zookie-expired",
      "zookie-future",
      "depth-exceeded",
      "work-exceeded",
      "too-many",
      "permission-denied",
    ],
    run: async (ask) => ({ status: 200, text: await run(ask, sources) }),
  }));
}

const kinds: readonly Kind[] = [
  {
    verb: "check",
    name: "check",
    summary: "Whether a subject has a permission on a resource.",
    takes: "AuthzCheck",
    gives: "AuthzChecked",
    run: (ask, sources) => {
      const tenant = tenantOf(ask, "check", sources);
      requireWhy(ask.body.value, ask.rights, ask.parameter("tenant"));
      return askOne(tenant, ask.body.value, ask.limits);
    },
  },
  {
    verb: "check-many",
    name: "checkMany",
    summary: "Many checks at one revision; what cannot be answered has its error in its place.",
    takes: "AuthzCheckMany",
    gives: "AuthzCheckedMany",
    run: (ask, sources) => askMany(tenantOf(ask, "check", sources), ask.body.value, ask.limits),
  },
  {
    verb: "expand",
    name: "expand",
    summary: "Who has a permission on a resource, as the tree that says why.",
    takes: "AuthzExpand",
    gives: "AuthzExpanded",
    run: async (ask, sources) => {
      const tenant = tenantOf(ask, "check", sources);
      return JSON.stringify(await tenant.expand(readExpand(ask)));
    },
  },
  {
    verb: "lookup-resources",
    name: "lookupResources",
    summary: "The resources of a type on which a subject has a permission.",
    takes: "AuthzLookupResources",
    gives: "AuthzResourcePage",
    run: async (ask, sources) => {
      const tenant = tenantOf(ask, "check", sources);
      return JSON.stringify(await tenant.lookupResources(readLookupResources(ask)));
    },
  },
  {
    verb: "lookup-subjects",
    name: "lookupSubjects",
    summary: "The subjects of a type that have a permission on a resource.",
    takes: "AuthzLookupSubjects",
    gives: "AuthzSubjectPage",
    run: async (ask, sources) => {
      const tenant = tenantOf(ask, "check", sources);
      return JSON.stringify(await tenant.lookupSubjects(readLookupSubjects(ask)));
    },
  },
  {
    verb: "permissions",
    name: "permissions",
    summary: "Every permission and relation of a subject on a resource.",
    takes: "AuthzPermissionsOf",
    gives: "AuthzPermissions",
    run: async (ask, sources) => {
      const tenant = tenantOf(ask, "check", sources);
      return JSON.stringify(await tenant.permissions(readPermissions(ask)));
    },
  },
];

function readExpand({ body, limits }: Ask): ExpandRequest {
  const fields = readFieldsOf(body.value, "The body", expandFields);
  const { deep } = fields as { deep?: unknown }; // as read
  return {
    ...readQuestion(fields, limits),
    resource: readObjectRef(fields["resource"], "resource"),
    permission: readTextOf(fields["permission"], "permission"),
    ...(deep === undefined ? {} : { deep: deep === "rights" ? deep : readFlag(deep, "deep") }),
  };
}

function readLookupResources({ body, limits }: Ask): LookupResources {
  const fields = readFieldsOf(body.value, "The body", resourcesFields);
  return {
    ...readQuestion(fields, limits),
    ...readPage(fields, limits.authzPage),
    resourceType: readTextOf(fields["resourceType"], "resourceType"),
    permission: readTextOf(fields["permission"], "permission"),
    subject: readSubjectRef(fields["subject"], "subject"),
  };
}

function readLookupSubjects({ body, limits }: Ask): LookupSubjects {
  const fields = readFieldsOf(body.value, "The body", subjectsFields);
  const { subjectRelation } = fields as { subjectRelation?: unknown }; // as read
  return {
    ...readQuestion(fields, limits),
    ...readPage(fields, limits.authzPage),
    resource: readObjectRef(fields["resource"], "resource"),
    permission: readTextOf(fields["permission"], "permission"),
    subjectType: readTextOf(fields["subjectType"], "subjectType"),
    ...(subjectRelation === undefined
      ? {}
      : { subjectRelation: readTextOf(subjectRelation, "subjectRelation") }),
  };
}

function readPermissions({ body, limits }: Ask): PermissionsRequest {
  const fields = readFieldsOf(body.value, "The body", permissionsFields);
  return {
    ...readQuestion(fields, limits),
    resource: readObjectRef(fields["resource"], "resource"),
    subject: readSubjectRef(fields["subject"], "subject"),
  };
}

const paging = ["limit", "after"] as const;
const expandFields = new Set([...questionFields, "resource", "permission", "deep"]);
const permissionsFields = new Set([...questionFields, "resource", "subject"]);
const resourcesFields = new Set([
  ...questionFields,
  ...paging,
  "resourceType",
  "permission",
  "subject",
]);
const subjectsFields = new Set([
  ...questionFields,
  ...paging,
  "resource",
  "permission",
  "subjectType",
  "subjectRelation",
]);
