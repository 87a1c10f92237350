/** What is legal in a schema and probably not meant. */

import { didYouMean } from "../../std/suggest.ts";
import { sameExpression } from "./diff.ts";
import { type PossibleTypes, possibleTypes } from "./possible.ts";
import { type ReachGraph, reachGraph } from "./reach.ts";
import type {
  Expression,
  RelationDefinition,
  Schema,
  SchemaProblem,
  TypeDefinition,
} from "./schema.ts";
import { expressionText, subjectText } from "./text.ts";

/** What each warning is about. Those that SpiceDB has too have its names. */
export const lintCodes = {
  "relation-name-references-parent": "a name ends with the name of its type",
  "arrow-references-unreachable-relation": "an arrow leads to a name that no subject type has",
  "arrow-references-relation": "an arrow leads to a relation of another type, not a permission",
  "arrow-walks-subject-relation": "an arrow goes over usersets, of which only the object counts",
  "arrow-over-wildcard": "an arrow goes over a relation that includes everybody of a type",
  "always-empty": "nothing can ever have the relation or permission",
  "disjoint-intersection": "the operands of an intersection have no subject type in common",
  "subtract-itself": "something is taken away from itself",
  "subtract-without-effect": "what is taken away has no subject type in common with the rest",
  "duplicate-operand": "an operand stands twice",
  "nil-operand": "a nil that changes nothing",
  "unused-relation": "no permission and no other relation refers to a relation",
  "unused-caveat": "no relation refers to a caveat",
  "unused-type": "a type without relations that is the subject of nothing",
} as const;

export type LintCode = keyof typeof lintCodes;

/** In the order of the source. A line `ignore: code` in the doc comment silences one. */
export function lintSchema(schema: Schema): readonly SchemaProblem[] {
  return new Linter(schema).run();
}

type Arrow = Extract<Expression, { kind: "arrow" }>;

/** Texts of warnings show no more of an expression. */
const longestShown = 80;

/** More than anybody reads. */
const mostWarnings = 1_000;

class Linter {
  readonly #schema: Schema;
  readonly #graph: ReachGraph;
  readonly #possible: PossibleTypes | undefined;
  readonly #found: SchemaProblem[] = [];

  constructor(schema: Schema) {
    this.#schema = schema;
    this.#graph = reachGraph(schema);
    this.#possible = possibleTypes(schema);
  }

  run(): readonly SchemaProblem[] {
    const used = this.#usedRelations();
    for (const type of this.#schema.types.values()) {
      const relations = [...type.relations.values()];
      for (const relation of relations) {
        this.#name(type, relation);
        this.#expression(new Place(type, relation), relation.rewrite);
        this.#empty(type, relation);
      }
      // Without permissions the relations are what is asked about.
      if (relations.every(({ rewrite }) => rewrite.kind === "this")) continue;
      for (const relation of relations) this.#unused(used, { type, relation });
    }
    this.#unusedDefinitions();
    return this.#found.sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
  }

  #warn(
    code: LintCode,
    { at, doc }: Pick<RelationDefinition, "at" | "doc">,
    rest: { message: string; suggestion?: string | undefined },
  ): void {
    if (this.#found.length >= mostWarnings || isSilenced(doc, code)) return;
    const { message, suggestion } = rest;
    const problem: SchemaProblem = { code, severity: "warning", message, at };
    this.#found.push(suggestion === undefined ? problem : { ...problem, suggestion });
  }

  #name(type: TypeDefinition, relation: RelationDefinition): void {
    if (!relation.name.endsWith(type.name)) return;
    const shorter = relation.name.slice(0, -type.name.length).replace(/_+$/, "");
    this.#warn("relation-name-references-parent", relation, {
      message: `${what(relation)} "${relation.name}" repeats the name of its type "${type.name}"`,
      suggestion: shorter.length < 3 ? undefined : `Call it "${shorter}".`,
    });
  }

  // --- Expressions ---------------------------------------------------------------------------------

  #expression(place: Place, expression: Expression): void {
    switch (expression.kind) {
      case "arrow":
        this.#arrow(place, { arrow: expression, types: [place.type.name] });
        break;
      case "union":
      case "intersection":
        this.#operands(place, expression);
        for (const operand of expression.operands) this.#expression(place, operand);
        break;
      case "exclusion":
        this.#exclusion(place, expression);
        this.#expression(place, expression.base);
        this.#expression(place, expression.subtract);
        break;
      default:
        break;
    }
  }

  #operands(
    { type, relation, isNew }: Place,
    expression: Extract<Expression, { kind: "union" | "intersection" }>,
  ): void {
    const seen = new Set<string>();
    for (const operand of expression.operands) {
      const text = expressionText(operand);
      if (operand.kind === "nil" && expression.kind === "union") {
        if (!isNew("nil")) continue;
        const message = `In ${within(type, relation)} "nil" adds nothing`;
        this.#warn("nil-operand", relation, { message });
      } else if (seen.has(text) && isNew(`twice ${text}`)) {
        const message = `In ${within(type, relation)} "${shown(text)}" stands twice`;
        this.#warn("duplicate-operand", relation, { message });
      }
      seen.add(text);
    }
    if (expression.kind !== "intersection" || this.#possible === undefined) return;
    const types = expression.operands.map((operand) => this.#possibleIn(type, operand));
    if (types.includes(0n) || types.reduce((all, each) => all & each, -1n) !== 0n) return;
    const message = `In ${within(type, relation)} the operands of "${shown(expressionText(expression))}" have no type of subjects in common`;
    this.#warn("disjoint-intersection", relation, { message });
  }

  #exclusion(
    { type, relation }: Place,
    { base, subtract }: Extract<Expression, { kind: "exclusion" }>,
  ): void {
    const text = shown(expressionText(subtract));
    if (sameExpression(base, subtract)) {
      const message = `In ${within(type, relation)} "${text}" is taken away from itself`;
      this.#warn("subtract-itself", relation, { message });
      return;
    }
    if (subtract.kind === "nil") {
      const message = `In ${within(type, relation)} "nil" takes nothing away`;
      this.#warn("nil-operand", relation, { message });
      return;
    }
    if (this.#possible === undefined) return;
    const from = this.#possibleIn(type, base);
    const away = this.#possibleIn(type, subtract);
    if (from === 0n || (from & away) !== 0n) return;
    const message = `In ${within(type, relation)} "${text}" has no type of subjects in common with what it is taken from`;
    this.#warn("subtract-without-effect", relation, { message });
  }

  /** What is stored counts as possible wherever it stands: it has its own warnings. */
  #possibleIn(type: TypeDefinition, expression: Expression): bigint {
    return hasThis(expression) ? -1n : (this.#possible?.of(type.name, expression) ?? -1n);
  }

  // --- Arrows --------------------------------------------------------------------------------------

  /** `types` have, or may have, the relation that the arrow goes over. */
  #arrow(place: Place, { arrow, types }: { arrow: Arrow; types: readonly string[] }): void {
    const { over, target } = arrow;
    const subjects = types.flatMap(
      (type) => this.#schema.types.get(type)?.relations.get(over)?.allowed ?? [],
    );
    const { relation, type } = place;
    const text = shown(expressionText(arrow));
    const userset = subjects.find((subject) => subject.relation !== null);
    if (userset !== undefined && place.isNew(`walks ${over}`)) {
      const message = `Arrow "${text}" of ${within(type, relation)} goes over "${subjectText(userset)}", of which it takes the ${userset.type} and not its ${userset.relation}`;
      this.#warn("arrow-walks-subject-relation", relation, { message });
    }
    if (subjects.some(({ wildcard }) => wildcard) && place.isNew(`wildcard ${over}`)) {
      const message = `Arrow "${text}" of ${within(type, relation)} goes over a relation that includes everybody of a type, who are passed over`;
      this.#warn("arrow-over-wildcard", relation, { message });
    }
    const next = [...new Set(subjects.map((subject) => subject.type))];
    const name =
      target.kind === "arrow" ? target.over : target.kind === "relation" ? target.name : "";
    const having = next.filter((each) => this.#schema.types.get(each)?.relations.has(name));
    if (having.length === 0 && next.length > 0) this.#unreachable(place, { text, name, next });
    if (target.kind === "arrow") this.#arrow(place, { arrow: target, types: having });
    else this.#toRelation(place, { text, name, having });
  }

  #unreachable(
    { type, relation, isNew }: Place,
    { text, name, next }: { text: string; name: string; next: readonly string[] },
  ): void {
    if (!isNew(`unreachable ${text}`)) return;
    const names = next
      .slice(0, 10)
      .flatMap((each) => [...(this.#schema.types.get(each)?.relations.keys() ?? [])]);
    this.#warn("arrow-references-unreachable-relation", relation, {
      message: `Arrow "${text}" of ${within(type, relation)} leads to "${name}", which none of its subject types has`,
      suggestion: didYouMean(name, names),
    });
  }

  #toRelation(
    { type, relation, isNew }: Place,
    { text, name, having }: { text: string; name: string; having: readonly string[] },
  ): void {
    if (this.#schema.dialect !== "native") return;
    const found = having.find((each) => {
      const target = this.#schema.types.get(each)?.relations.get(name);
      return each !== type.name && target?.rewrite.kind === "this";
    });
    if (found === undefined || !isNew(`relation ${text}`)) return;
    const message = `Arrow "${text}" of ${within(type, relation)} leads to relation "${name}" of type "${found}": better lead it to a permission, which can change without this one`;
    this.#warn("arrow-references-relation", relation, { message });
  }

  // --- Whole definitions ---------------------------------------------------------------------------

  #empty(type: TypeDefinition, relation: RelationDefinition): void {
    if (this.#possible === undefined) return;
    const empty = this.#possible.ofRelation(type.name, relation.name) === 0n;
    const subtractsItself =
      relation.rewrite.kind === "exclusion" &&
      sameExpression(relation.rewrite.base, relation.rewrite.subtract);
    if (!empty && !subtractsItself) return;
    // Whoever writes just `nil` means it.
    if (relation.rewrite.kind === "nil") return;
    const message = `${what(relation)} "${relation.name}" of type "${type.name}" is always empty`;
    this.#warn("always-empty", relation, { message });
  }

  /** Relations and permissions that something refers to, as `type#name`. */
  #usedRelations(): ReadonlySet<string> {
    const used = new Set<string>();
    for (const { draws, subtracts, over, type, name } of this.#graph.nodes) {
      for (const id of [...draws, ...subtracts, ...over]) {
        const node = this.#graph.node(id);
        const isItself = node.type === type && node.name === name;
        if (node.definition !== null && !isItself) used.add(`${node.type}#${node.name}`);
      }
    }
    return used;
  }

  #unused(
    used: ReadonlySet<string>,
    { type, relation }: { type: TypeDefinition; relation: RelationDefinition },
  ): void {
    if (this.#schema.dialect !== "native" || relation.rewrite.kind !== "this") return;
    if (used.has(`${type.name}#${relation.name}`)) return;
    const message = `Relation "${relation.name}" of type "${type.name}" is part of no permission and of no other relation`;
    this.#warn("unused-relation", relation, { message });
  }

  #unusedDefinitions(): void {
    const caveats = new Set<string | null>();
    const types = new Set<string>();
    for (const { relations } of this.#schema.types.values()) {
      for (const { allowed } of relations.values()) {
        for (const { type, caveat } of allowed) {
          caveats.add(caveat);
          types.add(type);
        }
      }
    }
    for (const caveat of this.#schema.caveats.values()) {
      if (caveats.has(caveat.name)) continue;
      const message = `No relation uses caveat "${caveat.name}"`;
      this.#warn("unused-caveat", caveat, { message });
    }
    if (this.#schema.types.size === 1) return;
    for (const type of this.#schema.types.values()) {
      if (type.relations.size > 0 || types.has(type.name)) continue;
      const message = `Type "${type.name}" has no relations and is the subject of none`;
      this.#warn("unused-type", type, { message });
    }
  }
}

/** The relation that is looked at, and what was said of it already. */
class Place {
  readonly type: TypeDefinition;
  readonly relation: RelationDefinition;
  readonly #said = new Set<string>();

  constructor(type: TypeDefinition, relation: RelationDefinition) {
    this.type = type;
    this.relation = relation;
  }

  readonly isNew = (what: string): boolean => {
    if (this.#said.has(what)) return false;
    this.#said.add(what);
    return true;
  };
}

function hasThis(expression: Expression): boolean {
  switch (expression.kind) {
    case "this":
      return true;
    case "union":
    case "intersection":
      return expression.operands.some(hasThis);
    case "exclusion":
      return hasThis(expression.base) || hasThis(expression.subtract);
    default:
      return false;
  }
}

/** SpiceDB's way of saying it is understood, too. */
function isSilenced(doc: string | null, code: LintCode): boolean {
  if (doc === null) return false;
  return doc
    .split("\n")
    .some((line) => /^(?:ignore|spicedb-ignore-warning):\s*(\S+)$/.exec(line.trim())?.[1] === code);
}

function what({ rewrite }: RelationDefinition): string {
  return rewrite.kind === "this" ? "Relation" : "Permission";
}

function within(type: TypeDefinition, relation: RelationDefinition): string {
  return `"${relation.name}" of type "${type.name}"`;
}

function shown(text: string): string {
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}…`;
}
