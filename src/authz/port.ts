import type {
  AuthzChange,
  AuthzOutcome,
  AuthzPort,
  CheckAnswer,
  CheckItem,
  CheckRequest,
  ReadRelationships,
  RelationshipPage,
  RelationshipsDeleted,
  SchemaDescription,
  SchemaDialect,
  TenantDescription,
  TenantPort,
  Verdict,
  WatchEvent,
  WatchRequest,
  WriteSchema,
} from "../model/authz.ts";
import { fail } from "../model/errors.ts";
import { checkId } from "../model/ids.ts";
import { readTenantLimits } from "../model/limits.ts";
import { makeUlid } from "../std/ulid.ts";
import type { SchemaRow } from "../store/relations.ts";
import { type AskOptions, ask } from "./ask.ts";
import { type Authz, definedOf } from "./authz.ts";
import { check, checkHead, checkItem, permissions } from "./check/check.ts";
import { type Tri, verdictOf } from "./check/verdict.ts";
import { checkMany } from "./check-many.ts";
import {
  checkDelete,
  checkExpand,
  checkItemShape,
  checkLookupResources,
  checkLookupSubjects,
  checkObjectShape,
  checkPermissions,
  checkQuestion,
  checkSchemaRequest,
  checkWrite,
} from "./check-request.ts";
import { fromText } from "./from-text.ts";
import { expand } from "./lookup/expand.ts";
import { pageSize } from "./lookup/page.ts";
import { lookupResources } from "./lookup/resources.ts";
import { lookupSubjects } from "./lookup/subjects.ts";
import { compareBytes } from "./order.ts";
import { readRelationships } from "./read.ts";
import type { Tenant } from "./tenant.ts";

/** Gives a change to the loop. Resolves when it is durable. */
export type Submit = (change: AuthzChange) => Promise<AuthzOutcome>;

/** Authorization in the process: what others reach over HTTP, and checks that need no promise. */
export interface EmbeddedAuthz extends AuthzPort {
  tenant(id: string): EmbeddedTenant;
  /** Resolves when every graph that fits is in memory. Questions are answered before, too. */
  loaded(): Promise<void>;
}

export interface EmbeddedTenant extends TenantPort {
  /**
   * A check at what is durable now: at once where the graph is in memory, which it is unless it is
   * larger than what was allowed or is still being loaded.
   */
  checkNow(item: CheckItem): Verdict | Promise<Verdict>;
}

/** Ids of tenants stand in paths and headers. */
const tenantId = /^[A-Za-z0-9_.-]{1,64}$/;

/** From where questions come. Those from outside are paid for (`Budget`). */
export type Origin = "inside" | "outside";

export function makeAuthzPort(
  authz: Authz,
  submit: Submit,
  origin: Origin = "inside",
): EmbeddedAuthz {
  const { host, limits } = authz;
  return {
    async createTenant({ id, name, limits: own = {} } = {}): Promise<TenantDescription> {
      const tenant = id ?? makeUlid(host.now(), () => host.random());
      if (typeof tenant !== "string" || !tenantId.test(tenant)) {
        const reason = "it is not 1 to 64 of A-Z a-z 0-9 _ . -";
        throw fail("invalid-argument", { what: "The id of the tenant", reason });
      }
      if (name !== undefined) checkId("The name of the tenant", name, limits.idLength);
      const given = definedOf(readTenantLimits(own, limits));
      const words = Uint32Array.from({ length: 8 }, () => host.random());
      const key = Buffer.from(words.buffer).toString("base64");
      await submit({ kind: "tenant-create", tenant, name: name ?? tenant, key, limits: given });
      return authz.describe(authz.tenant(tenant));
    },
    async updateTenant(tenant, request): Promise<TenantDescription> {
      const { name, limits: own } = request ?? {};
      if (name !== undefined) checkId("The name of the tenant", name, limits.idLength);
      if (own !== undefined) readTenantLimits(own, limits);
      const given = {
        ...(name === undefined ? {} : { name }),
        ...(own === undefined ? {} : { limits: own }),
      };
      await submit({ kind: "tenant-update", tenant, request: given });
      return authz.describe(authz.tenant(tenant));
    },
    async deleteTenant(tenant) {
      await submit({ kind: "tenant-delete", tenant });
    },
    async tenants({ limit, after, name } = {}) {
      const size = pageSize(limit, limits.authzPage);
      const all = [...authz.tenants]
        .filter((tenant) => name === undefined || tenant.name === name)
        .filter(({ id }) => after === undefined || compareBytes(id, after) > 0)
        .sort((a, b) => compareBytes(a.id, b.id));
      const items = all.slice(0, size).map((tenant) => authz.describe(tenant));
      return { items, next: all.length > size ? (items.at(-1)?.id ?? null) : null };
    },
    tenant: (id) => new LocalTenant(id, { authz, submit, origin }),
    loaded: () => authz.loaded(),
  };
}

interface LocalParts {
  readonly authz: Authz;
  readonly submit: Submit;
  readonly origin: Origin;
}

class LocalTenant implements EmbeddedTenant {
  readonly id: string;
  readonly #authz: Authz;
  readonly #submit: Submit;
  readonly #origin: Origin;

  constructor(id: string, { authz, submit, origin }: LocalParts) {
    this.id = id;
    this.#authz = authz;
    this.#submit = submit;
    this.#origin = origin;
  }

  get #tenant(): Tenant {
    return this.#authz.tenant(this.id);
  }

  #options(tenant: Tenant): AskOptions & { readonly monotonic: () => number } {
    const { host } = this.#authz;
    const options = { now: host.now(), monotonic: () => host.monotonic() };
    return this.#origin === "inside" ? options : { ...options, budget: tenant.budget };
  }

  checkNow(item: CheckItem): Verdict | Promise<Verdict> {
    const tenant = this.#tenant;
    const { host } = this.#authz;
    const value = this.#checkHead(tenant, item);
    if (value !== undefined) return verdictOf(value);
    const read = fromText(item);
    checkItemShape(read);
    return ask(tenant, none, {
      now: host.now(),
      answer: (asked) => verdictOf(checkItem(asked, read)),
    });
  }

  /** What is not of the right shape breaks it; to look first would cost every check. */
  #checkHead(tenant: Tenant, item: CheckItem): Tri | undefined {
    try {
      return checkHead(tenant, item, this.#authz.host);
    } catch (error) {
      checkItemShape(item);
      throw error;
    }
  }

  async describe(): Promise<TenantDescription> {
    return this.#authz.describe(this.#tenant);
  }

  async writeSchema(request: WriteSchema): ReturnType<TenantPort["writeSchema"]> {
    checkSchemaRequest(request);
    const { host } = this.#authz;
    const id = makeUlid(host.now(), () => host.random());
    const outcome = await this.#submit({ kind: "schema", tenant: this.id, id, request });
    const { zookie, problems = [], orphans = [], orphanCount = 0 } = outcome;
    return { id, zookie, problems, orphans, orphanCount };
  }

  async readSchema(id?: string): Promise<SchemaDescription> {
    const tenant = this.#tenant;
    return describeSchema(tenant, tenant.schemaRow(tenant.schemaIdAt(tenant.durable, id)));
  }

  async schemas({
    limit,
    after,
  }: Parameters<TenantPort["schemas"]>[0] = {}): ReturnType<TenantPort["schemas"]> {
    const tenant = this.#tenant;
    const size = pageSize(limit, tenant.limits.authzPage);
    const rows = tenant.schemaRows
      .filter(({ revision }) => revision <= tenant.durable)
      .toReversed();
    const from = after === undefined ? 0 : rows.findIndex(({ id }) => id === after) + 1;
    if (after !== undefined && from === 0) {
      throw fail("invalid-cursor", { reason: "there is no such schema" });
    }
    const items = rows.slice(from, from + size).map((row) => describeSchema(tenant, row));
    const more = rows.length > from + size;
    return { items, next: more ? (items.at(-1)?.id ?? null) : null };
  }

  async write(request: Parameters<TenantPort["write"]>[0]): ReturnType<TenantPort["write"]> {
    const read = fromText(request);
    checkWrite(read);
    const outcome = await this.#submit({ kind: "write", tenant: this.id, request: read });
    const { zookie, written = 0, deleted = 0 } = outcome;
    return { zookie, written, deleted };
  }

  async deleteRelationships(
    request: Parameters<TenantPort["deleteRelationships"]>[0],
  ): Promise<RelationshipsDeleted> {
    checkDelete(request);
    return deletedOf(await this.#submit({ kind: "delete", tenant: this.id, request }));
  }

  async deleteObject(
    object: Parameters<TenantPort["deleteObject"]>[0],
  ): Promise<RelationshipsDeleted> {
    checkObjectShape(object);
    return deletedOf(await this.#submit({ kind: "delete-object", tenant: this.id, object }));
  }

  async read(request: ReadRelationships = {}): Promise<RelationshipPage> {
    const tenant = this.#tenant;
    return readRelationships(tenant, request, {
      ...this.#options(tenant),
      store: this.#authz.store,
    });
  }

  async changes(
    request: Parameters<TenantPort["changes"]>[0] = {},
  ): ReturnType<TenantPort["changes"]> {
    return this.#authz.history.changes(this.#tenant, request);
  }

  async *watch(request: WatchRequest = {}): AsyncGenerator<WatchEvent, void, void> {
    yield* this.#authz.history.watch(this.#tenant, request);
  }

  async check(given: CheckRequest): Promise<CheckAnswer> {
    const request = fromText(given);
    checkQuestion(request);
    checkItemShape(request);
    const tenant = this.#tenant;
    return check(tenant, request, this.#options(tenant));
  }

  async checkMany(
    given: Parameters<TenantPort["checkMany"]>[0],
  ): ReturnType<TenantPort["checkMany"]> {
    const request = fromText(given);
    checkQuestion(request);
    const tenant = this.#tenant;
    return checkMany(tenant, request, this.#options(tenant));
  }

  async expand(given: Parameters<TenantPort["expand"]>[0]): ReturnType<TenantPort["expand"]> {
    const request = fromText(given);
    checkQuestion(request);
    checkExpand(request);
    const tenant = this.#tenant;
    return expand(tenant, request, this.#options(tenant));
  }

  async lookupResources(
    given: Parameters<TenantPort["lookupResources"]>[0],
  ): ReturnType<TenantPort["lookupResources"]> {
    const request = fromText(given);
    checkQuestion(request);
    checkLookupResources(request);
    const tenant = this.#tenant;
    return lookupResources(tenant, request, this.#options(tenant));
  }

  async lookupSubjects(
    given: Parameters<TenantPort["lookupSubjects"]>[0],
  ): ReturnType<TenantPort["lookupSubjects"]> {
    const request = fromText(given);
    checkQuestion(request);
    checkLookupSubjects(request);
    const tenant = this.#tenant;
    return lookupSubjects(tenant, request, this.#options(tenant));
  }

  async permissions(
    given: Parameters<TenantPort["permissions"]>[0],
  ): ReturnType<TenantPort["permissions"]> {
    const request = fromText(given);
    checkQuestion(request);
    checkPermissions(request);
    const tenant = this.#tenant;
    return permissions(tenant, request, this.#options(tenant));
  }

  async writeDocument(name: string, text: string | null): Promise<void> {
    const { limits } = this.#authz;
    checkDocumentName(name, limits.idLength);
    if (text !== null && Buffer.byteLength(text) > limits.payload) {
      const size = Buffer.byteLength(text);
      throw fail("too-large", { what: "The document", size, max: limits.payload });
    }
    await this.#submit({ kind: "document", tenant: this.id, name, text });
  }

  async readDocument(name: string): Promise<string | null> {
    checkDocumentName(name, this.#authz.limits.idLength);
    return this.#authz.store.loadDocument(this.#tenant.number, name);
  }
}

/** Names that begin with white space are those of documents that are nobody's business. */
function checkDocumentName(name: string, max: number): void {
  const what = "The name of the document";
  checkId(what, name, max);
  if (/^\s/.test(name))
    throw fail("invalid-id", { what, reason: "it begins with white space", max });
}

/** A question without anything of its own. */
const none = {};

function deletedOf({ zookie, deleted = 0, complete = true }: AuthzOutcome): RelationshipsDeleted {
  return { zookie, deleted, complete };
}

function describeSchema(tenant: Tenant, row: SchemaRow): SchemaDescription {
  return {
    id: row.id,
    dialect: row.dialect as SchemaDialect, // as it was written
    text: row.text,
    createdAt: row.createdAt,
    zookie: tenant.zookies.make(row.revision),
  };
}
