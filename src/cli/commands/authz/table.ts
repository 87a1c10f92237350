/** The commands of authorization: `holdfast authz …`. */
import type { CommandRow } from "../../command.ts";

const group = "authz";

const schemaRows: readonly CommandRow[] = [
  {
    name: "write",
    group,
    summary: "check a schema against what is stored, and make it the current one",
    load: () => import("./schema-write.ts"),
  },
  {
    name: "read",
    group,
    summary: "print the schema, or list those there were",
    load: () => import("./schema-read.ts"),
  },
  {
    name: "diff",
    group,
    summary: "say what a schema changes",
    load: () => import("./schema-diff.ts"),
  },
  {
    name: "lint",
    group,
    summary: "say what is legal in a schema and probably not meant",
    load: () => import("./schema-lint.ts"),
  },
  {
    name: "types",
    group,
    summary: "print TypeScript types of a schema, for the compiler to check names with",
    load: () => import("./schema-types.ts"),
  },
];

const lookupRows: readonly CommandRow[] = [
  {
    name: "resources",
    group,
    summary: "list what a subject has a permission on",
    load: () => import("./lookup-resources.ts"),
  },
  {
    name: "subjects",
    group,
    summary: "list who has a permission on a resource",
    load: () => import("./lookup-subjects.ts"),
  },
];

export const authzRows: readonly CommandRow[] = [
  {
    name: "check",
    group,
    summary: "whether a subject has a permission; the exit code says it, too",
    load: () => import("./check.ts"),
  },
  {
    name: "explain",
    group,
    summary: "why it has, or why not: as a tree or a picture",
    load: () => import("./explain.ts"),
  },
  {
    name: "permissions",
    group,
    summary: "all that a subject may do with an object",
    load: () => import("./permissions.ts"),
  },
  { name: "lookup", group, summary: "list resources or subjects", rows: lookupRows },
  {
    name: "expand",
    group,
    summary: "who has a permission, as the tree of where it comes from",
    load: () => import("./expand.ts"),
  },
  {
    name: "relate",
    group,
    summary: "write relationships",
    load: () => import("./relate.ts"),
  },
  {
    name: "unrelate",
    group,
    summary: "delete relationships, each by its text",
    load: () => import("./unrelate.ts"),
  },
  {
    name: "read",
    group,
    summary: "print relationships, by a filter or all",
    load: () => import("./read.ts"),
  },
  {
    name: "delete",
    group,
    summary: "delete relationships by a filter, or all about an object",
    load: () => import("./delete.ts"),
  },
  {
    name: "import",
    group,
    summary: "write relationships from a file of any size",
    load: () => import("./import.ts"),
  },
  {
    name: "export",
    group,
    summary: "print all relationships of one revision",
    load: () => import("./export.ts"),
  },
  {
    name: "watch",
    group,
    summary: "print changes as they happen",
    load: () => import("./watch.ts"),
  },
  {
    name: "changes",
    group,
    summary: "print what changed",
    load: () => import("./changes.ts"),
  },
  { name: "schema", group, summary: "write, read, compare and check schemas", rows: schemaRows },
  {
    name: "types",
    group,
    summary: "print TypeScript types of a schema, for the compiler to check names with",
    load: () => import("./schema-types.ts"),
  },
  {
    name: "validate",
    group,
    summary: "try what validation files of SpiceDB and OpenFGA say",
    load: () => import("./validate.ts"),
  },
  {
    name: "tenants",
    group,
    summary: "list, create, change and delete tenants",
    load: () => import("./tenants.ts"),
  },
];
