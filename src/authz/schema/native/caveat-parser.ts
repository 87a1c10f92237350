import type { Limits } from "../../../model/limits.ts";
import { didYouMean } from "../../../std/suggest.ts";
import type { CaveatType } from "../schema.ts";
import { scanCel } from "./cel-text.ts";
import { docAbove, type TokenStream } from "./stream.ts";
import type { CaveatNode, ParameterNode } from "./syntax.ts";

const plainTypes = [
  "any",
  "bool",
  "int",
  "uint",
  "double",
  "string",
  "bytes",
  "duration",
  "timestamp",
  "ipaddress",
] as const;
const genericTypes = ["list", "map"] as const;

/** `list<list<…>>`: deeper than anybody needs. */
const deepestType = 16;

/** `caveat name(parameter type, …) { expression }`, from its first word. */
export function parseCaveat(stream: TokenStream, limits: Limits): CaveatNode | undefined {
  const doc = docAbove(stream.text, stream.token, stream.lastEnd);
  const at = stream.advance();
  const name = stream.expectPath("the name of a caveat");
  if (name === undefined) return undefined;
  if (!stream.expectSymbol("(", "the name of the caveat")) return undefined;
  const parameters = parseParameters(stream, name.text);
  if (parameters === undefined) return undefined;
  if (!stream.expectSymbol(")", "the parameters of the caveat")) return undefined;
  if (!stream.isSymbol("{")) {
    stream.unexpected('"{" after the parameters of the caveat');
    return undefined;
  }
  const open = stream.token;
  const cel = scanCel(stream.text, open.end);
  stream.jump(cel.close);
  if (cel.empty) {
    const message = `Caveat "${name.text}" has no expression`;
    stream.problems.add("missing-expression", open, { message });
  }
  const expression = {
    text: stream.text.slice(cel.start, cel.end),
    start: cel.start,
    end: cel.end,
  };
  const bytes = Buffer.byteLength(expression.text);
  if (bytes > limits.authzCaveatText) {
    const message = `The expression has ${bytes} bytes, more than the limit of ${limits.authzCaveatText}`;
    stream.problems.add("caveat-too-long", expression, { message });
  }
  if (!stream.acceptSymbol("}")) {
    const message = `The expression of caveat "${name.text}" does not end: "}" is missing`;
    stream.problems.add("unexpected-end", open, { message });
  }
  return { name, at, doc, parameters, expression, used: cel.names };
}

function parseParameters(stream: TokenStream, caveat: string): ParameterNode[] | undefined {
  if (stream.isSymbol(")")) {
    const message = `Caveat "${caveat}" needs at least one parameter`;
    stream.problems.add("missing-parameters", stream.token, { message });
    return [];
  }
  const parameters: ParameterNode[] = [];
  do {
    const name = stream.expectName("the name of a parameter");
    if (name === undefined) return undefined;
    const type = parseType(stream);
    if (type === undefined) return undefined;
    parameters.push({ name, type });
  } while (stream.acceptSymbol(","));
  return parameters;
}

function parseType(stream: TokenStream, depth = 0): CaveatType | undefined {
  const { token } = stream;
  if (depth > deepestType) {
    const message = `Types of parameters go at most ${deepestType} levels deep`;
    stream.problems.add("parameter-type-too-deep", token, { message });
    return undefined;
  }
  if (stream.expectName("the type of a parameter") === undefined) return undefined;
  const plain = plainTypes.find((kind) => kind === token.text);
  if (plain !== undefined) return plainType(stream, plain);
  const generic = genericTypes.find((kind) => kind === token.text);
  if (generic === undefined) {
    stream.problems.add("unknown-parameter-type", token, {
      message: `There is no type "${token.text}" for parameters`,
      suggest: () => didYouMean(token.text, [...plainTypes, ...genericTypes]),
    });
    return { kind: "any" };
  }
  if (!stream.isSymbol("<")) {
    const message = `Say of what it is a ${generic}`;
    const suggest = () => `For example: ${generic}<string>`;
    stream.problems.add("missing-type-argument", token, { message, suggest });
    return { kind: generic, of: { kind: "any" } };
  }
  stream.advance();
  const of = parseType(stream, depth + 1);
  if (of === undefined || !stream.expectSymbol(">", `the type that "${generic}" is of`)) {
    return undefined;
  }
  return { kind: generic, of };
}

function plainType(stream: TokenStream, kind: (typeof plainTypes)[number]): CaveatType | undefined {
  if (!stream.isSymbol("<")) return { kind };
  const message = `Type "${kind}" is of nothing else`;
  stream.problems.add("unexpected-token", stream.token, { message });
  return undefined;
}
