/**
 * The same tenant, with the names of one schema in its types: the compiler finds a permission that
 * does not exist and a subject that a relation does not take. Nothing of it is there at run time.
 * The types come from `holdfast authz types`.
 */
import type {
  CheckAnswer,
  CheckManyAnswer,
  DeleteRelationships,
  ExpandAnswer,
  FoundResource,
  FoundSubject,
  LookupPage,
  PageRequest,
  PermissionsAnswer,
  Precondition,
  Question,
  ReadRelationships,
  RelationshipPage,
  RelationshipsDeleted,
  RelationshipsWritten,
  TenantPort,
  Verdict,
  WriteRelationships,
} from "../model/authz.ts";
import type {
  CaveatContext,
  RelationshipFilter,
  RelationshipOperation,
} from "../model/relationship.ts";
import type { EmbeddedTenant } from "./port.ts";

/** What `AuthzTypes` says of each type. */
export interface TypeNames {
  /** By name: the subjects that are taken. */
  readonly relations: object;
  readonly permissions: string;
  /** Types whose objects can have any of these. */
  readonly subjects: string;
}

/** The shape of `AuthzTypes`. */
export type SchemaNames<T> = { readonly [K in keyof T]: TypeNames };

/** The types of a schema. */
export type TypeOf<T> = keyof T & string;

/** The permissions and relations of a type. */
export type NameOf<T extends SchemaNames<T>, R extends TypeOf<T>> =
  | T[R]["permissions"]
  | RelationOf<T, R>;

export type RelationOf<T extends SchemaNames<T>, R extends TypeOf<T>> = keyof T[R]["relations"] &
  string;

export interface TypedObject<R extends string> {
  readonly type: R;
  readonly id: string;
}

/** Who may be asked about on objects of a type: an object, or all who have a relation on one. */
export type TypedSubject<T extends SchemaNames<T>, R extends TypeOf<T>> = SubjectOfType<
  T,
  T[R]["subjects"]
>;

type SubjectOfType<T extends SchemaNames<T>, S> =
  S extends TypeOf<T>
    ? { readonly type: S; readonly id: string; readonly relation?: NameOf<T, S> }
    : never;

export interface TypedItem<T extends SchemaNames<T>, R extends TypeOf<T>> {
  readonly resource: TypedObject<R>;
  readonly permission: NameOf<T, R>;
  readonly subject: TypedSubject<T, R>;
}

/** A relationship of any type. `C` has the parameters of each caveat. */
export type TypedRelationship<T extends SchemaNames<T>, C = CaveatContexts> = {
  [R in TypeOf<T>]: {
    [L in RelationOf<T, R>]: {
      readonly resource: TypedObject<R>;
      readonly relation: L;
      readonly subject: T[R]["relations"][L & keyof T[R]["relations"]];
      readonly caveat?: TypedCaveat<C>;
      readonly expiresAt?: number;
    };
  }[RelationOf<T, R>];
}[TypeOf<T>];

/** Without `AuthzCaveats`: any caveat, with any context. */
export type CaveatContexts = Readonly<Record<string, CaveatContext>>;

type TypedCaveat<C> = {
  [K in keyof C & string]: { readonly name: K; readonly context?: Partial<C[K]> };
}[keyof C & string];

export interface TypedWrite<T extends SchemaNames<T>, C = CaveatContexts>
  extends Omit<WriteRelationships, "updates" | "preconditions"> {
  readonly updates: readonly {
    readonly operation: RelationshipOperation;
    readonly relationship: TypedRelationship<T, C>;
  }[];
  readonly preconditions?: readonly (Pick<Precondition, "must"> & {
    readonly filter: TypedFilter<T>;
  })[];
}

export interface TypedFilter<T extends SchemaNames<T>>
  extends Omit<RelationshipFilter, "resourceType" | "relation" | "subjectType"> {
  readonly resourceType?: TypeOf<T>;
  readonly relation?: { [R in TypeOf<T>]: RelationOf<T, R> }[TypeOf<T>];
  readonly subjectType?: TypeOf<T>;
}

export interface TypedPermissions<Name extends string>
  extends Omit<PermissionsAnswer, "permissions"> {
  readonly permissions: readonly {
    readonly name: Name;
    readonly verdict: Verdict;
    readonly missing: readonly string[];
  }[];
}

type Untyped =
  | "check"
  | "checkMany"
  | "checkNow"
  | "expand"
  | "lookupResources"
  | "lookupSubjects"
  | "permissions"
  | "write"
  | "read"
  | "deleteRelationships"
  | "deleteObject";

/** A tenant whose questions and writes take the names of one schema. */
export interface TypedTenant<T extends SchemaNames<T>, C = CaveatContexts>
  extends Omit<TenantPort, Untyped> {
  check<R extends TypeOf<T>>(
    request: TypedItem<T, R> & Question & { readonly explain?: boolean },
  ): Promise<CheckAnswer>;
  checkMany<R extends TypeOf<T>>(
    request: Question & {
      readonly items: readonly (TypedItem<T, R> & { readonly context?: CaveatContext })[];
    },
  ): Promise<CheckManyAnswer>;
  expand<R extends TypeOf<T>>(
    request: Pick<TypedItem<T, R>, "resource" | "permission"> &
      Question & { readonly deep?: boolean | "rights" },
  ): Promise<ExpandAnswer>;
  lookupResources<R extends TypeOf<T>>(
    request: Question &
      PageRequest & {
        readonly resourceType: R;
        readonly permission: NameOf<T, R>;
        readonly subject: TypedSubject<T, R>;
      },
  ): Promise<LookupPage<FoundResource>>;
  lookupSubjects<R extends TypeOf<T>, S extends T[R]["subjects"] & TypeOf<T>>(
    request: Question &
      PageRequest & {
        readonly resource: TypedObject<R>;
        readonly permission: NameOf<T, R>;
        readonly subjectType: S;
        readonly subjectRelation?: NameOf<T, S>;
      },
  ): Promise<LookupPage<FoundSubject>>;
  permissions<R extends TypeOf<T>>(
    request: Question & Pick<TypedItem<T, R>, "resource" | "subject">,
  ): Promise<TypedPermissions<NameOf<T, R>>>;
  write(request: TypedWrite<T, C>): Promise<RelationshipsWritten>;
  read(
    request: Omit<ReadRelationships, "filter"> & { readonly filter?: TypedFilter<T> },
  ): Promise<RelationshipPage>;
  deleteRelationships(
    request: Omit<DeleteRelationships, "filter"> & { readonly filter: TypedFilter<T> },
  ): Promise<RelationshipsDeleted>;
  deleteObject(object: TypedObject<TypeOf<T>>): Promise<RelationshipsDeleted>;
}

/** The same in the process, where a check need not be awaited. */
export interface TypedEmbeddedTenant<T extends SchemaNames<T>, C = CaveatContexts>
  extends TypedTenant<T, C> {
  /** See `EmbeddedTenant`. */
  checkNow<R extends TypeOf<T>>(item: TypedItem<T, R>): Verdict | Promise<Verdict>;
}

/**
 * The tenant itself, whose types now know the schema.
 *
 * @example
 * ```ts
 * import { openAuthz, typed } from "holdfast/authz";
 *
 * // What `holdfast authz types schema.zed > authz-types.ts` writes:
 * interface AuthzTypes {
 *   readonly user: { readonly relations: {}; readonly permissions: never; readonly subjects: never };
 *   readonly document: {
 *     readonly relations: { readonly viewer: { readonly type: "user"; readonly id: string } };
 *     readonly permissions: "view";
 *     readonly subjects: "user";
 *   };
 * }
 *
 * await using authz = await openAuthz({ store: ":memory:", tenants: ["acme"] });
 * const acme = typed<AuthzTypes>(authz.tenant("acme"));
 * await acme.writeSchema({
 *   dialect: "native",
 *   text: "definition user {}\ndefinition document {\n relation viewer: user\n permission view = viewer\n}",
 * });
 * const answer = await acme.check({
 *   resource: { type: "document", id: "1" },
 *   permission: "view", // "veiw" does not compile
 *   subject: { type: "user", id: "ada" },
 * });
 * console.log(answer.verdict); // no
 * ```
 */
export function typed<T extends SchemaNames<T>, C = CaveatContexts>(
  tenant: EmbeddedTenant,
): TypedEmbeddedTenant<T, C>;
export function typed<T extends SchemaNames<T>, C = CaveatContexts>(
  tenant: TenantPort,
): TypedTenant<T, C>;
export function typed(tenant: TenantPort): unknown {
  return tenant;
}
