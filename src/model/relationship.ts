/**
 * The nouns of authorization (Zanzibar, USENIX ATC 2019, §2): objects, subjects, and relationships
 * between them. Ids are compared byte for byte, never folded.
 */

export interface ObjectRef {
  readonly type: string;
  readonly id: string;
}

/** An object, everybody of a type (`id` is `*`), or a userset: all who have `relation` on it. */
export interface SubjectRef extends ObjectRef {
  readonly relation?: string;
}

/** A stored tuple: `resource#relation@subject`. */
export interface Relationship {
  readonly resource: ObjectRef;
  readonly relation: string;
  readonly subject: SubjectRef;
  /** Holds only where this caveat is true. */
  readonly caveat?: CaveatUse;
  /** Milliseconds since 1970; from then on it does not hold. */
  readonly expiresAt?: number;
}

/** A relationship as it is read. */
export interface StoredRelationship extends Relationship {
  /**
   * When it was written, in milliseconds since 1970. A store that did not keep it tells when the
   * tenant was made. Writes take no notice of it.
   */
  readonly writtenAt: number;
}

export interface CaveatUse {
  readonly name: string;
  /** Wins over the context of a question, name by name. */
  readonly context?: CaveatContext;
}

/** Plain JSON by parameter name. */
export type CaveatContext = Readonly<Record<string, unknown>>;

/** The id that stands for every object of a type. */
export const wildcardId = "*";

/** `create` refuses what is there, `touch` puts it, `delete` takes it away if it is there. */
export type RelationshipOperation = "create" | "touch" | "delete";

export interface RelationshipUpdate {
  readonly operation: RelationshipOperation;
  readonly relationship: Relationship;
}

/** All fields given must agree; at least one must be given. */
export interface RelationshipFilter {
  readonly resourceType?: string;
  readonly resourceId?: string;
  readonly resourceIdPrefix?: string;
  readonly relation?: string;
  readonly subjectType?: string;
  readonly subjectId?: string;
  /** `null`: only subjects without a relation. */
  readonly subjectRelation?: string | null;
  readonly caveat?: string;
}

/** `document:1#viewer@group:x#member`, without caveat and expiry. */
export function formatRelationship({ resource, relation, subject }: Relationship): string {
  return `${formatObject(resource)}#${relation}@${formatSubject(subject)}`;
}

export function formatObject({ type, id }: ObjectRef): string {
  return `${type}:${id}`;
}

export function formatSubject(subject: SubjectRef): string {
  const object = formatObject(subject);
  return subject.relation === undefined ? object : `${object}#${subject.relation}`;
}
