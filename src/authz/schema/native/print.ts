import { assert } from "../../../std/assert.ts";
import type {
  AllowedSubject,
  CaveatDefinition,
  Expression,
  RelationDefinition,
  Schema,
  TypeDefinition,
} from "../schema.ts";
import { caveatTypeText, expressionText, subjectText } from "../text.ts";

const indent = "  ";

/**
 * The canonical text of a native schema: what it parses to is the schema again, but for positions
 * and the text it came from. Partials are written out where they were used.
 */
export function printNativeSchema(schema: Schema): string {
  assert(schema.dialect === "native", "only a native schema has native text");
  const caveats = [...schema.caveats.values()].map(printCaveat);
  const types = [...schema.types.values()].map(printType);
  const uses = flagsOf(schema).map((flag) => `use ${flag}\n`);
  const head = uses.length === 0 ? [] : [uses.join("")];
  return [...head, ...caveats, ...types].join("\n");
}

/** The features that must be switched on for what the schema has. */
function flagsOf(schema: Schema): string[] {
  const relations = [...schema.types.values()].flatMap((type) => [...type.relations.values()]);
  const needed = {
    expiration: relations.some(({ allowed }) => allowed.some(({ expiration }) => expiration)),
    self: relations.some(({ rewrite }) => hasSelf(rewrite)),
    typechecking: relations.some(({ annotation }) => annotation !== undefined),
  };
  return Object.entries(needed).flatMap(([flag, isNeeded]) => (isNeeded ? [flag] : []));
}

function hasSelf(expression: Expression): boolean {
  switch (expression.kind) {
    case "self":
      return true;
    case "union":
    case "intersection":
      return expression.operands.some(hasSelf);
    case "exclusion":
      return hasSelf(expression.base) || hasSelf(expression.subtract);
    default:
      return false;
  }
}

function printCaveat({ name, doc, parameters, expression }: CaveatDefinition): string {
  const list = [...parameters].map(([parameter, type]) => `${parameter} ${caveatTypeText(type)}`);
  return `${printDoc(doc, "")}caveat ${name}(${list.join(", ")}) {\n${indent}${expression}\n}\n`;
}

function printType({ name, doc, relations }: TypeDefinition): string {
  const head = `${printDoc(doc, "")}definition ${name}`;
  if (relations.size === 0) return `${head} {}\n`;
  return `${head} {\n${[...relations.values()].map(printRelation).join("")}}\n`;
}

function printRelation({ name, doc, allowed, rewrite, annotation }: RelationDefinition): string {
  const comment = printDoc(doc, indent);
  if (rewrite.kind === "this") {
    return `${comment}${indent}relation ${name}: ${printSubjects(allowed)}\n`;
  }
  const types = annotation === undefined ? "" : `: ${annotation.join(" | ")}`;
  return `${comment}${indent}permission ${name}${types} = ${expressionText(rewrite)}\n`;
}

function printSubjects(allowed: readonly AllowedSubject[]): string {
  return allowed.map(subjectText).join(" | ");
}

function printDoc(doc: string | null, before: string): string {
  if (doc === null) return "";
  return doc
    .split("\n")
    .map((line) => (line === "" ? `${before}//\n` : `${before}// ${line}\n`))
    .join("");
}
