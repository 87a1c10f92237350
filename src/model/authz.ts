import type { TenantLimitName, TenantLimits } from "./limits.ts";
import type {
  CaveatContext,
  ObjectRef,
  Relationship,
  RelationshipFilter,
  RelationshipOperation,
  RelationshipUpdate,
  StoredRelationship,
  SubjectRef,
} from "./relationship.ts";

/**
 * The one way into authorization from outside the room that does it: embedded programs reach it in
 * the process, others over HTTP. A tenant is one store of relationships with its schemas; nothing of
 * one tenant is seen by another. All of it rejects with `HoldfastError`.
 */
export interface AuthzPort {
  /** `tenant-exists` when the id is taken. */
  createTenant(request?: CreateTenant): Promise<TenantDescription>;
  /** What is not named stays as it is. `unknown-tenant`. */
  updateTenant(id: string, request: UpdateTenant): Promise<TenantDescription>;
  /** With all its data. `unknown-tenant`. */
  deleteTenant(id: string): Promise<void>;
  /** By id, a page at a time. */
  tenants(page?: PageRequest & { readonly name?: string }): Promise<Page<TenantDescription>>;
  /** `unknown-tenant` comes with the first call of it. */
  tenant(id: string): TenantPort;
}

/** `"native"` is SpiceDB's schema language, `"openfga"` OpenFGA's modelling language 1.1. */
export type SchemaDialect = "native" | "openfga";

export interface CreateTenant {
  /** Default: a new one. 1 to 64 of `A-Z a-z 0-9 _ . -`. */
  readonly id?: string;
  /** For people. Default: the id. */
  readonly name?: string;
  /** Limits of its own, each at most that of the process. Default: those of the process. */
  readonly limits?: TenantLimits;
}

export interface UpdateTenant {
  readonly name?: string;
  /** Null: that of the process again. */
  readonly limits?: Readonly<Partial<Record<TenantLimitName, number | null>>>;
}

export interface TenantDescription {
  readonly id: string;
  readonly name: string;
  /** Those that were set for it. */
  readonly limits: TenantLimits;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface PageRequest {
  /** Default: 100. */
  readonly limit?: number;
  /** The `next` of the page before. */
  readonly after?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page begins; null when this is the last. */
  readonly next: string | null;
}

/**
 * How fresh an answer must be. Zookies are opaque, tamper-evident and bound to the tenant:
 * `zookie-invalid`, `zookie-foreign`, `zookie-expired` (beyond the history window) and
 * `zookie-future` are refusals; no question is ever answered at an older revision than asked for.
 */
export type Consistency =
  /** The default: what this node knows to be durable. */
  | { readonly kind: "minimize-latency" }
  | { readonly kind: "at-least-as-fresh"; readonly zookie: string }
  | { readonly kind: "exact-snapshot"; readonly zookie: string }
  /** After everything that was acknowledged anywhere before the question. */
  | { readonly kind: "fully-consistent" };

/** One tenant. */
export interface TenantPort {
  readonly id: string;
  describe(): Promise<TenantDescription>;

  // Schemas.
  writeSchema(request: WriteSchema): Promise<SchemaWritten>;
  /** The current one, or one by id. `schema-missing`, `unknown-schema`. */
  readSchema(id?: string): Promise<SchemaDescription>;
  /** The latest first. */
  schemas(page?: PageRequest): Promise<Page<SchemaDescription>>;

  // Relationships.
  /** All of it in one transaction, or nothing. */
  write(request: WriteRelationships): Promise<RelationshipsWritten>;
  deleteRelationships(request: DeleteRelationships): Promise<RelationshipsDeleted>;
  /** Everything in which the object is resource or subject (its usersets included). */
  deleteObject(object: ObjectRef): Promise<RelationshipsDeleted>;
  /** Each resource together, ids in byte order; types and relations in the order of the store. */
  read(request: ReadRelationships): Promise<RelationshipPage>;
  /** What changed after a zookie, oldest first. */
  changes(request?: ReadChanges): Promise<ChangePage>;
  /**
   * Changes as they become durable, until `signal` aborts it. A heartbeat comes first, so that it is
   * known to listen.
   */
  watch(request?: WatchRequest): AsyncIterable<WatchEvent>;

  // Questions.
  check(request: CheckRequest): Promise<CheckAnswer>;
  /** All at one revision; what cannot be answered has its error in its place. */
  checkMany(request: CheckManyRequest): Promise<CheckManyAnswer>;
  expand(request: ExpandRequest): Promise<ExpandAnswer>;
  /**
   * Ids of one type on which the subject has the permission, in byte order of id. Where nothing but
   * unions and arrows without caveats leads there, also those for which a check is `depth-exceeded`.
   */
  lookupResources(request: LookupResources): Promise<LookupPage<FoundResource>>;
  /**
   * Subjects of one type that have the permission on the resource; a wildcard first. A circle of
   * groups has nobody but those in it, where a check of anybody else is `depth-exceeded`.
   */
  lookupSubjects(request: LookupSubjects): Promise<LookupPage<FoundSubject>>;
  /** Every permission (and relation) of the subject on the object, in one call. */
  permissions(request: PermissionsRequest): Promise<PermissionsAnswer>;

  /** Small texts beside the data, as OpenFGA's assertions are. */
  writeDocument(name: string, text: string | null): Promise<void>;
  readDocument(name: string): Promise<string | null>;
}

export interface WriteSchema {
  readonly dialect: SchemaDialect;
  /** Schema text; for OpenFGA the DSL, or the JSON of a model. */
  readonly text: string;
  /** Compiles, compares with the data, and writes nothing. */
  readonly dryRun?: boolean;
  /**
   * What to do about stored relationships that the new schema has no place for. `refuse`:
   * `schema-orphans`. `keep`: they stay and count for nothing. Default: `refuse` for native schemas,
   * `keep` for OpenFGA, whose models live side by side.
   */
  readonly orphans?: "refuse" | "keep";
}

export interface SchemaWritten {
  readonly id: string;
  readonly zookie: string;
  /** Warnings: what is legal and probably not meant. */
  readonly problems: readonly SchemaProblemDescription[];
  /** The first of them, up to a limit. */
  readonly orphans: readonly Relationship[];
  readonly orphanCount: number;
}

export interface SchemaProblemDescription {
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly line: number;
  readonly column: number;
  readonly suggestion?: string;
}

export interface SchemaDescription {
  readonly id: string;
  readonly dialect: SchemaDialect;
  /** As it was written. */
  readonly text: string;
  readonly createdAt: number;
  readonly zookie: string;
}

export interface WriteRelationships {
  readonly updates: readonly RelationshipUpdate[];
  /** All must hold, else `precondition-failed`. */
  readonly preconditions?: readonly Precondition[];
  /** Travels with the change to those who watch. */
  readonly metadata?: CaveatContext;
  /** What a `create` of something there does. Default: `relationship-exists`. */
  readonly onExisting?: "refuse" | "ignore";
  /**
   * What a `delete` of something not there does. Default: nothing, but what names a type or relation
   * that the schema has not is refused (`unknown-type`, `unknown-relation`); `"ignore"` lets that pass.
   */
  readonly onMissing?: "refuse" | "ignore";
  /** The schema to check against. Default: the current one. */
  readonly schema?: string;
}

export interface Precondition {
  readonly must: "match" | "not-match";
  readonly filter: RelationshipFilter;
}

export interface RelationshipsWritten {
  readonly zookie: string;
  /** Created, or changed: what was touched and is the same counts for nothing. */
  readonly written: number;
  /** Deleted: what was not there counts for nothing. */
  readonly deleted: number;
}

export interface DeleteRelationships {
  readonly filter: RelationshipFilter;
  readonly preconditions?: readonly Precondition[];
  readonly metadata?: CaveatContext;
  /** At most so many. Default and most: the limit `authzDelete`. */
  readonly limit?: number;
  /** Refuse (`too-many`) instead of deleting a part, when more match. Default: false. */
  readonly allOrNothing?: boolean;
}

export interface RelationshipsDeleted {
  readonly zookie: string;
  readonly deleted: number;
  /** False when more match than were deleted: call again. */
  readonly complete: boolean;
}

export interface ReadRelationships extends PageRequest {
  /** Without a filter: everything. */
  readonly filter?: RelationshipFilter;
  readonly consistency?: Consistency;
}

export interface RelationshipPage extends Page<StoredRelationship> {
  /** Of the revision that was read. */
  readonly zookie: string;
}

export interface ReadChanges extends PageRequest {
  /** Only of relationships whose resource is of these types. */
  readonly resourceTypes?: readonly string[];
  /** Only what changed at or after this time, in milliseconds since 1970. */
  readonly since?: number;
}

/** Here `next` is always there: it is where to go on when there is more. */
export interface ChangePage {
  readonly items: readonly Change[];
  readonly next: string;
}

/** One transaction. */
export interface Change {
  readonly zookie: string;
  readonly at: number;
  /** `create` and `touch` both put; the operation is as it was asked. */
  readonly updates: readonly {
    readonly operation: RelationshipOperation;
    readonly relationship: Relationship;
  }[];
  /** The id of the schema that became current with it. */
  readonly schema?: string;
  readonly metadata?: CaveatContext;
}

export interface WatchRequest {
  /** Everything after this. Default: from now on. `zookie-expired` beyond the history window. */
  readonly after?: string;
  readonly resourceTypes?: readonly string[];
  /** How often to say that nothing happened, in milliseconds. Default: 5000. */
  readonly heartbeatMs?: number;
  readonly signal?: AbortSignal;
}

export type WatchEvent =
  | { readonly kind: "change"; readonly change: Change }
  /** All up to this zookie has been told. */
  | { readonly kind: "heartbeat"; readonly zookie: string };

/** What all questions have. */
export interface Question {
  readonly consistency?: Consistency;
  /** Values for caveats; those stored with a relationship win. */
  readonly context?: CaveatContext;
  /** Relationships that hold for this question alone. */
  readonly contextual?: readonly Relationship[];
  /** Id of the schema to evaluate. Default: the one current at the revision. */
  readonly schema?: string;
}

export interface CheckRequest extends Question, CheckItem {
  /**
   * Tells the path that granted, or why each branch did not. Default: false. Over HTTP it takes the
   * right `read` as well. What cannot be answered is thrown as an `ExplainedError`, with as much of
   * the way as was gone.
   */
  readonly explain?: boolean;
}

export interface CheckItem {
  readonly resource: ObjectRef;
  /** A permission or a relation. */
  readonly permission: string;
  readonly subject: SubjectRef;
}

/** `conditional`: it depends on caveat parameters that were not given. */
export type Verdict = "yes" | "no" | "conditional";

export interface CheckAnswer {
  readonly verdict: Verdict;
  /** Names of the caveat parameters that would decide it; empty unless `conditional`. */
  readonly missing: readonly string[];
  /** Of the revision it was evaluated at: to be stored with content that it protects. */
  readonly zookie: string;
  readonly explanation?: Explanation;
}

/** A caveat of a relationship, and with what it was evaluated. What is long is cut. */
export interface ExplainedCaveat {
  readonly name: string;
  /** As it stands in the schema. */
  readonly expression: string;
  /**
   * The values of its parameters, those stored with the relationship before those of the question. Of
   * one that is long there is the beginning of its JSON, as text.
   */
  readonly context: CaveatContext;
  /** Parameters that would decide it, and were not given. */
  readonly missing: readonly string[];
}

/** One node of what was evaluated. */
export interface Explanation {
  /** `document:1#view`, an operator, a relationship, a caveat. */
  readonly what: string;
  readonly kind: "permission" | "relation" | "operator" | "arrow" | "relationship" | "caveat";
  readonly verdict: Verdict;
  /**
   * Why it came to that: `not-evaluated`, `no-relationship`, `contextual` (the question brought it),
   * `itself`, `cycle` (it is above itself already), `too-deep` (the walk was cut here), `cut-off` (it
   * ended in an error), `told-above` (it was come upon before), `expired`, `not-there-then`,
   * `not-allowed` (the schema has no place for it any more), or what became of a caveat.
   */
  readonly note?: string;
  /** What it comes to is taken away: it is the right side of an exclusion. */
  readonly subtracted?: boolean;
  /** Of a node of kind `caveat`. */
  readonly caveat?: ExplainedCaveat;
  /**
   * The cache held this answer at this revision: asked for by itself it would have come from there.
   * What is explained is walked all the same, so that there is a way to tell.
   */
  readonly cached?: boolean;
  /**
   * Groups within groups are flattened, and told here without a walk through them, so the verdict
   * stands whatever is below: the long way to the same, as far as it is not too deep.
   */
  readonly indexed?: boolean;
  /** Time spent in it, children included, in microseconds. */
  readonly micros: number;
  readonly children: readonly Explanation[];
}

export interface CheckManyRequest extends Question {
  readonly items: readonly (CheckItem & { readonly context?: CaveatContext })[];
}

export interface CheckManyAnswer {
  /** In the order asked. */
  readonly items: readonly (
    | { readonly verdict: Verdict; readonly missing: readonly string[] }
    | { readonly error: Error }
  )[];
  readonly zookie: string;
}

export interface ExpandRequest extends Question {
  readonly resource: ObjectRef;
  readonly permission: string;
  /**
   * Follow usersets and computed rights to the end; `"rights"`: computed rights alone, each with a
   * node of its own. Default: false: one rewrite.
   */
  readonly deep?: boolean | "rights";
}

export interface ExpandAnswer {
  readonly tree: ExpandTree;
  readonly zookie: string;
}

export type ExpandTree = ExpandBranch | ExpandLeaf | ExpandComputed;

interface ExpandNode {
  /** Whose right this is a part of. */
  readonly of: ObjectRef & { readonly relation: string };
  /** It counts only where this is true: of the relationship that leads here. */
  readonly caveat?: NonNullable<Relationship["caveat"]>;
}

export interface ExpandBranch extends ExpandNode {
  readonly kind: "union" | "intersection" | "exclusion";
  readonly children: readonly ExpandTree[];
}

export interface ExpandLeaf extends ExpandNode {
  readonly kind: "leaf";
  readonly subjects: readonly (SubjectRef & { readonly caveat?: Relationship["caveat"] })[];
}

/** Not followed (not `deep`): another relation, or an arrow, as usersets. */
export interface ExpandComputed extends ExpandNode {
  readonly kind: "computed";
  readonly usersets: readonly (ObjectRef & { readonly relation: string })[];
  /** For an arrow: the relation it goes over. */
  readonly over?: string;
}

export interface LookupResources extends Question, PageRequest {
  readonly resourceType: string;
  readonly permission: string;
  readonly subject: SubjectRef;
}

export interface FoundResource {
  readonly id: string;
  readonly verdict: "yes" | "conditional";
  readonly missing: readonly string[];
}

export interface LookupSubjects extends Question, PageRequest {
  readonly resource: ObjectRef;
  readonly permission: string;
  readonly subjectType: string;
  readonly subjectRelation?: string;
}

export interface FoundSubject {
  /** `*` for everybody of the type, but those in `excluded`. */
  readonly id: string;
  readonly verdict: "yes" | "conditional";
  readonly missing: readonly string[];
  /** For the wildcard alone: who has not got it, or only conditionally. */
  readonly excluded?: readonly FoundSubject[];
}

export interface LookupPage<T> extends Page<T> {
  readonly zookie: string;
}

export interface PermissionsRequest extends Question {
  readonly resource: ObjectRef;
  readonly subject: SubjectRef;
}

export interface PermissionsAnswer {
  readonly permissions: readonly {
    readonly name: string;
    readonly verdict: Verdict;
    readonly missing: readonly string[];
  }[];
  readonly zookie: string;
}

/**
 * What changes a tenant, as plain data: it goes through the loop of the engine, in the batch of
 * whatever caused it. Each kind answers with an `AuthzOutcome`.
 */
export type AuthzChange =
  | {
      readonly kind: "tenant-create";
      readonly tenant: string;
      readonly name: string;
      /** Authenticates its zookies: 32 random bytes in base 64, made by whoever asks. */
      readonly key: string;
      readonly limits: TenantLimits;
    }
  | { readonly kind: "tenant-update"; readonly tenant: string; readonly request: UpdateTenant }
  | { readonly kind: "tenant-delete"; readonly tenant: string }
  | {
      readonly kind: "schema";
      readonly tenant: string;
      /** Made by whoever asks, so that applying needs no chance. */
      readonly id: string;
      readonly request: WriteSchema;
    }
  | { readonly kind: "write"; readonly tenant: string; readonly request: WriteRelationships }
  | { readonly kind: "delete"; readonly tenant: string; readonly request: DeleteRelationships }
  | { readonly kind: "delete-object"; readonly tenant: string; readonly object: ObjectRef }
  /** Old versions and log rows go, some at a time. */
  | {
      readonly kind: "trim";
      readonly tenant: string;
      /** In the store: the tenant may be deleted. */
      readonly number: number;
      readonly upTo: number;
    }
  /** Of some relationships those go whose time is over. */
  | {
      readonly kind: "expire";
      readonly tenant: string;
      readonly relationships: readonly Relationship[];
    }
  | {
      readonly kind: "document";
      readonly tenant: string;
      readonly name: string;
      readonly text: string | null;
    };

/** What a change came to, as plain data. */
export interface AuthzOutcome {
  readonly revision: number;
  readonly zookie: string;
  readonly written?: number;
  readonly deleted?: number;
  readonly complete?: boolean;
  readonly problems?: readonly SchemaProblemDescription[];
  readonly orphans?: readonly Relationship[];
  readonly orphanCount?: number;
}
