import {
  type ReflectedCaveat,
  type ReflectedRelation,
  type ReflectedType,
  reflectSchema,
} from "../../../authz/schema/reflect.ts";
import type { AllowedSubject, Schema } from "../../../authz/schema/schema.ts";
import type { Message } from "../proto.ts";

/** A schema in the messages of SpiceDB's reflection. */
export function reflect(schema: Schema, body: Message): Readonly<Record<string, unknown>> {
  const filters = body.messages("optionalFilters", "ReflectionSchemaFilter").map(
    (filter): Filter => ({
      definition: filter.text("optionalDefinitionNameFilter"),
      caveat: filter.text("optionalCaveatNameFilter"),
      relation: filter.text("optionalRelationNameFilter"),
      permission: filter.text("optionalPermissionNameFilter"),
    }),
  );
  const { types, caveats } = reflectSchema(schema);
  const isWanted = (test: (filter: Filter) => boolean): boolean =>
    filters.length === 0 || filters.some(test);
  return {
    definitions: types
      .filter(({ name }) =>
        isWanted((filter) => filter.caveat === "" && name.startsWith(filter.definition)),
      )
      .map((type) => printType(narrow(type, filters))),
    caveats: caveats
      .filter(({ name }) =>
        isWanted((filter) => wantsCaveats(filter) && name.startsWith(filter.caveat)),
      )
      .map(printCaveat),
  };
}

interface Filter {
  readonly definition: string;
  readonly caveat: string;
  readonly relation: string;
  readonly permission: string;
}

function wantsCaveats({ definition, relation, permission, caveat }: Filter): boolean {
  return caveat !== "" || (definition === "" && relation === "" && permission === "");
}

/** Of a type only the relations and permissions that some filter asks for. */
function narrow(type: ReflectedType, filters: readonly Filter[]): ReflectedType {
  const own = filters.filter(({ definition }) => type.name.startsWith(definition));
  const isOpen = own.length === 0 || own.some((f) => f.relation === "" && f.permission === "");
  if (isOpen) return type;
  const isNamed = (name: string, kind: "relation" | "permission"): boolean =>
    own.some((filter) => filter[kind] !== "" && name.startsWith(filter[kind]));
  return {
    ...type,
    relations: type.relations.filter(({ name }) => isNamed(name, "relation")),
    permissions: type.permissions.filter(({ name }) => isNamed(name, "permission")),
  };
}

export function printType(type: ReflectedType): unknown {
  const { name, doc, relations, permissions } = type;
  return {
    name,
    comment: doc ?? "",
    relations: relations.map((relation) => printRelation(relation, name)),
    permissions: permissions.map((permission) => printPermission(permission, name)),
  };
}

export function printRelation(relation: ReflectedRelation, type: string): unknown {
  const { name, doc, subjects } = relation;
  return {
    name,
    comment: doc ?? "",
    parentDefinitionName: type,
    subjectTypes: subjects.map(printSubjectType),
  };
}

export function printPermission(
  { name, doc }: { readonly name: string; readonly doc: string | null },
  type: string,
): unknown {
  return { name, comment: doc ?? "", parentDefinitionName: type };
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
    comment: doc ?? "",
    parameters: parameters.map((parameter) => ({ ...parameter, parentCaveatName: name })),
    expression,
  };
}
