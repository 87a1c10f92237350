import type { SchemaProblemDescription } from "./authz.ts";
import { type ErrorDetails, HoldfastError } from "./errors.ts";

/** `schema-invalid`, with everything that is wrong, up to a bound. */
export class SchemaInvalid extends HoldfastError {
  readonly problems: readonly SchemaProblemDescription[];

  constructor(details: ErrorDetails, problems: readonly SchemaProblemDescription[]) {
    super("schema-invalid", details);
    this.problems = problems;
  }
}
