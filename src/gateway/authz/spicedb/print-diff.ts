import type { SchemaDifference } from "../../../authz/schema/diff.ts";
import { type ReflectedSchema, reflectSchema } from "../../../authz/schema/reflect.ts";
import type { Schema } from "../../../authz/schema/schema.ts";
import { caveatTypeText } from "../../../authz/schema/text.ts";
import {
  printCaveat,
  printPermission,
  printRelation,
  printSubjectType,
  printType,
} from "./reflection.ts";

/** Differences between schemas in the messages of SpiceDB's `DiffSchema`. */
export function printDifferences(
  differences: readonly SchemaDifference[],
  { before, after }: { readonly before: Schema; readonly after: Schema },
): unknown[] {
  const sides: Sides = { before: reflectSchema(before), after: reflectSchema(after) };
  return differences.flatMap((difference) => printDifference(difference, sides) ?? []);
}

interface Sides {
  readonly before: ReflectedSchema;
  readonly after: ReflectedSchema;
}

type Printed = Readonly<Record<string, unknown>> | undefined;

function printDifference(difference: SchemaDifference, sides: Sides): Printed {
  switch (difference.kind) {
    case "type-added":
      return { definitionAdded: typeOf(sides.after, difference.type) };
    case "type-removed":
      return { definitionRemoved: typeOf(sides.before, difference.type) };
    case "type-doc-changed":
      return { definitionDocCommentChanged: typeOf(sides.after, difference.type) };
    case "relation-added":
      return { relationAdded: relationOf(sides.after, difference) };
    case "relation-removed":
      return { relationRemoved: relationOf(sides.before, difference) };
    case "relation-doc-changed":
      return { relationDocCommentChanged: relationOf(sides.after, difference) };
    case "permission-added":
      return { permissionAdded: permissionOf(sides.after, difference) };
    case "permission-removed":
      return { permissionRemoved: permissionOf(sides.before, difference) };
    case "permission-doc-changed":
      return { permissionDocCommentChanged: permissionOf(sides.after, difference) };
    case "expression-changed":
      return { permissionExprChanged: permissionOf(sides.after, difference) };
    case "subject-added":
    case "subject-removed": {
      const isAdded = difference.kind === "subject-added";
      const change = {
        relation: relationOf(sides.after, difference),
        changedSubjectType: printSubjectType(difference.subject),
      };
      return isAdded
        ? { relationSubjectTypeAdded: change }
        : { relationSubjectTypeRemoved: change };
    }
    // SpiceDB has no place for it.
    case "annotation-changed":
      return undefined;
    default:
      return printCaveatDifference(difference, sides);
  }
}

type CaveatDifference = Extract<SchemaDifference, { readonly caveat: string }>;

function printCaveatDifference(difference: CaveatDifference, sides: Sides): Printed {
  const { caveat } = difference;
  switch (difference.kind) {
    case "caveat-added":
      return { caveatAdded: caveatOf(sides.after, caveat) };
    case "caveat-removed":
      return { caveatRemoved: caveatOf(sides.before, caveat) };
    case "caveat-doc-changed":
      return { caveatDocCommentChanged: caveatOf(sides.after, caveat) };
    case "caveat-expression-changed":
      return { caveatExprChanged: caveatOf(sides.after, caveat) };
    case "parameter-added":
      return { caveatParameterAdded: parameterOf(difference, caveatTypeText(difference.type)) };
    case "parameter-removed":
      return { caveatParameterRemoved: parameterOf(difference, caveatTypeText(difference.type)) };
    case "parameter-changed":
      return {
        caveatParameterTypeChanged: {
          parameter: parameterOf(difference, caveatTypeText(difference.after)),
          previousType: caveatTypeText(difference.before),
        },
      };
  }
}

function parameterOf(
  { caveat, parameter }: { readonly caveat: string; readonly parameter: string },
  type: string,
): unknown {
  return { name: parameter, type, parentCaveatName: caveat };
}

function typeOf({ types }: ReflectedSchema, name: string): unknown {
  const found = types.find((type) => type.name === name);
  return found === undefined ? null : printType(found);
}

interface Place {
  readonly type: string;
  readonly relation: string;
}

function relationOf({ types }: ReflectedSchema, { type, relation }: Place): unknown {
  const found = types
    .find(({ name }) => name === type)
    ?.relations.find(({ name }) => name === relation);
  return found === undefined ? null : printRelation(found, type);
}

function permissionOf({ types }: ReflectedSchema, { type, relation }: Place): unknown {
  const found = types
    .find(({ name }) => name === type)
    ?.permissions.find(({ name }) => name === relation);
  return found === undefined ? null : printPermission(found, type);
}

function caveatOf({ caveats }: ReflectedSchema, name: string): unknown {
  const found = caveats.find((caveat) => caveat.name === name);
  return found === undefined ? null : printCaveat(found);
}
