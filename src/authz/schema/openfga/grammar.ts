import { type TokenKind, tokenKinds } from "./tokens.ts";

/**
 * The grammar of the DSL as data. It serves one purpose: to tell what is wrong with a text in the
 * words that OpenFGA's own parser, a generated one, would use. Texts that are right never come here.
 *
 * `near` decisions look at one token; `far` ones at as many as it takes.
 */
export type Syntax =
  | { readonly kind: "token"; readonly set: ReadonlySet<TokenKind> }
  | { readonly kind: "rule"; readonly name: RuleName }
  | { readonly kind: "sequence"; readonly parts: readonly Syntax[] }
  | {
      readonly kind: "choice" | "optional" | "star" | "plus";
      readonly look: Look;
      readonly alternatives: readonly Syntax[];
    };

export type Look = "near" | "far";

export type RuleName =
  | "file"
  | "modelHeader"
  | "moduleHeader"
  | "types"
  | "type"
  | "relation"
  | "relationName"
  | "definition"
  | "plainDefinition"
  | "operators"
  | "operand"
  | "group"
  | "plainGroup"
  | "direct"
  | "rewrite"
  | "restriction"
  | "subject"
  | "conditions"
  | "condition"
  | "conditionName"
  | "parameter"
  | "parameterName"
  | "parameterType"
  | "comment"
  | "word"
  | "name"
  | "expression";

type Part = TokenKind | Syntax;

function seq(...parts: readonly Part[]): Syntax {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return syntaxOf(first);
  return { kind: "sequence", parts: parts.map(syntaxOf) };
}

function syntaxOf(part: Part): Syntax {
  return typeof part === "string" ? { kind: "token", set: new Set([part]) } : part;
}

function call(name: RuleName): Syntax {
  return { kind: "rule", name };
}

function oneOf(...kinds: readonly TokenKind[]): Syntax {
  return { kind: "token", set: new Set(kinds) };
}

function anyBut(...kinds: readonly TokenKind[]): Syntax {
  return oneOf(...tokenKinds.filter((kind) => kind !== "EOF" && !kinds.includes(kind)));
}

function choice(look: Look, ...alternatives: readonly Part[]): Syntax {
  return { kind: "choice", look, alternatives: alternatives.map(syntaxOf) };
}

function optional(look: Look, ...parts: readonly Part[]): Syntax {
  return { kind: "optional", look, alternatives: [seq(...parts)] };
}

function star(look: Look, ...parts: readonly Part[]): Syntax {
  return { kind: "star", look, alternatives: [seq(...parts)] };
}

function plus(look: Look, ...parts: readonly Part[]): Syntax {
  return { kind: "plus", look, alternatives: [seq(...parts)] };
}

const space = "WHITESPACE";
const line = "NEWLINE";
const maybeSpace = optional("near", space);
const spaces = star("near", space);
const maybeLine = optional("near", line);
const comments = optional("far", line, call("comment"));

const nextOperand = choice("near", call("operand"), call("plainGroup"));

/** The rules; the text as a whole is a `file`. */
export const rules: Readonly<Record<RuleName, Syntax>> = {
  file: seq(
    maybeSpace,
    maybeLine,
    choice("far", call("modelHeader"), call("moduleHeader")),
    optional("far", line),
    call("types"),
    optional("far", line),
    call("conditions"),
    maybeLine,
    "EOF",
  ),
  modelHeader: seq(
    optional("near", call("comment"), line),
    "model",
    line,
    "schema",
    space,
    "SCHEMA_VERSION",
    maybeSpace,
  ),
  moduleHeader: seq(
    optional("near", call("comment"), line),
    "module",
    space,
    call("word"),
    maybeSpace,
  ),
  types: star("far", call("type")),
  type: seq(
    comments,
    line,
    optional("near", "extend", space),
    "type",
    space,
    call("name"),
    optional("far", line, "relations", plus("far", call("relation"))),
  ),
  relation: seq(
    comments,
    line,
    "define",
    space,
    call("relationName"),
    maybeSpace,
    ":",
    maybeSpace,
    call("definition"),
  ),
  relationName: call("name"),
  definition: seq(
    choice("near", call("direct"), call("operand"), call("group")),
    optional("far", call("operators")),
  ),
  plainDefinition: seq(nextOperand, optional("far", call("operators"))),
  operators: choice(
    "far",
    plus("far", space, "or", space, nextOperand),
    plus("far", space, "and", space, nextOperand),
    seq(space, "but not", space, nextOperand),
  ),
  operand: call("rewrite"),
  group: seq("(", spaces, choice("far", call("definition"), call("plainGroup")), spaces, ")"),
  plainGroup: seq(
    "(",
    spaces,
    choice("far", call("plainDefinition"), call("plainGroup")),
    spaces,
    ")",
  ),
  direct: seq(
    "[",
    maybeSpace,
    call("restriction"),
    maybeSpace,
    star("near", ",", maybeSpace, call("restriction"), maybeSpace),
    "]",
  ),
  rewrite: seq(call("name"), optional("far", space, "from", space, call("name"))),
  restriction: seq(
    maybeLine,
    choice(
      "far",
      call("subject"),
      seq(call("subject"), space, "with", space, call("conditionName")),
    ),
    maybeLine,
  ),
  subject: seq(call("name"), {
    kind: "optional",
    look: "near",
    alternatives: [seq(":", "*"), seq("#", call("name"))],
  }),
  conditions: star("far", call("condition")),
  condition: seq(
    comments,
    line,
    "condition",
    space,
    call("conditionName"),
    maybeSpace,
    "(",
    maybeSpace,
    call("parameter"),
    maybeSpace,
    star("near", ",", maybeSpace, call("parameter"), maybeSpace),
    maybeLine,
    ")",
    maybeSpace,
    "{",
    optional("far", line),
    optional("far", space),
    call("expression"),
    maybeLine,
    "}",
  ),
  conditionName: seq("IDENTIFIER"),
  parameter: seq(
    maybeLine,
    call("parameterName"),
    maybeSpace,
    ":",
    maybeSpace,
    call("parameterType"),
  ),
  parameterName: seq("IDENTIFIER"),
  parameterType: choice(
    "near",
    "CONDITION_PARAM_TYPE",
    seq("CONDITION_PARAM_CONTAINER", "<", "CONDITION_PARAM_TYPE", ">"),
  ),
  comment: seq("#", star("near", anyBut(line)), optional("far", line, call("comment"))),
  word: oneOf("model", "schema", "type", "relation", "IDENTIFIER", "module", "extend"),
  name: choice("near", call("word"), "EXTENDED_IDENTIFIER"),
  expression: star("far", anyBut("}")),
};
