import { type ErrorCode, type HoldfastError, toHoldfastError } from "../../../model/errors.ts";
import type { Answer } from "../../exchange.ts";
import { isMisfit } from "../proto.ts";
import { metadataOf, SpiceReason, withoutId } from "./reasons.ts";

/**
 * Errors as SpiceDB's HTTP gateway reports them: a google.rpc.Status with the code of gRPC, under
 * the HTTP status that grpc-gateway gives that code, and SpiceDB's reason where it has one.
 */
export interface SpiceStatus {
  readonly code: number;
  readonly message: string;
  readonly details: readonly unknown[];
}

/** Codes of gRPC that occur here, and the HTTP status of each. */
const grpc = {
  invalidArgument: [3, 400],
  deadlineExceeded: [4, 504],
  notFound: [5, 404],
  alreadyExists: [6, 409],
  permissionDenied: [7, 403],
  resourceExhausted: [8, 429],
  failedPrecondition: [9, 400],
  outOfRange: [11, 400],
  unimplemented: [12, 501],
  internal: [13, 500],
  unavailable: [14, 503],
  unauthenticated: [16, 401],
} as const;

type GrpcCode = keyof typeof grpc;

/** What has a code, a reason or words of its own. */
const known: Partial<Record<ErrorCode, readonly [code: GrpcCode, reason?: string]>> = {
  unauthorized: ["unauthenticated"],
  "permission-denied": ["permissionDenied"],
  "unknown-tenant": ["notFound"],
  "schema-missing": ["notFound"],
  "unknown-schema": ["notFound"],
  "not-found": ["notFound"],
  "method-not-allowed": ["unimplemented"],
  "schema-orphans": ["invalidArgument", "SCHEMA_TYPE_ERROR"],
  "unknown-type": ["failedPrecondition", "UNKNOWN_DEFINITION"],
  "unknown-relation": ["failedPrecondition", "UNKNOWN_RELATION_OR_PERMISSION"],
  "unknown-caveat": ["failedPrecondition", "UNKNOWN_CAVEAT"],
  "relation-not-writable": ["invalidArgument", "CANNOT_UPDATE_PERMISSION"],
  "subject-not-allowed": ["invalidArgument", "INVALID_SUBJECT_TYPE"],
  "caveat-context": ["invalidArgument", "CAVEAT_PARAMETER_TYPE_ERROR"],
  "caveat-failed": ["invalidArgument", "CAVEAT_EVALUATION_ERROR"],
  "caveat-cost": ["invalidArgument", "CAVEAT_EVALUATION_ERROR"],
  "invalid-filter": ["invalidArgument", "INVALID_FILTER"],
  "relationship-exists": ["alreadyExists", "ATTEMPT_TO_RECREATE_RELATIONSHIP"],
  "duplicate-update": ["invalidArgument", "UPDATES_ON_SAME_RELATIONSHIP"],
  "precondition-failed": ["failedPrecondition", "WRITE_OR_DELETE_PRECONDITION_FAILURE"],
  "zookie-expired": ["outOfRange"],
  "zookie-future": ["outOfRange"],
  "invalid-cursor": ["failedPrecondition", "INVALID_CURSOR"],
  "depth-exceeded": ["resourceExhausted", "MAXIMUM_DEPTH_EXCEEDED"],
  "work-exceeded": ["resourceExhausted"],
  "rate-exceeded": ["resourceExhausted"],
  "too-large": ["invalidArgument"],
  overloaded: ["unavailable"],
};

/** Limits that SpiceDB has a reason for each. */
const limitReasons: Readonly<Record<string, string>> = {
  authzUpdates: "TOO_MANY_UPDATES_IN_REQUEST",
  authzPreconditions: "TOO_MANY_PRECONDITIONS_IN_REQUEST",
  authzDelete: "TOO_MANY_RELATIONSHIPS_FOR_TRANSACTIONAL_DELETE",
  authzChecks: "TOO_MANY_CHECKS_IN_REQUEST",
  authzStoredContext: "MAX_RELATIONSHIP_CONTEXT_SIZE",
  authzMetadata: "TRANSACTION_METADATA_TOO_LARGE",
};

/** What is wrong with a schema whose text can be read: there it is found by another part. */
const typeProblems: ReadonlySet<string> = new Set([
  "unknown-type",
  "unknown-relation",
  "unknown-caveat",
  "permission-cycle",
  "transitive-wildcard",
  "arrow-over-permission",
  "arrow-over-wildcard",
  "duplicate-subject",
  "incomplete-annotation",
]);

export function spiceStatus(error: HoldfastError): SpiceStatus {
  const [name, reason] = classify(error);
  const message = messageOf(error);
  if (reason === undefined) return { code: grpc[name][0], message, details: [] };
  const info = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    reason: `ERROR_REASON_${reason}`,
    domain: "authzed.com",
    metadata: metadataOf(error),
  };
  return { code: grpc[name][0], message, details: [info] };
}

export function spiceShape(error: HoldfastError): Answer {
  const [name] = classify(error);
  return { status: grpc[name][1], text: JSON.stringify(spiceStatus(error)) };
}

/**
 * The same where the answer is a stream: what the service behind the gateway refuses is a piece of
 * the stream, even when it is the first. What the gateway itself cannot take does not get so far.
 */
export function spiceStreamShape(error: HoldfastError): Answer {
  const whole = spiceShape(error);
  if (isMisfit(error) || gatewayCodes.has(error.code)) return whole;
  return { ...whole, text: `{"error":${whole.text}}\n` };
}

const gatewayCodes: ReadonlySet<ErrorCode> = new Set([
  "invalid-json",
  "unsupported-media-type",
  "malformed-request",
  "headers-too-large",
  "method-not-allowed",
  "not-found",
]);

/** The status of an error in the place of one answer of many. */
export function spiceError(error: unknown): SpiceStatus {
  return spiceStatus(toHoldfastError(error));
}

function classify({ code, details, status, cause }: HoldfastError): readonly [GrpcCode, string?] {
  if (cause instanceof SpiceReason) return ["invalidArgument", cause.reason];
  if (code === "schema-invalid") {
    return typeProblems.has(String(details["problem"]))
      ? ["failedPrecondition", "SCHEMA_TYPE_ERROR"]
      : ["invalidArgument", "SCHEMA_PARSE_ERROR"];
  }
  const reason = limitReasons[String(details["limit"])];
  if (reason !== undefined && (code === "too-many" || code === "too-large")) {
    return ["invalidArgument", reason];
  }
  const row = known[code];
  if (row !== undefined) return row;
  if (code === "limit-exceeded") return ["resourceExhausted"];
  if (status === 504) return ["deadlineExceeded"];
  if (status === 503 || status === 408) return ["unavailable"];
  if (status >= 500) return ["internal"];
  return ["invalidArgument"];
}

function messageOf({ code, details, message }: HoldfastError): string {
  const detail = (name: string): string => String(details[name] ?? "");
  switch (code) {
    case "schema-missing":
      return "No schema has been defined; please call WriteSchema to start";
    case "unknown-type":
      return `object definition \`${detail("type")}\` not found`;
    case "unknown-relation":
      return `relation/permission \`${detail("relation")}\` not found under definition \`${detail("type")}\``;
    case "relation-not-writable":
      return `cannot write a relationship to permission \`${detail("relation")}\` under definition \`${detail("type")}\``;
    case "subject-not-allowed":
      return `subjects of type \`${withoutId(detail("subject"))}\` are not allowed on relation \`${detail("relation")}\``;
    case "relationship-exists":
      return `could not CREATE relationship \`${detail("relationship")}\`, as it already existed. If this is persistent, please switch to TOUCH operations or specify a precondition`;
    case "duplicate-update":
      return `found more than one update with relationship \`${detail("relationship")}\` in this request; a relationship can only be specified in an update once per overall WriteRelationships request`;
    case "precondition-failed":
      return `unable to satisfy write precondition \`${detail("filter")}\``;
    case "zookie-expired":
    case "zookie-future":
    case "zookie-invalid":
    case "zookie-foreign":
      return `invalid zedtoken: ${message}`;
    default:
      return message;
  }
}
