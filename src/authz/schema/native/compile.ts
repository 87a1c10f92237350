/** Syntax to the internal form: names are collected, partials brought in, references looked up. */
import type { Limits } from "../../../model/limits.ts";
import type {
  AllowedSubject,
  CaveatDefinition,
  CaveatType,
  RelationDefinition,
  Schema,
  TypeDefinition,
} from "../schema.ts";
import { checkAnnotations } from "./annotations.ts";
import { compileExpression } from "./compile-expression.ts";
import { checkParameterName } from "./names.ts";
import type { Problems } from "./problems.ts";
import { References } from "./references.ts";
import { collect } from "./scope.ts";
import type {
  CaveatNode,
  PermissionNode,
  RelationNode,
  SourceFile,
  SubjectNode,
} from "./syntax.ts";

interface Options {
  readonly problems: Problems;
  readonly limits: Limits;
}

/** Worth something only if there are no problems. */
export function compile(file: SourceFile, source: string, options: Options): Schema {
  const { problems } = options;
  const scope = collect(file, options);
  const references = new References(scope, problems);
  const isTyped = scope.flags.has("typechecking");
  const types = new Map<string, TypeDefinition>();
  for (const [name, { node, members }] of scope.types) {
    const relations = new Map<string, RelationDefinition>();
    for (const [relation, member] of members) {
      if (problems.full) break;
      references.check(name, member.node);
      relations.set(relation, compileMember(member.node, { ...options, isTyped }));
    }
    references.checkCycles(name);
    types.set(name, { name, doc: node.doc, at: problems.position(node.at.start), relations });
  }
  const caveats = new Map<string, CaveatDefinition>();
  for (const node of scope.caveats.values())
    caveats.set(node.name.text, compileCaveat(node, options));
  const schema: Schema = { dialect: "native", types, caveats, source };
  if (isTyped && !problems.any) checkAnnotations(schema, scope, problems);
  return schema;
}

/** `isTyped`: annotations count; else they are as good as comments. */
function compileMember(
  node: RelationNode | PermissionNode,
  { isTyped, ...options }: Options & { readonly isTyped: boolean },
): RelationDefinition {
  const { doc } = node;
  const name = node.name.text;
  const at = options.problems.position(node.at.start);
  if (node.kind === "relation") {
    return { name, doc, at, allowed: node.subjects.map(allowedSubject), rewrite: { kind: "this" } };
  }
  const rewrite = compileExpression(node, {
    problems: options.problems,
    deepest: options.limits.authzExpression,
  });
  const annotation = isTyped ? node.annotation.map(({ text }) => text) : [];
  return { name, doc, at, allowed: [], rewrite, ...(annotation.length > 0 && { annotation }) };
}

function allowedSubject(node: SubjectNode): AllowedSubject {
  return {
    type: node.type.text,
    relation: node.relation?.text ?? null,
    wildcard: node.wildcard,
    caveat: node.caveat?.text ?? null,
    expiration: node.expiration,
  };
}

function compileCaveat(node: CaveatNode, { problems, limits }: Options): CaveatDefinition {
  const name = node.name.text;
  const parameters = new Map<string, CaveatType>();
  const over = node.parameters[limits.authzCaveatParameters];
  if (over !== undefined) {
    const message = `Caveat "${name}" has ${node.parameters.length} parameters, more than the limit of ${limits.authzCaveatParameters}`;
    problems.add("too-many-parameters", over.name, { message });
  }
  for (const { name: parameter, type } of node.parameters) {
    checkParameterName(parameter, { problems, longest: limits.authzName });
    if (parameters.has(parameter.text)) {
      const message = `Caveat "${name}" has a parameter "${parameter.text}" already`;
      problems.add("duplicate-parameter", parameter, { message });
    } else if (!node.used.has(parameter.text)) {
      const message = `Parameter "${parameter.text}" of caveat "${name}" is not used in its expression`;
      problems.add("unused-parameter", parameter, { message });
    }
    parameters.set(parameter.text, type);
  }
  return {
    name,
    doc: node.doc,
    at: problems.position(node.at.start),
    parameters,
    expression: node.expression.text,
    expressionAt: problems.position(node.expression.start),
  };
}
