/** Running a Standard Schema. The answer is a value where the schema is synchronous: most are. */
import { fail, type HoldfastError, reasonOf } from "../model/errors.ts";
import type { StandardIssue, StandardResult, StandardSchema } from "./standard-schema.ts";

/** Makes the error from the reason why a value was refused. */
export type Refuse = (reason: string) => HoldfastError;

/**
 * The value as the schema gives it. Throws, or rejects, with what `refuse` makes of the issues; a
 * schema that throws by itself refuses as well.
 */
export function validate(
  schema: StandardSchema,
  value: unknown,
  refuse: Refuse,
): unknown | Promise<unknown> {
  let result: StandardResult<unknown> | Promise<StandardResult<unknown>>;
  try {
    result = schema["~standard"].validate(value);
  } catch (error) {
    throw refuse(threw(error));
  }
  if (!(result instanceof Promise)) return take(result, refuse);
  return result.then(
    (settled) => take(settled, refuse),
    (error: unknown) => {
      throw refuse(threw(error));
    },
  );
}

/** The input of a handler; `invalid-input`. `target` is `service/handler`. */
export function validateInput(
  schema: StandardSchema,
  input: unknown,
  target: string,
): unknown | Promise<unknown> {
  return validate(schema, input, (reason) => fail("invalid-input", { target, reason }));
}

/** The result of a handler; `handler-failed`, since the handler is at fault and not its caller. */
export function validateOutput(
  schema: StandardSchema,
  output: unknown,
  target: string,
): unknown | Promise<unknown> {
  return validate(schema, output, (reason) =>
    fail("handler-failed", { target, reason: `its schema refused the result: ${reason}` }),
  );
}

/** Issues in one line: `items[0].price: expected a number; name: is missing`. */
export function describeIssues(issues: readonly StandardIssue[]): string {
  const shown = issues.slice(0, issuesShown).map(describeIssue).join("; ");
  const rest = issues.length - issuesShown;
  return rest > 0 ? `${shown}; and ${rest} more` : shown;
}

const issuesShown = 5;

function take(result: StandardResult<unknown>, refuse: Refuse): unknown {
  if (result.issues === undefined) return result.value;
  throw refuse(describeIssues(result.issues));
}

function describeIssue({ path = [], message }: StandardIssue): string {
  let where = "";
  for (const part of path) {
    const key = typeof part === "object" ? part.key : part;
    if (typeof key === "number") where += `[${key}]`;
    else if (typeof key === "string" && !/^[\w$]+$/.test(key)) where += `[${JSON.stringify(key)}]`;
    else where += where === "" ? String(key) : `.${String(key)}`;
  }
  return where === "" ? message : `${where}: ${message}`;
}

function threw(error: unknown): string {
  return `the schema threw ${reasonOf(error)}`;
}
