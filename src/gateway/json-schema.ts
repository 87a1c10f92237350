import type { StandardSchema } from "../sdk/standard-schema.ts";
import type { JsonSchema } from "./route.ts";

/**
 * JSON Schema of a Standard Schema, as far as its library can say it; `{}`, which allows everything,
 * where it cannot. The extension is Standard JSON Schema (https://standardschema.dev/json-schema);
 * Zod 4 had a method of its own before.
 */
export function toJsonSchema(schema: StandardSchema, side: "input" | "output"): JsonSchema {
  try {
    return fromExtension(schema, side) ?? fromZod(schema, side) ?? {};
  } catch {
    // The library has no words for it: a transformation, a date.
    return {};
  }
}

function fromExtension(schema: StandardSchema, side: "input" | "output"): JsonSchema | undefined {
  const extension = property(schema["~standard"], "jsonSchema");
  const convert = property(extension, side);
  if (typeof convert !== "function") return undefined;
  return asSchema(convert.call(extension, { target: "draft-2020-12" }));
}

function fromZod(schema: StandardSchema, side: "input" | "output"): JsonSchema | undefined {
  if (schema["~standard"].vendor !== "zod") return undefined;
  const convert = property(schema, "toJSONSchema");
  if (typeof convert !== "function") return undefined;
  return asSchema(convert.call(schema, { io: side }));
}

function property(value: unknown, name: string): unknown {
  const has = (typeof value === "object" || typeof value === "function") && value !== null;
  return has ? Reflect.get(value, name) : undefined;
}

/** As plain data, without what only a whole document may have. */
function asSchema(value: unknown): JsonSchema | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { $schema: _, ...rest } = JSON.parse(JSON.stringify(value)) as JsonSchema; // an object
  return rest;
}

/** References into the schema itself, moved to where it lies in a larger document. */
export function moveReferences(schema: JsonSchema, to: string): JsonSchema {
  return move(schema, to) as JsonSchema; // an object stays one
}

function move(value: unknown, to: string): unknown {
  if (Array.isArray(value)) return value.map((item) => move(item, to));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === "$ref" && typeof inner === "string" && inner.startsWith("#")
        ? `${to}${inner.slice(1)}`
        : move(inner, to),
    ]),
  );
}
