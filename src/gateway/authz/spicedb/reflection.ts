import {
  type ReflectedCaveat,
  type ReflectedRelation,
  type ReflectedType,
  reflectSchema,
} from "../../../authz/schema/reflect.ts";
import type { AllowedSubject, Schema } from "../../../authz/schema/schema.ts";
import { fail } from "../../../model/errors.ts";
import type { Message } from "../proto.ts";

/** A schema in the messages of SpiceDB's reflection. */
export function reflect(schema: Schema, body: Message): Readonly<Record<string, unknown>> {
  const filters = body.messages("optionalFilters", "ReflectionSchemaFilter").map(readFilter);
  const { types, caveats } = reflectSchema(schema);
  return {
    definitions: types
      .filter(({ name }) => isAsked(filters, "definition", name))
      .map((type) => printType(narrow(type, filters))),
    caveats: caveats.filter(({ name }) => isAsked(filters, "caveat", name)).map(printCaveat),
  };
}

interface Filter {
  readonly definition: string;
  readonly caveat: string;
  readonly relation: string;
  readonly permission: string;
}

function readFilter(message: Message): Filter {
  const filter = {
    definition: message.text("optionalDefinitionNameFilter"),
    caveat: message.text("optionalCaveatNameFilter"),
    relation: message.text("optionalRelationNameFilter"),
    permission: message.text("optionalPermissionNameFilter"),
  };
  const { definition, caveat, relation, permission } = filter;
  const refuse = (reason: string): Error => fail("invalid-filter", { reason });
  if (definition !== "" && caveat !== "") {
    throw refuse("a definition and a caveat exclude each other");
  }
  if (relation !== "" && permission !== "") {
    throw refuse("a relation and a permission exclude each other");
  }
  if (definition === "" && relation + permission !== "") {
    throw refuse("a relation or a permission needs its definition");
  }
  return filter;
}

/** Once anything is filtered, there is nothing of a kind that no filter asks for. */
function isAsked(filters: readonly Filter[], kind: "definition" | "caveat", name: string): boolean {
  return (
    filters.length === 0 ||
    filters.some((filter) => filter[kind] !== "" && name.startsWith(filter[kind]))
  );
}

/** Relations and permissions are filtered each by themselves, if any filter has a name for them. */
function narrow(type: ReflectedType, filters: readonly Filter[]): ReflectedType {
  const isWanted = (kind: "relation" | "permission", name: string): boolean => {
    const naming = filters.filter((filter) => filter[kind] !== "");
    return (
      naming.length === 0 ||
      naming.some(
        (filter) => name.startsWith(filter[kind]) && type.name.startsWith(filter.definition),
      )
    );
  };
  return {
    ...type,
    relations: type.relations.filter(({ name }) => isWanted("relation", name)),
    permissions: type.permissions.filter(({ name }) => isWanted("permission", name)),
  };
}

/** With its marks, as a program expects that puts it above what it belongs to. */
function printComment(doc: string | null): string {
  if (doc === null) return "";
  // Nothing in it may end it.
  const lines = doc.replaceAll("*/", "* /").split("\n");
  if (lines.length === 1) return `/** ${lines[0]} */`;
  return `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join("\n")}\n */`;
}

export function printType(type: ReflectedType): unknown {
  const { name, doc, relations, permissions } = type;
  return {
    name,
    comment: printComment(doc),
    relations: relations.map((relation) => printRelation(relation, name)),
    permissions: permissions.map((permission) => printPermission(permission, name)),
  };
}

export function printRelation(relation: ReflectedRelation, type: string): unknown {
  const { name, doc, subjects } = relation;
  return {
    name,
    comment: printComment(doc),
    parentDefinitionName: type,
    subjectTypes: subjects.map(printSubjectType),
  };
}

export function printPermission(
  { name, doc }: { readonly name: string; readonly doc: string | null },
  type: string,
): unknown {
  return { name, comment: printComment(doc), parentDefinitionName: type };
}

export function printSubjectType({ type, relation, wildcard, caveat }: AllowedSubject): unknown {
  const kind = wildcard
    ? { isPublicWildcard: true }
    : relation === null
      ? { isTerminalSubject: true }
      : { optionalRelationName: relation };
  return { subjectDefinitionName: type, optionalCaveatName: caveat ?? "", ...kind };
}

export function printCaveat({ name, doc, parameters, expression }: ReflectedCaveat): unknown {
  return {
    name,
    comment: printComment(doc),
    parameters: parameters
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
      .map((parameter) => ({ ...parameter, parentCaveatName: name })),
    expression,
  };
}
