import { limitTable, tenantLimitNames } from "../../model/limits.ts";
import type { JsonSchema } from "../route.ts";

/** JSON Schemas of what authorization takes and answers; `components` in OpenAPI. */
export function authzRef(name: AuthzSchemaName): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

const text: JsonSchema = { type: "string" };
const count: JsonSchema = { type: "integer", minimum: 0 };
const time: JsonSchema = { type: "integer", description: "Milliseconds since 1970." };
const texts: JsonSchema = { type: "array", items: text };
const next: JsonSchema = {
  type: ["string", "null"],
  description: "`after` of the next page; null on the last.",
};
const verdict: JsonSchema = { enum: ["yes", "no", "conditional"] };

function fields(
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[] = Object.keys(properties),
): JsonSchema {
  return { type: "object", properties, required };
}

/** A body or a part of one: what it does not know, it refuses. */
function closed(
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[] = [],
): JsonSchema {
  return { ...fields(properties, required), additionalProperties: false };
}

function list(name: AuthzSchemaName): JsonSchema {
  return { type: "array", items: authzRef(name) };
}

function page(name: AuthzSchemaName, more: Readonly<Record<string, JsonSchema>> = {}): JsonSchema {
  return fields({ items: list(name), next, ...more });
}

const question = {
  consistency: authzRef("AuthzConsistency"),
  context: { type: "object", description: "Values for caveats." },
  contextual: { ...list("AuthzRelationship"), description: "Hold for this question alone." },
  schema: { type: "string", description: "Default: the one current at the revision." },
} satisfies Record<string, JsonSchema>;
const paging = {
  limit: { type: "integer", minimum: 1 },
  after: { type: "string", description: "`next` of the page before." },
} satisfies Record<string, JsonSchema>;
const object = { oneOf: [{ type: "string" }, closed({ type: text, id: text }, ["type", "id"])] };
const subject = {
  oneOf: [{ type: "string" }, closed({ type: text, id: text, relation: text }, ["type", "id"])],
};
const item = {
  resource: authzRef("AuthzObject"),
  permission: text,
  subject: authzRef("AuthzSubject"),
};
const answered = { verdict, missing: texts };

const ownLimits: JsonSchema = closed(limitsOf({ type: "integer", minimum: 1 }));

function limitsOf(value: JsonSchema): Record<string, JsonSchema> {
  return Object.fromEntries(
    tenantLimitNames.map((name) => [name, { ...value, description: limitTable[name].why }]),
  );
}

export type AuthzSchemaName =
  | "AuthzTenant"
  | "AuthzTenantPage"
  | "AuthzCreateTenant"
  | "AuthzUpdateTenant"
  | "AuthzObject"
  | "AuthzSubject"
  | "AuthzRelationship"
  | "AuthzFilter"
  | "AuthzPrecondition"
  | "AuthzConsistency"
  | "AuthzWriteSchema"
  | "AuthzSchemaWritten"
  | "AuthzSchema"
  | "AuthzSchemaPage"
  | "AuthzWrite"
  | "AuthzWritten"
  | "AuthzDelete"
  | "AuthzDeleted"
  | "AuthzRead"
  | "AuthzRelationshipPage"
  | "AuthzChange"
  | "AuthzChangePage"
  | "AuthzWatchEvent"
  | "AuthzImported"
  | "AuthzExported"
  | "AuthzCheck"
  | "AuthzChecked"
  | "AuthzCheckMany"
  | "AuthzCheckedMany"
  | "AuthzExpand"
  | "AuthzExpanded"
  | "AuthzLookupResources"
  | "AuthzResourcePage"
  | "AuthzLookupSubjects"
  | "AuthzSubjectPage"
  | "AuthzPermissionsOf"
  | "AuthzPermissions"
  | "AuthzDocument"
  | "AuthzExplanation"
  | "AuthzExpandTree";

export const authzSchemas: Readonly<Record<AuthzSchemaName, JsonSchema>> = {
  AuthzTenant: fields({
    id: text,
    name: text,
    limits: { ...ownLimits, description: "Those that were set for it." },
    createdAt: time,
    updatedAt: time,
  }),
  AuthzTenantPage: page("AuthzTenant"),
  AuthzCreateTenant: closed({ id: text, name: text, limits: ownLimits }),
  AuthzUpdateTenant: closed({
    name: text,
    limits: closed(limitsOf({ type: ["integer", "null"], minimum: 1 })),
  }),
  AuthzObject: { ...object, description: "`document:1`, as text or in its parts." },
  AuthzSubject: { ...subject, description: "`group:x#member`, as text or in its parts." },
  AuthzRelationship: {
    description: "`document:1#viewer@user:ada`, as text or in its parts.",
    oneOf: [
      { type: "string" },
      closed(
        {
          resource: authzRef("AuthzObject"),
          relation: text,
          subject: authzRef("AuthzSubject"),
          caveat: closed({ name: text, context: { type: "object" } }, ["name"]),
          expiresAt: time,
          writtenAt: {
            ...time,
            description: "When it was written, in milliseconds since 1970. Writes ignore it.",
          },
        },
        ["resource", "relation", "subject"],
      ),
    ],
  },
  AuthzFilter: closed({
    resourceType: text,
    resourceId: text,
    resourceIdPrefix: text,
    relation: text,
    subjectType: text,
    subjectId: text,
    subjectRelation: { type: ["string", "null"], description: "null: only without a relation." },
    caveat: text,
  }),
  AuthzPrecondition: closed(
    { must: { enum: ["match", "not-match"] }, filter: authzRef("AuthzFilter") },
    ["must", "filter"],
  ),
  AuthzConsistency: {
    description: "How fresh the answer must be. Default: `minimize-latency`.",
    oneOf: [
      { enum: ["minimize-latency", "fully-consistent"] },
      closed({ kind: { enum: ["minimize-latency", "fully-consistent"] } }, ["kind"]),
      closed({ kind: { enum: ["at-least-as-fresh", "exact-snapshot"] }, zookie: text }, [
        "kind",
        "zookie",
      ]),
    ],
  },
  AuthzWriteSchema: closed(
    {
      dialect: { enum: ["native", "openfga"] },
      text: { type: "string", description: "Schema text; for `openfga` DSL or JSON." },
      dryRun: { type: "boolean" },
      orphans: { enum: ["refuse", "keep"] },
    },
    ["dialect", "text"],
  ),
  AuthzSchemaWritten: fields({
    id: text,
    zookie: text,
    problems: { type: "array", items: { type: "object" } },
    orphans: list("AuthzRelationship"),
    orphanCount: count,
  }),
  AuthzSchema: fields({
    id: text,
    dialect: { enum: ["native", "openfga"] },
    text,
    createdAt: time,
    zookie: text,
  }),
  AuthzSchemaPage: page("AuthzSchema"),
  AuthzWrite: closed(
    {
      updates: {
        type: "array",
        items: closed(
          {
            operation: { enum: ["create", "touch", "delete"] },
            relationship: authzRef("AuthzRelationship"),
          },
          ["operation", "relationship"],
        ),
      },
      preconditions: list("AuthzPrecondition"),
      metadata: { type: "object", description: "Travels with the change to those who watch." },
      onExisting: { enum: ["refuse", "ignore"] },
      onMissing: { enum: ["refuse", "ignore"] },
      schema: text,
    },
    ["updates"],
  ),
  AuthzWritten: fields({ zookie: text, written: count, deleted: count }),
  AuthzDelete: closed(
    {
      filter: authzRef("AuthzFilter"),
      preconditions: list("AuthzPrecondition"),
      metadata: { type: "object" },
      limit: { type: "integer", minimum: 1 },
      allOrNothing: { type: "boolean" },
    },
    ["filter"],
  ),
  AuthzDeleted: fields({
    zookie: text,
    deleted: count,
    complete: { type: "boolean", description: "False: more match; call again." },
  }),
  AuthzRead: closed({
    filter: authzRef("AuthzFilter"),
    consistency: authzRef("AuthzConsistency"),
    ...paging,
  }),
  AuthzRelationshipPage: page("AuthzRelationship", { zookie: text }),
  AuthzChange: fields(
    {
      zookie: text,
      at: time,
      updates: { type: "array", items: { type: "object" } },
      schema: text,
      metadata: { type: "object" },
    },
    ["zookie", "at", "updates"],
  ),
  AuthzChangePage: fields({ items: list("AuthzChange"), next: text }),
  AuthzWatchEvent: {
    oneOf: [
      fields({ kind: { const: "change" }, change: authzRef("AuthzChange") }),
      fields({ kind: { const: "heartbeat" }, zookie: text }),
      fields({ kind: { const: "error" }, error: { $ref: "#/components/schemas/Problem" } }),
    ],
  },
  AuthzImported: {
    description: "How far it has come: one after each batch, and one at the end.",
    oneOf: [
      fields({ kind: { const: "progress" }, lines: count, loaded: count, zookie: text }),
      fields({ kind: { const: "done" }, lines: count, loaded: count, zookie: text }),
      fields(
        {
          kind: { const: "error" },
          lines: { ...count, description: "All up to this line was written: go on after it." },
          loaded: count,
          line: { ...count, description: "The line that is refused, if it is about one." },
          error: { $ref: "#/components/schemas/Problem" },
        },
        ["kind", "lines", "loaded", "error"],
      ),
    ],
  },
  AuthzExported: {
    description: "A relationship, or where a client can go on, or the end.",
    oneOf: [
      authzRef("AuthzRelationship"),
      fields({ kind: { const: "cursor" }, after: text, zookie: text, exported: count }),
      fields({ kind: { const: "done" }, zookie: text, exported: count }),
      fields({ kind: { const: "error" }, error: { $ref: "#/components/schemas/Problem" } }),
    ],
  },
  AuthzCheck: closed({ ...item, ...question, explain: { type: "boolean" } }, Object.keys(item)),
  AuthzChecked: fields({ ...answered, zookie: text, explanation: authzRef("AuthzExplanation") }, [
    "verdict",
    "missing",
    "zookie",
  ]),
  AuthzExplanation: fields(
    {
      what: text,
      kind: text,
      verdict,
      note: text,
      subtracted: { type: "boolean" },
      caveat: fields({ name: text, expression: text, context: { type: "object" }, missing: texts }),
      cached: { type: "boolean" },
      indexed: { type: "boolean" },
      micros: { type: "number" },
      children: list("AuthzExplanation"),
    },
    ["what", "kind", "verdict", "micros", "children"],
  ),
  AuthzCheckMany: closed(
    {
      ...question,
      items: {
        type: "array",
        minItems: 1,
        items: {
          oneOf: [
            { type: "string", description: "`document:1#view@user:ada`." },
            closed({ ...item, context: { type: "object" } }, Object.keys(item)),
          ],
        },
      },
    },
    ["items"],
  ),
  AuthzCheckedMany: fields({
    items: {
      type: "array",
      items: {
        oneOf: [fields(answered), fields({ error: { $ref: "#/components/schemas/Problem" } })],
      },
    },
    zookie: text,
  }),
  AuthzExpand: closed(
    {
      resource: authzRef("AuthzObject"),
      permission: text,
      deep: { enum: [false, true, "rights"] },
      ...question,
    },
    ["resource", "permission"],
  ),
  AuthzExpanded: fields({ tree: authzRef("AuthzExpandTree"), zookie: text }),
  AuthzExpandTree: fields(
    {
      kind: { enum: ["union", "intersection", "exclusion", "leaf", "computed"] },
      of: fields({ type: text, id: text, relation: text }),
      children: list("AuthzExpandTree"),
      subjects: { type: "array", items: { type: "object" } },
      usersets: { type: "array", items: { type: "object" } },
      over: text,
    },
    ["kind", "of"],
  ),
  AuthzLookupResources: closed(
    {
      resourceType: text,
      permission: text,
      subject: authzRef("AuthzSubject"),
      ...question,
      ...paging,
    },
    ["resourceType", "permission", "subject"],
  ),
  AuthzResourcePage: fields({
    items: { type: "array", items: fields({ id: text, ...answered }) },
    next,
    zookie: text,
  }),
  AuthzLookupSubjects: closed(
    {
      resource: authzRef("AuthzObject"),
      permission: text,
      subjectType: text,
      subjectRelation: text,
      ...question,
      ...paging,
    },
    ["resource", "permission", "subjectType"],
  ),
  AuthzSubjectPage: fields({
    items: {
      type: "array",
      items: fields(
        {
          id: { type: "string", description: "`*`: everybody but those in `excluded`." },
          ...answered,
          excluded: { type: "array", items: { type: "object" } },
        },
        ["id", "verdict", "missing"],
      ),
    },
    next,
    zookie: text,
  }),
  AuthzPermissionsOf: closed(
    { resource: authzRef("AuthzObject"), subject: authzRef("AuthzSubject"), ...question },
    ["resource", "subject"],
  ),
  AuthzPermissions: fields({
    permissions: { type: "array", items: fields({ name: text, ...answered }) },
    zookie: text,
  }),
  AuthzDocument: closed({ text: { type: ["string", "null"] } }, ["text"]),
};
