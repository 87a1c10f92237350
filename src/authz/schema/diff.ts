/** How one schema differs from another: what a change of schema means, as data. */
import { unreachable } from "../../std/assert.ts";
import type {
  AllowedSubject,
  CaveatDefinition,
  CaveatType,
  Expression,
  RelationDefinition,
  Schema,
  TypeDefinition,
} from "./schema.ts";
import { caveatTypeText, subjectText } from "./text.ts";

/** What a type or caveat that is added or removed contains is not told one by one. */
export type SchemaDifference =
  | { readonly kind: "type-added" | "type-removed" | "type-doc-changed"; readonly type: string }
  | {
      readonly kind:
        | "relation-added"
        | "relation-removed"
        | "relation-doc-changed"
        | "permission-added"
        | "permission-removed"
        | "permission-doc-changed"
        | "annotation-changed";
      readonly type: string;
      readonly relation: string;
    }
  | {
      readonly kind: "subject-added" | "subject-removed";
      readonly type: string;
      readonly relation: string;
      readonly subject: AllowedSubject;
    }
  | {
      readonly kind: "expression-changed";
      readonly type: string;
      readonly relation: string;
      readonly before: Expression;
      readonly after: Expression;
    }
  | {
      readonly kind: "caveat-added" | "caveat-removed" | "caveat-doc-changed";
      readonly caveat: string;
    }
  | {
      readonly kind: "parameter-added" | "parameter-removed";
      readonly caveat: string;
      readonly parameter: string;
      readonly type: CaveatType;
    }
  | {
      readonly kind: "parameter-changed";
      readonly caveat: string;
      readonly parameter: string;
      readonly before: CaveatType;
      readonly after: CaveatType;
    }
  | {
      readonly kind: "caveat-expression-changed";
      readonly caveat: string;
      readonly before: string;
      readonly after: string;
    };

/** In the order of `before`, what is new after it. Empty: they mean the same. */
export function diffSchemas(before: Schema, after: Schema): readonly SchemaDifference[] {
  return [
    ...compare(before.types, after.types, {
      removed: (type) => [{ kind: "type-removed", type }],
      added: (type) => [{ kind: "type-added", type }],
      both: (_, from, to) => typeDifferences(from, to),
    }),
    ...compare(before.caveats, after.caveats, {
      removed: (caveat) => [{ kind: "caveat-removed", caveat }],
      added: (caveat) => [{ kind: "caveat-added", caveat }],
      both: (_, from, to) => caveatDifferences(from, to),
    }),
  ];
}

/** Same meaning, same order of operands. */
export function sameExpression(a: Expression, b: Expression): boolean {
  if (a === b) return true;
  switch (a.kind) {
    case "this":
    case "nil":
    case "self":
      return a.kind === b.kind;
    case "relation":
      return b.kind === "relation" && a.name === b.name;
    case "arrow":
      return (
        b.kind === "arrow" &&
        a.over === b.over &&
        a.all === b.all &&
        sameExpression(a.target, b.target)
      );
    case "union":
    case "intersection":
      return (
        b.kind === a.kind &&
        a.operands.length === b.operands.length &&
        a.operands.every((operand, index) => {
          const other = b.operands[index];
          return other !== undefined && sameExpression(operand, other);
        })
      );
    case "exclusion":
      return (
        b.kind === "exclusion" &&
        sameExpression(a.base, b.base) &&
        sameExpression(a.subtract, b.subtract)
      );
    default:
      return unreachable(a);
  }
}

interface Comparison<T> {
  readonly removed: (name: string, value: T) => readonly SchemaDifference[];
  readonly added: (name: string, value: T) => readonly SchemaDifference[];
  readonly both: (name: string, before: T, after: T) => readonly SchemaDifference[];
}

function compare<T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  { removed, added, both }: Comparison<T>,
): SchemaDifference[] {
  const differences: (readonly SchemaDifference[])[] = [];
  for (const [name, from] of before) {
    const to = after.get(name);
    differences.push(to === undefined ? removed(name, from) : both(name, from, to));
  }
  for (const [name, to] of after) if (!before.has(name)) differences.push(added(name, to));
  return differences.flat();
}

function typeDifferences(before: TypeDefinition, after: TypeDefinition): SchemaDifference[] {
  const type = before.name;
  const doc: SchemaDifference[] =
    before.doc === after.doc ? [] : [{ kind: "type-doc-changed", type }];
  const removed = (relation: string, { kind }: Classified): SchemaDifference => ({
    kind: `${kind}-removed`,
    type,
    relation,
  });
  const added = (relation: string, { kind }: Classified): SchemaDifference => ({
    kind: `${kind}-added`,
    type,
    relation,
  });
  const relations = compare(classified(before), classified(after), {
    removed: (name, from) => [removed(name, from)],
    added: (name, to) => [added(name, to)],
    both: (name, from, to) =>
      from.kind === to.kind
        ? relationDifferences(type, from, to)
        : [removed(name, from), added(name, to)],
  });
  return [...doc, ...relations];
}

interface Classified {
  readonly kind: "relation" | "permission";
  readonly definition: RelationDefinition;
}

/** A permission stores nothing. OpenFGA's relations that are both count as relations. */
function classified({ relations }: TypeDefinition): ReadonlyMap<string, Classified> {
  return new Map(
    Array.from(relations, ([name, definition]) => {
      const kind = definition.allowed.length === 0 ? "permission" : "relation";
      return [name, { kind, definition }];
    }),
  );
}

function relationDifferences(type: string, from: Classified, to: Classified): SchemaDifference[] {
  const before = from.definition;
  const after = to.definition;
  const relation = before.name;
  const differences: SchemaDifference[] = [];
  if (before.doc !== after.doc) {
    differences.push({ kind: `${from.kind}-doc-changed`, type, relation });
  }
  if (!sameExpression(before.rewrite, after.rewrite)) {
    const rewrites = { before: before.rewrite, after: after.rewrite };
    differences.push({ kind: "expression-changed", type, relation, ...rewrites });
  }
  if (before.annotation?.join() !== after.annotation?.join()) {
    differences.push({ kind: "annotation-changed", type, relation });
  }
  return [...subjectDifferences(type, before, after), ...differences];
}

function subjectDifferences(
  type: string,
  before: RelationDefinition,
  after: RelationDefinition,
): SchemaDifference[] {
  const relation = before.name;
  return compare(bySubject(before), bySubject(after), {
    removed: (_, subject) => [{ kind: "subject-removed", type, relation, subject }],
    added: (_, subject) => [{ kind: "subject-added", type, relation, subject }],
    both: () => [],
  });
}

function bySubject({ allowed }: RelationDefinition): ReadonlyMap<string, AllowedSubject> {
  return new Map(allowed.map((subject) => [subjectText(subject), subject]));
}

function caveatDifferences(before: CaveatDefinition, after: CaveatDefinition): SchemaDifference[] {
  const caveat = before.name;
  const differences: SchemaDifference[] = [];
  if (before.doc !== after.doc) differences.push({ kind: "caveat-doc-changed", caveat });
  const parameters = compare(before.parameters, after.parameters, {
    removed: (parameter, type) => [{ kind: "parameter-removed", caveat, parameter, type }],
    added: (parameter, type) => [{ kind: "parameter-added", caveat, parameter, type }],
    both: (parameter, from, to) =>
      caveatTypeText(from) === caveatTypeText(to)
        ? []
        : [{ kind: "parameter-changed", caveat, parameter, before: from, after: to }],
  });
  if (before.expression !== after.expression) {
    const texts = { before: before.expression, after: after.expression };
    differences.push({ kind: "caveat-expression-changed", caveat, ...texts });
  }
  return [...parameters, ...differences];
}
