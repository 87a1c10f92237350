import type { Explanation } from "../../model/authz.ts";
import type { Rule } from "./evaluation.ts";

/** The same rule, which tells the tracer when it begins and what it came to. */
export function traced(
  kind: Explanation["kind"],
  name: string,
  { rule, parts }: { readonly rule: Rule; readonly parts?: readonly string[] },
): Rule {
  const ofObject = kind === "permission" || kind === "relation";
  return (evaluation, object) => {
    const { tracer, graph } = evaluation;
    if (tracer === null) return rule(evaluation, object);
    const type = graph.names.name(evaluation.typeOf(object));
    const what = ofObject ? `${type}:${evaluation.idOf(object)}#${name}` : name;
    tracer.begin(kind, what);
    const value = rule(evaluation, object);
    tracer.end(value, parts);
    return value;
  };
}
