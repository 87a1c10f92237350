import type { CompiledSchema, Right } from "../check/evaluation.ts";
import { subjectKey } from "../check/keys.ts";
import type { Names } from "../graph/objects.ts";
import type { Expression } from "../schema/schema.ts";

/** Over which relation, on objects of which type, one right leads to another by an arrow. */
export interface ArrowStep {
  readonly over: Right;
  readonly to: Right;
}

/**
 * How to get from a subject to the objects on which it has a right, going backwards: which rights
 * follow from which. Only what can lead to the right that is asked for is in it.
 */
export interface LookupPlan {
  /** Rights whose stored relationships matter, by the key of type and relation. */
  stored(type: number, relation: number): Right | undefined;
  /** Rights of the same object that follow from having this one. */
  computed(right: Right): readonly Right[];
  /** Rights of other objects that follow through an arrow. */
  arrows(right: Right): readonly ArrowStep[];
  /** Whether having this right leads to any other that matters. */
  leadsOn(right: Right): boolean;
  /** Rights that every object of the subject's own kind gives it (`self`). */
  readonly selves: readonly Right[];
  /**
   * Whether whatever is found has the right for certain: nothing but unions and arrows on the way,
   * without caveats. Else each must be checked.
   */
  readonly exact: boolean;
}

const plans = new WeakMap<Right, LookupPlan>();

export function planLookup(target: Right, schema: CompiledSchema, names: Names): LookupPlan {
  const known = plans.get(target);
  if (known !== undefined) return known;
  const plan = new Planner(schema, names).plan(target);
  plans.set(target, plan);
  return plan;
}

const none: readonly never[] = [];

class Planner implements LookupPlan {
  readonly #schema: CompiledSchema;
  readonly #names: Names;
  readonly #stored = new Map<number, Right>();
  readonly #computed = new Map<Right, Right[]>();
  readonly #arrows = new Map<Right, ArrowStep[]>();
  /** Rights that are subjects of others. */
  readonly #usersets = new Set<Right>();
  readonly selves: Right[] = [];
  exact = true;

  constructor(schema: CompiledSchema, names: Names) {
    this.#schema = schema;
    this.#names = names;
  }

  stored(type: number, relation: number): Right | undefined {
    return this.#stored.get(subjectKey(type, relation));
  }

  computed(right: Right): readonly Right[] {
    return this.#computed.get(right) ?? none;
  }

  arrows(right: Right): readonly ArrowStep[] {
    return this.#arrows.get(right) ?? none;
  }

  leadsOn(right: Right): boolean {
    return this.#computed.has(right) || this.#arrows.has(right) || this.#usersets.has(right);
  }

  plan(target: Right): LookupPlan {
    const seen = new Set<Right>([target]);
    const open = [target];
    for (let right = open.pop(); right !== undefined; right = open.pop()) {
      for (const below of this.#look(right)) {
        if (seen.has(below)) continue;
        seen.add(below);
        open.push(below);
      }
    }
    return this;
  }

  /** Takes in what a right is made of. @returns the rights that it is made of. */
  #look(right: Right): Right[] {
    const found: Right[] = [];
    const visit = (expression: Expression): void => {
      switch (expression.kind) {
        case "this":
          found.push(...this.#lookStored(right));
          return;
        case "relation": {
          const part = this.#find(right.type, expression.name);
          if (part === undefined) return;
          push(this.#computed, part, right);
          found.push(part);
          return;
        }
        case "arrow":
          found.push(...this.#lookArrow(right, expression));
          return;
        case "union":
          expression.operands.forEach(visit);
          return;
        case "intersection":
          this.exact = false;
          expression.operands.forEach(visit);
          return;
        case "exclusion":
          this.exact = false;
          visit(expression.base);
          return;
        case "self":
          this.selves.push(right);
          return;
        case "nil":
          return;
      }
    };
    visit(right.definition.rewrite);
    return found;
  }

  #lookStored(right: Right): Right[] {
    this.#stored.set(subjectKey(right.type, right.relation), right);
    const found: Right[] = [];
    for (const { type, relation, caveat } of right.definition.allowed) {
      if (caveat !== null) this.exact = false;
      if (relation === null) continue;
      const userset = this.#find(this.#names.number(type), relation);
      if (userset === undefined) continue;
      this.#usersets.add(userset);
      found.push(userset);
    }
    return found;
  }

  #lookArrow(right: Right, arrow: Expression & { kind: "arrow" }): Right[] {
    const over = this.#find(right.type, arrow.over);
    if (over === undefined) return [];
    if (arrow.all) this.exact = false;
    const found: Right[] = [];
    for (const { type, caveat } of over.definition.allowed) {
      if (caveat !== null) this.exact = false;
      if (arrow.target.kind !== "relation") continue;
      const end = this.#find(this.#names.number(type), arrow.target.name);
      if (end === undefined) continue;
      push(this.#arrows, end, { over, to: right });
      found.push(end);
    }
    return found;
  }

  #find(type: number, name: string): Right | undefined {
    return this.#schema.find(type, this.#names.number(name));
  }
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else if (!list.includes(value)) list.push(value);
}
