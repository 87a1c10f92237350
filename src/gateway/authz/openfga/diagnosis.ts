import { acceptedSchema } from "../../../authz/schema/dialect.ts";
import { placeFor } from "../../../authz/schema/place.ts";
import type { Schema } from "../../../authz/schema/schema.ts";
import type { TenantPort } from "../../../model/authz.ts";
import { fail, HoldfastError } from "../../../model/errors.ts";
import type { Limits } from "../../../model/limits.ts";
import { InvalidTuple, printKey, reasonOfTuple, type TupleKey, toRelationship } from "./tuples.ts";

/**
 * Finds which of several tuples the port refused: OpenFGA's messages name it. Only asked when a
 * request has failed, so it may take its time.
 *
 * @returns `undefined` when it was none of them.
 */
export async function findInvalidTuple(
  error: unknown,
  tuples: readonly TupleKey[],
  where: { readonly tenant: TenantPort; readonly model: string; readonly limits: Limits },
): Promise<InvalidTuple | undefined> {
  if (!(error instanceof HoldfastError) || tuples.length === 0) return undefined;
  // These say which relationship, or which value, they mean.
  if (error.code === "invalid-relationship" || error.code === "caveat-context") {
    const key = tuples.find((each) => isAbout(error, each));
    return key === undefined ? undefined : explain(error, key);
  }
  if (!placeCodes.has(error.code)) return undefined;
  const { tenant, model, limits } = where;
  const description = await tenant.readSchema(model === "" ? undefined : model);
  const schema = acceptedSchema(description, limits);
  for (const key of tuples) {
    const problem = problemOf(schema, key);
    if (problem !== undefined) return explain(problem, key);
  }
  return undefined;
}

/** Throws what is wrong with a tuple that the model has no place for. */
export function requireTuple(schema: Schema, key: TupleKey): void {
  const problem = problemOf(schema, key);
  if (problem !== undefined) throw explain(problem, key);
}

const placeCodes: ReadonlySet<string> = new Set([
  "unknown-type",
  "unknown-relation",
  "relation-not-writable",
  "subject-not-allowed",
  "unknown-caveat",
]);

function problemOf(schema: Schema, key: TupleKey): HoldfastError | undefined {
  const relationship = toRelationship(key);
  const problem = placeFor(schema, relationship);
  if (problem === null) return undefined;
  const { caveat } = relationship;
  const { code, details } = problem;
  // With another condition, or none, there would have been a place: then that is what is wrong.
  if (code === "subject-not-allowed" && hasPlaceElse(schema, key)) {
    const condition = caveat === undefined ? "" : caveat.name;
    return fail(code, { ...details, caveat: condition });
  }
  return fail(code, details);
}

function hasPlaceElse(schema: Schema, key: TupleKey): boolean {
  const { caveat: _, ...bare } = toRelationship(key);
  const names = [...schema.caveats.keys()];
  return (
    placeFor(schema, bare) === null ||
    names.some((name) => placeFor(schema, { ...bare, caveat: { name } }) === null)
  );
}

function isAbout({ code, details }: HoldfastError, key: TupleKey): boolean {
  if (code === "invalid-relationship") return details["what"] === printKey(key);
  // The value may also come from the context of the question, and then no tuple is to blame.
  const [parameter = ""] = String(details["reason"]).split(":");
  const { condition } = key;
  return (
    condition?.name === details["caveat"] && Object.hasOwn(condition?.context ?? {}, parameter)
  );
}

function explain(error: HoldfastError, key: TupleKey): InvalidTuple {
  return new InvalidTuple(key, reasonOfTuple(error, key) ?? error.message);
}
