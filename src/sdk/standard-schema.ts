/**
 * The Standard Schema interface, version 1 (https://standardschema.dev), which Zod, Valibot, ArkType
 * and others implement. Copied as a type, as its specification recommends, so that Holdfast depends
 * on no validator.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Whether a value implements the interface. Schemas may be objects or functions. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  if (!("~standard" in value)) return false;
  const standard = value["~standard"];
  return (
    typeof standard === "object" &&
    standard !== null &&
    "validate" in standard &&
    typeof standard.validate === "function"
  );
}

/**
 * The JSON Schema of one side of a schema, for those that implement Standard JSON Schema
 * (https://standardschema.dev/json-schema); `undefined` for others, and for what JSON Schema cannot
 * say.
 */
export function jsonSchemaOf(
  schema: StandardSchema,
  side: "input" | "output",
): Readonly<Record<string, unknown>> | undefined {
  // An extension that the interface above leaves out, since most of Holdfast has no use for it.
  const { jsonSchema } = schema["~standard"] as { readonly jsonSchema?: JsonSchemaConverter };
  try {
    return jsonSchema?.[side]({ target: "draft-2020-12" });
  } catch {
    return undefined;
  }
}

type JsonSchemaConverter = Readonly<
  Record<
    "input" | "output",
    (options: { readonly target: "draft-2020-12" }) => Record<string, unknown>
  >
>;
