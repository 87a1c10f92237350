import type { Limits } from "../../model/limits.ts";
import { assert, unreachable } from "../../std/assert.ts";
import { type Caveat, compileCaveat } from "../caveat/caveat.ts";
import type { Names } from "../graph/objects.ts";
import { acceptedLimits } from "../schema/dialect.ts";
import type { AllowedSubject, Expression, Schema, TypeDefinition } from "../schema/schema.ts";
import { expressionText } from "../schema/text.ts";
import type { Allowed, CompiledSchema, Right, Rule } from "./evaluation.ts";
import { formNumber, subjectKey, wildcardKey } from "./keys.ts";
import { pathMax } from "./memo.ts";
import { isNestedArrow, nameNestedArrows } from "./nested-arrows.ts";
import {
  type Arrow,
  arrowToAll,
  arrowToAny,
  computed,
  direct,
  exclusion,
  intersection,
  nothing,
  self,
  union,
} from "./rules.ts";
import { type PartOfSchema, traced, tracedPart } from "./traced.ts";

export interface CompileOptions {
  readonly names: Names;
  readonly limits: Limits;
  /** Makes rules that tell the tracer what they do: slower, otherwise the same. */
  readonly trace?: boolean;
}

/** The depth at which OpenFGA gives up; what it answers then is part of its interface. */
const openfgaDepth = 25;

let nextUid = 1;

/** Turns a valid schema into functions over the numbers of a tenant. */
export function compileSchema(schema: Schema, options: CompileOptions): CompiledSchema {
  return new Compiler(schema, options);
}

class Compiler implements CompiledSchema {
  readonly schema: Schema;
  readonly circlesFail: boolean;
  readonly depthMax: number;
  readonly #names: Names;
  readonly #trace: boolean;
  readonly #rights: (Right | undefined)[][] = [];
  readonly #byType: (readonly Right[])[] = [];
  readonly #named = new Map<string, Map<string, Right>>();
  readonly #types = new Map<string, number>();
  readonly #caveats = new Map<number, Caveat>();
  readonly arrows: Set<number> = new Set();

  constructor(schema: Schema, { names, limits, trace }: CompileOptions) {
    this.schema = schema;
    this.circlesFail = schema.dialect === "native";
    const depthMax = Math.min(limits.authzDepth, pathMax);
    this.depthMax = schema.dialect === "native" ? depthMax : Math.min(depthMax, openfgaDepth);
    this.#names = names;
    this.#trace = trace ?? false;
    for (const definition of schema.caveats.values()) {
      const { caveat } = compileCaveat(definition, schema.dialect, acceptedLimits(limits));
      assert(caveat !== null, "a caveat of a valid schema compiles");
      this.#caveats.set(names.number(definition.name), caveat);
    }
    for (const type of nameNestedArrows(schema.types).values()) this.#compileType(type);
  }

  find(type: number, relation: number): Right | undefined {
    return this.#rights[type]?.[relation];
  }

  caveat(number: number): Caveat | undefined {
    return this.#caveats.get(number);
  }

  byName(type: string, name: string): Right | undefined {
    return this.#named.get(type)?.get(name);
  }

  typeNumber(type: string): number | undefined {
    return this.#types.get(type);
  }

  ofType(type: number): readonly Right[] {
    return this.#byType[type] ?? [];
  }

  #compileType(definition: TypeDefinition): void {
    const type = this.#names.number(definition.name);
    const rights: Right[] = [];
    const byRelation: (Right | undefined)[] = [];
    for (const relation of definition.relations.values()) {
      const number = this.#names.number(relation.name);
      const allowed = this.#compileAllowed(relation.allowed);
      const right: Right = {
        uid: nextUid++,
        type,
        relation: number,
        typeName: definition.name,
        definition: relation,
        allowed,
        rule: this.#compileRight(relation.rewrite, { type, relation: number }),
        leaf: relation.rewrite.kind === "this" && !allowed.usersets,
      };
      if (!isNestedArrow(relation.name)) rights.push(right);
      byRelation[number] = right;
    }
    this.#rights[type] = byRelation;
    this.#types.set(definition.name, type);
    this.#named.set(
      definition.name,
      new Map(rights.map((right) => [right.definition.name, right])),
    );
    this.#byType[type] = rights;
  }

  #compileAllowed(list: readonly AllowedSubject[]): Allowed {
    const forms = new Map<number, number[]>();
    for (const { type, relation, wildcard, caveat, expiration } of list) {
      const typeNumber = this.#names.number(type);
      const key = wildcard
        ? wildcardKey(typeNumber)
        : subjectKey(typeNumber, relation === null ? 0 : this.#names.number(relation));
      const numbers = forms.get(key) ?? [];
      numbers.push(formNumber(caveat === null ? 0 : this.#names.number(caveat), expiration));
      forms.set(key, numbers);
    }
    // One alternative, as most relations have, needs no map.
    const [only, ...others] = forms;
    return {
      some: list.length > 0,
      usersets: list.some(({ relation }) => relation !== null),
      forms:
        only !== undefined && others.length === 0
          ? (key) => (key === only[0] ? only[1] : undefined)
          : (key) => forms.get(key),
    };
  }

  #compileRight(rewrite: Expression, at: At): Rule {
    const rule = this.#compile(rewrite, at);
    if (!this.#trace) return rule;
    const kind = rewrite.kind === "this" ? "relation" : "permission";
    return traced(kind, this.#names.name(at.relation), { rule, relation: at.relation });
  }

  #compile(expression: Expression, at: At): Rule {
    const rule = this.#compilePlain(expression, at);
    if (!this.#trace) return rule;
    switch (expression.kind) {
      case "union":
      case "intersection": {
        const parts = inOrder(expression.operands).map((operand) => this.#partOf(operand, at));
        return traced("operator", expression.kind, { rule, parts });
      }
      case "exclusion": {
        const { base, subtract } = expression;
        const parts = [this.#partOf(base, at), this.#partOf(subtract, at, true)];
        return traced("operator", expression.kind, { rule, parts });
      }
      case "arrow":
        return traced("arrow", describeArrow(expression), { rule });
      default:
        return rule;
    }
  }

  #compilePlain(expression: Expression, at: At): Rule {
    switch (expression.kind) {
      case "this":
        return direct(this.#later(at.type, at.relation));
      case "relation": {
        const relation = this.#names.number(expression.name);
        return computed(() => this.find(at.type, relation));
      }
      case "arrow":
        return this.#compileArrow(expression, at);
      case "union":
        return union(this.#compileAll(expression.operands, at));
      case "intersection":
        return intersection(this.#compileAll(expression.operands, at));
      case "exclusion":
        return exclusion(
          this.#compileOperand(expression.base, at),
          this.#compileOperand(expression.subtract, at, true),
        );
      case "nil":
        return nothing;
      case "self":
        return self;
      default:
        return unreachable(expression);
    }
  }

  #compileAll(operands: readonly Expression[], at: At): Rule[] {
    return inOrder(operands).map((operand) => this.#compileOperand(operand, at));
  }

  /** Each operand is one node of what is told. */
  #compileOperand(operand: Expression, at: At, subtracted = false): Rule {
    const rule = this.#compile(operand, at);
    if (!this.#trace) return rule;
    const isLeaf = operand.kind === "this" || operand.kind === "nil" || operand.kind === "self";
    const told = isLeaf ? traced("operator", expressionText(operand), { rule }) : rule;
    return tracedPart(told, this.#partOf(operand, at, subtracted));
  }

  #partOf(operand: Expression, { type }: At, subtracted = false): PartOfSchema {
    if (operand.kind === "arrow") {
      return { what: describeArrow(operand), kind: "arrow", subtracted };
    }
    if (operand.kind !== "relation") {
      return { what: expressionText(operand), kind: "operator", subtracted };
    }
    const relation = this.#names.number(operand.name);
    const { rewrite } =
      this.schema.types.get(this.#names.name(type))?.relations.get(operand.name) ?? {};
    const kind = rewrite?.kind === "this" ? "relation" : "permission";
    return { what: operand.name, kind, subtracted, relation };
  }

  #compileArrow(expression: Expression & { kind: "arrow" }, at: At): Rule {
    const relation = this.#names.number(expression.over);
    this.arrows.add(relation);
    const over = this.#later(at.type, relation);
    let arrow: Arrow | undefined;
    const make = (): Arrow => {
      arrow ??= { over: over(), target: this.#makeTarget(expression.target) };
      return arrow;
    };
    return expression.all ? arrowToAll(make) : arrowToAny(make);
  }

  #makeTarget(target: Expression): Arrow["target"] {
    assert(target.kind === "relation", "nested arrows were given names");
    const relation = this.#names.number(target.name);
    const rules: (Rule | undefined)[] = [];
    return (_, type) => {
      const known = rules[type];
      if (known !== undefined) return known;
      const right = this.find(type, relation);
      if (right === undefined) return undefined;
      const rule: Rule = (evaluation, object) => evaluation.enter(right, object);
      rules[type] = rule;
      return rule;
    };
  }

  /** Rights refer to each other before all of them are there. */
  #later(type: number, relation: number): () => Right {
    let right: Right | undefined;
    return () => {
      right ??= this.find(type, relation);
      assert(right !== undefined, "names in a valid schema resolve");
      return right;
    };
  }
}

/** The cheap ones first: their order decides nothing but the time it takes. */
function inOrder(operands: readonly Expression[]): Expression[] {
  const cost = ({ kind }: Expression): number =>
    kind === "this" ? 0 : kind === "relation" ? 1 : 2;
  return operands.toSorted((a, b) => cost(a) - cost(b));
}

/** Where an expression stands. */
interface At {
  readonly type: number;
  readonly relation: number;
}

function describeArrow({ over, target, all }: Expression & { kind: "arrow" }): string {
  const to = target.kind === "relation" ? target.name : "…";
  return all ? `${over}.all(${to})` : `${over}->${to}`;
}
