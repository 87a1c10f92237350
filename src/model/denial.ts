import type { Explanation } from "./authz.ts";
import { type ErrorDetails, HoldfastError } from "./errors.ts";

/** `permission-denied`, with why, where whoever is told may see that. */
export class PermissionDenied extends HoldfastError {
  readonly explanation: Explanation | undefined;

  constructor(details: ErrorDetails, explanation?: Explanation) {
    super("permission-denied", details);
    this.explanation = explanation;
  }
}
