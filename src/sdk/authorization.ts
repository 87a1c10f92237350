/** What an application says about authorization as a whole: its schema, and who a caller is in it. */
import type { SchemaDialect } from "../model/authz.ts";
import { fail } from "../model/errors.ts";
import type { SubjectRef } from "../model/relationship.ts";
import { checkKnown, checkObject } from "./check.ts";

/** What `authorization(…)` is given. */
export interface AuthorizationSpec {
  /** The tenant that handlers mean when they name none. Default: `"default"`. */
  readonly tenant?: string;
  /** Written when the application starts, if it differs from the one that is there. */
  readonly schema?: string;
  /** Default: `"native"`, the language of SpiceDB. */
  readonly dialect?: SchemaDialect;
  /**
   * The subject that a caller is. Without a name (a schedule, a program of this machine) it gets
   * undefined; to return undefined is to say that the caller is nobody, who may do nothing.
   * Default: `user:<name>`.
   */
  readonly subject?: (caller: string | undefined) => SubjectRef | undefined;
}

/** Authorization as the application means it, with everything filled in. */
export interface Authorization {
  readonly kind: "authorization";
  readonly tenant: string;
  readonly schema: { readonly dialect: SchemaDialect; readonly text: string } | null;
  readonly subject: (caller: string | undefined) => SubjectRef | undefined;
}

const specNames: ReadonlySet<string> = new Set([
  "tenant",
  "schema",
  "dialect",
  "subject",
] satisfies (keyof AuthorizationSpec)[]);

/** Ids of tenants stand in paths and headers. */
const tenantId = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * Authorization of an application: exported beside its services, or given to `open`.
 *
 * Throws `invalid-argument` for what cannot be meant. Whether the schema is valid shows when the
 * application starts (`schema-invalid`, `schema-orphans`).
 *
 * @example
 * ```ts
 * import { authorization } from "holdfast";
 *
 * export const access = authorization({
 *   schema: `
 *     definition user {}
 *     definition document {
 *       relation owner: user
 *       relation reader: user
 *       permission edit = owner
 *       permission view = reader + edit
 *     }`,
 * });
 * ```
 */
export function authorization(spec: AuthorizationSpec = {}): Authorization {
  const what = "The authorization";
  checkObject(what, spec);
  checkKnown(what, spec, specNames);
  const { tenant = defaultTenant, schema, dialect = "native", subject = userOf } = spec;
  const wrong = !tenantId.test(tenant)
    ? "its tenant is not 1 to 64 of A-Z a-z 0-9 _ . -"
    : schema !== undefined && typeof schema !== "string"
      ? "its schema is not a text"
      : dialect !== "native" && dialect !== "openfga"
        ? "its dialect is neither native nor openfga"
        : typeof subject !== "function"
          ? "its subject is not a function"
          : undefined;
  if (wrong !== undefined) throw fail("invalid-argument", { what, reason: wrong });
  return Object.freeze({
    kind: "authorization",
    tenant,
    schema: schema === undefined ? null : { dialect, text: schema },
    subject,
  });
}

const defaultTenant = "default";

function userOf(caller: string | undefined): SubjectRef | undefined {
  return caller === undefined ? undefined : { type: "user", id: caller };
}

/** By shape and not by identity: the module may have loaded another copy of this package. */
export function isAuthorization(value: unknown): value is Authorization {
  return (
    typeof value === "object" && value !== null && "kind" in value && value.kind === "authorization"
  );
}
