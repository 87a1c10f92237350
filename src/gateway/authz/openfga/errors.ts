import { HoldfastError } from "../../../model/errors.ts";
import type { Answer } from "../../exchange.ts";

/**
 * Errors as OpenFGA reports them: `{"code": name, "message": text}`. Codes and messages are those of
 * its server, since clients and their tests compare them.
 */
export type FgaCode =
  | "unauthenticated"
  | "forbidden"
  | "validation_error"
  | "authorization_model_not_found"
  | "authorization_model_resolution_too_complex"
  | "invalid_write_input"
  | "cannot_allow_duplicate_tuples_in_one_request"
  | "invalid_continuation_token"
  | "invalid_tuple_set"
  | "invalid_check_input"
  | "invalid_expand_input"
  | "page_size_invalid"
  | "tuple_key_value_not_specified"
  | "type_definitions_too_few_items"
  | "type_invalid_pattern"
  | "assertions_too_many_items"
  | "write_failed_due_to_invalid_input"
  | "latest_authorization_model_not_found"
  | "type_not_found"
  | "relation_not_found"
  | "invalid_authorization_model"
  | "invalid_tuple"
  | "exceeded_entity_limit"
  | "rate_limit_exceeded"
  | "query_string_type_continuation_token_mismatch"
  | "store_id_not_found"
  | "undefined_endpoint"
  | "unimplemented"
  | "unavailable"
  | "deadline_exceeded"
  | "already_exists"
  | "Aborted"
  | "internal_error";

/** A refusal in the words of OpenFGA. */
export class FgaRefusal extends Error {
  override readonly name = "FgaRefusal";
  readonly code: FgaCode;
  readonly status: number;

  constructor(code: FgaCode, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export function fgaAnswer({ code, message, status }: FgaRefusal): Answer {
  return { status, text: JSON.stringify({ code, message }) };
}

export function invalid(message: string): FgaRefusal {
  return new FgaRefusal("validation_error", message);
}

/** What a condition depends on has to be given. */
export function missingContext(object: string, missing: readonly string[]): FgaRefusal {
  return invalid(
    `failed to evaluate relationship condition: tuple on '${object}' is missing context parameters '[${missing.join(" ")}]'`,
  );
}

export const tooComplex: FgaRefusal = new FgaRefusal(
  "authorization_model_resolution_too_complex",
  "Authorization Model resolution required too many rewrite rules to be resolved. Check your authorization model for infinite recursion or too much nesting",
);

const invalidToken = new FgaRefusal("invalid_continuation_token", "Invalid continuation token");

export function refuseToken(): FgaRefusal {
  return invalidToken;
}

/** What an error of the port is in the words of OpenFGA, as far as that needs no context. */
export function toFga(error: HoldfastError): FgaRefusal {
  const { code, details, message, status } = error;
  const detail = (name: string): string => String(details[name] ?? "");
  switch (code) {
    case "unauthorized":
      return new FgaRefusal("unauthenticated", "unauthenticated", 401);
    case "permission-denied":
      return new FgaRefusal("forbidden", message, 403);
    case "unknown-tenant":
      return new FgaRefusal("store_id_not_found", "Store ID not found", 404);
    case "schema-missing":
      return new FgaRefusal(
        "latest_authorization_model_not_found",
        `No authorization models found for store '${detail("tenant")}'`,
      );
    case "unknown-schema":
      return new FgaRefusal(
        "authorization_model_not_found",
        `Authorization Model '${detail("schema")}' not found`,
      );
    case "unknown-type":
      return new FgaRefusal("type_not_found", `type '${detail("type")}' not found`);
    case "unknown-relation":
      return new FgaRefusal(
        "relation_not_found",
        `relation '${detail("type")}#${detail("relation")}' not found`,
      );
    case "schema-invalid":
      return new FgaRefusal("invalid_authorization_model", detail("reason"));
    case "depth-exceeded":
    case "work-exceeded":
      return tooComplex;
    case "invalid-cursor":
    case "zookie-invalid":
    case "zookie-foreign":
    case "zookie-future":
    case "zookie-expired":
      return invalidToken;
    case "limit-exceeded":
    case "too-many":
      return new FgaRefusal(
        "exceeded_entity_limit",
        `The number of ${detail("limit")} exceeds the allowed limit of ${detail("max")}`,
      );
    case "rate-exceeded":
      return new FgaRefusal("rate_limit_exceeded", message, 429);
    case "tenant-exists":
      return new FgaRefusal("already_exists", message, 409);
    case "not-found":
      return new FgaRefusal("undefined_endpoint", "Not Found", 404);
    case "method-not-allowed":
      return new FgaRefusal("unimplemented", "Method Not Allowed", 405);
    default:
      return byStatus(message, status);
  }
}

function byStatus(message: string, status: number): FgaRefusal {
  if (status === 503) return new FgaRefusal("unavailable", message, 503);
  if (status === 504) return new FgaRefusal("deadline_exceeded", message, 504);
  if (status >= 500) return new FgaRefusal("internal_error", "Internal Server Error", 500);
  return new FgaRefusal("validation_error", message, status === 409 ? 400 : status);
}

/** Errors of the port and of this API alike; anything else is thrown on. */
export function fgaRefusalOf(error: unknown): FgaRefusal {
  if (error instanceof FgaRefusal) return error;
  if (error instanceof HoldfastError) return toFga(error);
  throw error;
}
