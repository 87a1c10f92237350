import type { Explanation } from "../../model/authz.ts";
import type { Rule } from "./evaluation.ts";

interface TracedOptions {
  readonly rule: Rule;
  readonly parts?: readonly string[];
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
    const { tracer, graph } = evaluation;
    if (tracer === null) return rule(evaluation, object);
    if (relation === undefined) tracer.begin(kind, name);
    else {
      const type = evaluation.typeOf(object);
      tracer.begin(kind, `${graph.names.name(type)}:${evaluation.idOf(object)}#${name}`);
      if (tracer.isCached({ object, type, relation })) tracer.mark("cached");
    }
    const value = rule(evaluation, object);
    tracer.end(value, parts);
    return value;
  };
}
