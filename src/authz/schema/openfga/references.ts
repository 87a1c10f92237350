import { didYouMean } from "../../../std/suggest.ts";
import type { SchemaProblem } from "../schema.ts";
import type { TypeMap } from "./entry-points.ts";
import {
  type Leaf,
  leavesOf,
  type Model,
  type ModelRelation,
  type ModelType,
  nowhere,
  problem,
  type Restriction,
  restrictionText,
} from "./model.ts";

/** Whether what a model names exists and fits: types, relations, conditions. */
export class ReferenceCheck {
  readonly #types: TypeMap;
  readonly #conditions: ReadonlySet<string>;

  constructor(types: TypeMap, model: Model) {
    this.#types = types;
    this.#conditions = new Set(model.conditions.map(({ key }) => key));
  }

  /** Of types that stand twice only what the last one has is checked, as in OpenFGA. */
  of(type: ModelType): readonly SchemaProblem[] {
    const relations = this.#types.get(type.name.text);
    return type.relations.flatMap(({ name }) => {
      const relation = relations?.get(name.text);
      if (relation === undefined) return [];
      return leavesOf(relation.rewrite).flatMap((leaf) =>
        this.#leaf(leaf, relation, type.name.text),
      );
    });
  }

  #leaf(leaf: Leaf, relation: ModelRelation, type: string): readonly SchemaProblem[] {
    if (leaf.kind === "this") return this.#direct(relation);
    if (leaf.kind === "from") return this.#from(leaf, type);
    const known = this.#types.get(type);
    if (known?.has(leaf.relation)) return [];
    const message = `the relation \`${leaf.relation}\` does not exist.`;
    const place = { at: leaf.at, length: leaf.relation.length };
    return [suggesting(problem("missing-definition", message, place), leaf.relation, known)];
  }

  #direct({ restrictions }: ModelRelation): readonly SchemaProblem[] {
    if (restrictions.length > 0) return restrictions.flatMap((one) => this.#restriction(one));
    const message = "assignable relation '' must have types";
    return [problem("assignable-relation-must-have-type", message, { at: nowhere })];
  }

  #restriction(restriction: Restriction): readonly SchemaProblem[] {
    const { type, relation, wildcard, condition, at } = restriction;
    const found: SchemaProblem[] = [];
    const relations = this.#types.get(type);
    if (relations === undefined) {
      const place = { at, length: type.length };
      const missing = problem("invalid-type", `\`${type}\` is not a valid type.`, place);
      found.push(suggesting(missing, type, this.#types));
    }
    if (condition !== null && !this.#conditions.has(condition.text)) {
      const place = { at: condition.at, length: condition.text.length };
      const message = `\`${condition.text}\` is not a defined condition in the model.`;
      const missing = problem("condition-not-defined", message, place);
      found.push(suggesting(missing, condition.text, this.#conditions));
    }
    if (relation === null) return found;
    const text = restrictionText(restriction, { condition: false });
    const place = { at, length: text.length };
    if (wildcard) {
      const message = `type restriction \`${text}\` cannot contain both wildcard and relation`;
      found.push(problem("type-wildcard-relation", message, place));
    } else if (!relations?.has(relation)) {
      const message = `\`${relation}\` is not a valid relation for \`${type}\`.`;
      found.push(suggesting(problem("invalid-relation-type", message, place), relation, relations));
    }
    return found;
  }

  #from(leaf: Extract<Leaf, { kind: "from" }>, type: string): readonly SchemaProblem[] {
    const { tupleset, relation, at } = leaf;
    const relations = this.#types.get(type);
    const over = relations?.get(tupleset.text);
    const text = `${relation} from ${tupleset.text}`;
    if (over === undefined) {
      const message = `\`${tupleset.text}\` is not a valid relation for \`${type}\`.`;
      const missing = problem("invalid-relation-type", message, { at, length: text.length });
      return [suggesting(missing, tupleset.text, relations)];
    }
    const notDirect = problem(
      "tupleuserset-not-direct",
      `\`${tupleset.text}\` relation used inside from allows only direct relation.`,
      { at: tupleset.at, length: tupleset.text.length },
    );
    if (over.rewrite.kind !== "this" || over.restrictions.length === 0) return [notDirect];
    const parents = over.restrictions;
    const found = parents
      .filter((parent) => parent.wildcard || parent.relation !== null)
      .map(() => notDirect);
    const lacking = parents.filter(
      (parent) =>
        !parent.wildcard &&
        parent.relation === null &&
        !this.#types.get(parent.type)?.has(relation),
    );
    if (lacking.length < parents.length) return found;
    return lacking.map((parent) => {
      const message = `the \`${relation}\` relation definition on type \`${type}\` is not valid: \`${relation}\` does not exist on \`${tupleset.text}\`, which is of type \`${parent.type}\`.`;
      return problem("invalid-relation-on-tupleset", message, { at, length: text.length });
    });
  }
}

function suggesting(
  missing: SchemaProblem,
  name: string,
  candidates: ReadonlyMap<string, unknown> | ReadonlySet<string> | undefined,
): SchemaProblem {
  const suggestion = candidates === undefined ? undefined : didYouMean(name, candidates.keys());
  return suggestion === undefined ? missing : { ...missing, suggestion };
}
