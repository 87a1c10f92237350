import type { Explanation } from "./authz.ts";
import { type ErrorCode, type ErrorDetails, HoldfastError } from "./errors.ts";

/** An error of a question that was to be explained, with what was evaluated until then. */
export class ExplainedError extends HoldfastError {
  readonly explanation: Explanation | undefined;

  constructor(code: ErrorCode, details: ErrorDetails, explanation?: Explanation) {
    super(code, details);
    this.explanation = explanation;
  }
}

/** `permission-denied`, with why, where whoever is told may see that. */
export class PermissionDenied extends ExplainedError {
  constructor(details: ErrorDetails, explanation?: Explanation) {
    super("permission-denied", details, explanation);
  }
}
