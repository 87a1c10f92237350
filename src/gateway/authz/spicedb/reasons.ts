import type { HoldfastError } from "../../../model/errors.ts";
import { parseCheckItem } from "../read.ts";

/**
 * The cause of a refusal that SpiceDB has a reason of its own for and the table of errors has not:
 * the reason without its prefix, and what it tells programs.
 */
export class SpiceReason {
  readonly reason: string;
  readonly metadata: Metadata;

  constructor(reason: string, metadata: Metadata) {
    this.reason = reason;
    this.metadata = metadata;
  }
}

export type Metadata = Readonly<Record<string, string>>;

/** What goes with the reason of an error, under the names that SpiceDB's clients look for. */
export function metadataOf(error: HoldfastError): Metadata {
  const { code, details, cause } = error;
  if (cause instanceof SpiceReason) return cause.metadata;
  const detail = (name: string): string => String(details[name] ?? "");
  switch (code) {
    case "unknown-type":
      return { definition_name: detail("type") };
    case "unknown-relation":
      return { definition_name: detail("type"), relation_or_permission_name: detail("relation") };
    case "unknown-caveat":
      return { caveat_name: detail("caveat") };
    case "relation-not-writable":
      return { definition_name: detail("type"), permission_name: detail("relation") };
    case "subject-not-allowed":
      return placeOf(detail("relation"), detail("subject"));
    case "relationship-exists":
    case "duplicate-update":
      return partsOf(detail("relationship"));
    case "caveat-context":
    case "caveat-failed":
    case "caveat-cost":
      return { caveat_name: detail("caveat"), error: detail("reason") };
    case "depth-exceeded":
      return { maximum_depth_allowed: detail("max") };
    case "limit-exceeded":
    case "too-many":
    case "too-large":
      return boundOf(detail);
    default:
      return Object.fromEntries(Object.keys(details).map((name) => [name, detail(name)]));
  }
}

/** @param relation `document#viewer`. */
function placeOf(relation: string, subject: string): Metadata {
  const [definition = "", name = ""] = relation.split("#");
  return { definition_name: definition, relation_name: name, subject_type: withoutId(subject) };
}

/** `user:ada with expiration` is of the type `user with expiration`. */
export function withoutId(subject: string): string {
  return subject.replace(/:[^#*\s]+/, "");
}

/** @param text `document:1#viewer@user:ada`. */
function partsOf(text: string): Metadata {
  const { resource, permission: relation, subject } = parseCheckItem(text, "relationship");
  return {
    relationship: text,
    definition_name: resource.type,
    resource_type: resource.type,
    resource_object_id: resource.id,
    resource_relation: relation,
    subject_type: subject.type,
    subject_object_id: subject.id,
    subject_relation: subject.relation ?? "",
  };
}

function boundOf(detail: (name: string) => string): Metadata {
  const max = detail("max");
  switch (detail("limit")) {
    case "authzUpdates":
      return { update_count: detail("count"), maximum_updates_allowed: max };
    case "authzPreconditions":
      // It does say updates there.
      return { precondition_count: detail("count"), maximum_updates_allowed: max };
    case "authzChecks":
      return { check_count: detail("count"), maximum_checks_allowed: max };
    case "authzStoredContext":
      return {
        relationship: detail("relationship"),
        max_allowed_size: max,
        context_size: detail("size"),
      };
    case "authzMetadata":
      return {
        metadata_byte_size: detail("size"),
        maximum_allowed_metadata_byte_size: max,
      };
    default:
      return { limit: max };
  }
}
