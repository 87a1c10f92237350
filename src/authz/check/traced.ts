import type { Explanation } from "../../model/authz.ts";
import type { Evaluation, Rule } from "./evaluation.ts";
import { describeRight } from "./told.ts";
import type { Part } from "./tracer.ts";

/** A part of an operator as the schema has it: of whatever object. */
export interface PartOfSchema extends Part {
  /** The number of what it is, where it is a right of the object. */
  readonly relation?: number;
}

interface TracedOptions {
  readonly rule: Rule;
  readonly parts?: readonly PartOfSchema[];
  /** The number of what it is, where it is a relation or permission of its object. */
  readonly relation?: number;
}

/** The same rule, which tells the tracer when it begins and what it came to. */
export function traced(
  kind: Explanation["kind"],
  name: string,
  { rule, parts, relation }: TracedOptions,
): Rule {
  return (evaluation, object) => {
    const { tracer } = evaluation;
    if (tracer === null) return rule(evaluation, object);
    if (relation === undefined) tracer.begin(kind, name);
    else {
      tracer.begin(kind, describeRight(evaluation, object, relation));
      const type = evaluation.typeOf(object);
      if (tracer.isCached({ object, type, relation })) tracer.mark("cached");
    }
    const value = rule(evaluation, object);
    tracer.end(
      value,
      parts?.map((part) => partOf(part, evaluation, object)),
    );
    return value;
  };
}

/** The same rule as one part of an operator. */
export function tracedPart(rule: Rule, part: PartOfSchema): Rule {
  return (evaluation, object) => {
    const { tracer } = evaluation;
    if (tracer === null) return rule(evaluation, object);
    const before = tracer.children;
    const value = rule(evaluation, object);
    tracer.part(partOf(part, evaluation, object), value, before);
    return value;
  };
}

function partOf(part: PartOfSchema, evaluation: Evaluation, object: number): Part {
  const { relation } = part;
  if (relation === undefined) return part;
  return { ...part, what: describeRight(evaluation, object, relation) };
}
