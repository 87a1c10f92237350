import { reachableTypes } from "./reflect.ts";
import type {
  AllowedSubject,
  CaveatType,
  RelationDefinition,
  Schema,
  TypeDefinition,
} from "./schema.ts";

const head = `// Made from the authorization schema. Make it again when the schema changes; do not edit it.
`;

/**
 * TypeScript for a schema: what each type has, as literal types, so that the compiler finds names
 * that do not exist and subjects that a relation does not take. It imports nothing.
 */
export function generateTypes(schema: Schema): string {
  const types = [...schema.types.values()].map((type) => typeSource(schema, type));
  const caveats = [...schema.caveats.values()].map(({ name, doc, parameters }) => {
    const fields = Array.from(
      parameters,
      ([parameter, type]) => `    readonly ${key(parameter)}: ${valueType(type)};\n`,
    );
    return `${comment(doc, "  ")}  readonly ${key(name)}: {\n${fields.join("")}  };\n`;
  });
  return [
    head,
    `export interface AuthzTypes {\n${types.join("")}}\n`,
    `/** What each caveat takes. */\nexport interface AuthzCaveats {\n${caveats.join("")}}\n`,
  ].join("\n");
}

function typeSource(schema: Schema, { name, doc, relations }: TypeDefinition): string {
  const all = [...relations.values()];
  const stored = all.filter(({ allowed }) => allowed.length > 0);
  const computed = all.filter(({ rewrite }) => rewrite.kind !== "this");
  return [
    `${comment(doc, "  ")}  readonly ${key(name)}: {\n`,
    "    /** What is stored, and who may be a subject of it. */\n",
    relationsSource(stored),
    "    /** What is computed. */\n",
    `    readonly permissions: ${union(computed.map((relation) => quoted(relation.name)))};\n`,
    "    /** Types whose objects can have any of these. */\n",
    `    readonly subjects: ${union(reachableTypes(schema, name).map(quoted))};\n`,
    "  };\n",
  ].join("");
}

function relationsSource(relations: readonly RelationDefinition[]): string {
  if (relations.length === 0) return "    readonly relations: {};\n";
  const fields = relations.map(({ name, doc, allowed }) => {
    const subjects = new Set(allowed.map(subjectType));
    const lines = Array.from(subjects, (subject) => `\n        | ${subject}`);
    return `${comment(doc, "      ")}      readonly ${key(name)}:${lines.join("")};\n`;
  });
  return `    readonly relations: {\n${fields.join("")}    };\n`;
}

/** A `SubjectRef` with literal types. */
function subjectType({ type, relation, wildcard }: AllowedSubject): string {
  const id = wildcard ? '"*"' : "string";
  const userset =
    relation === null ? "readonly relation?: never" : `readonly relation: ${quoted(relation)}`;
  return `{ readonly type: ${quoted(type)}; readonly id: ${id}; ${userset} }`;
}

/** What a caller passes as JSON. */
function valueType(type: CaveatType): string {
  switch (type.kind) {
    case "list":
      return `readonly (${"of" in type ? valueType(type.of) : "unknown"})[]`;
    case "map":
      return `Readonly<Record<string, ${"of" in type ? valueType(type.of) : "unknown"}>>`;
    case "bool":
      return "boolean";
    case "int":
    case "uint":
    case "double":
      return "number";
    case "any":
      return "unknown";
    default:
      return "string";
  }
}

function union(members: readonly string[]): string {
  return members.length === 0 ? "never" : members.join(" | ");
}

function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name);
}

function quoted(name: string): string {
  return JSON.stringify(name);
}

function comment(doc: string | null, indent: string): string {
  if (doc === null) return "";
  const lines = doc.replaceAll("*/", "*\\/").split("\n");
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  const inner = lines.map((line) => (line === "" ? `${indent} *\n` : `${indent} * ${line}\n`));
  return `${indent}/**\n${inner.join("")}${indent} */\n`;
}
