/** Authorization over HTTP: an `AuthzPort` for programs that use a server, in Node as in browsers. */
import type { Host } from "../host/host.ts";
import { makeNodeHost } from "../host/node-host.ts";
import type {
  AuthzPort,
  ChangePage,
  CheckAnswer,
  CheckManyAnswer,
  CheckManyRequest,
  CheckRequest,
  CreateTenant,
  DeleteRelationships,
  ExpandAnswer,
  ExpandRequest,
  FoundResource,
  FoundSubject,
  LookupPage,
  LookupResources,
  LookupSubjects,
  Page,
  PageRequest,
  PermissionsAnswer,
  PermissionsRequest,
  ReadChanges,
  ReadRelationships,
  RelationshipPage,
  RelationshipsDeleted,
  RelationshipsWritten,
  SchemaDescription,
  SchemaWritten,
  TenantDescription,
  TenantPort,
  UpdateTenant,
  WatchEvent,
  WatchRequest,
  WriteRelationships,
  WriteSchema,
} from "../model/authz.ts";
import { HoldfastError } from "../model/errors.ts";
import type { ObjectRef } from "../model/relationship.ts";
import { type ConnectOptions, type HttpLink, openLink, segment } from "./http-link.ts";
import { errorOf } from "./problem.ts";

/**
 * Authorization of a server, over HTTP. Connects when it is first used.
 *
 * Throws `invalid-configuration` for a URL that is none. All its methods reject with `unreachable`
 * when no server answers, or with the `HoldfastError` that the server reports.
 *
 * @example
 * ```ts
 * import { connectAuthz } from "holdfast/client";
 *
 * const tenant = connectAuthz({ url: "http://127.0.0.1:7400", token: "secret" }).tenant("acme");
 * const mayView = () =>
 *   tenant.check({
 *     resource: { type: "document", id: "1" },
 *     permission: "view",
 *     subject: { type: "user", id: "ada" },
 *   });
 * ```
 */
export function connectAuthz(options: ConnectOptions): AuthzPort {
  return new HttpAuthz(openLink(options), makeNodeHost());
}

class HttpAuthz implements AuthzPort {
  readonly #link: HttpLink;
  readonly #host: Pick<Host, "setTimer">;

  constructor(link: HttpLink, host: Pick<Host, "setTimer">) {
    this.#link = link;
    this.#host = host;
  }

  async createTenant(request: CreateTenant = {}): Promise<TenantDescription> {
    return this.#link.json("POST", "/authz/tenants", { body: request });
  }

  async updateTenant(id: string, request: UpdateTenant): Promise<TenantDescription> {
    return this.#link.json("PATCH", tenantPath(id), { body: request });
  }

  async deleteTenant(id: string): Promise<void> {
    return this.#link.do("DELETE", tenantPath(id));
  }

  async tenants(
    page: PageRequest & { readonly name?: string } = {},
  ): Promise<Page<TenantDescription>> {
    return this.#link.json("GET", `/authz/tenants${query({ ...page })}`);
  }

  tenant(id: string): TenantPort {
    return new HttpTenant(id, this.#link, this.#host);
  }
}

/** Before a watch that was cut off is taken up again. */
const restMs = 200;

class HttpTenant implements TenantPort {
  readonly id: string;
  readonly #link: HttpLink;
  readonly #host: Pick<Host, "setTimer">;

  constructor(id: string, link: HttpLink, host: Pick<Host, "setTimer">) {
    this.id = id;
    this.#link = link;
    this.#host = host;
  }

  async describe(): Promise<TenantDescription> {
    return this.#get("");
  }

  async writeSchema(request: WriteSchema): Promise<SchemaWritten> {
    return this.#post("/schemas", request);
  }

  async readSchema(id = "current"): Promise<SchemaDescription> {
    return this.#get(`/schemas/${segment("The schema", id)}`);
  }

  async schemas(page: PageRequest = {}): Promise<Page<SchemaDescription>> {
    return this.#get(`/schemas${query({ ...page })}`);
  }

  async write(request: WriteRelationships): Promise<RelationshipsWritten> {
    return this.#post("/relationships", request);
  }

  async deleteRelationships(request: DeleteRelationships): Promise<RelationshipsDeleted> {
    return this.#post("/relationships/delete", request);
  }

  async deleteObject({ type, id }: ObjectRef): Promise<RelationshipsDeleted> {
    const path = `/objects/${segment("The type", type)}/${encodeURIComponent(id.toWellFormed())}`;
    return this.#link.json("DELETE", tenantPath(this.id) + path);
  }

  async read(request: ReadRelationships = {}): Promise<RelationshipPage> {
    return this.#ask("/relationships/read", request);
  }

  async changes({ resourceTypes, ...rest }: ReadChanges = {}): Promise<ChangePage> {
    return this.#get(`/changes${query({ ...rest, ...typesOf(resourceTypes) })}`);
  }

  /** Taken up again, where it was, when the connection ends; but not if nothing came over it. */
  async *watch(request: WatchRequest = {}): AsyncGenerator<WatchEvent, void, undefined> {
    const { signal, resourceTypes, heartbeatMs } = request;
    let { after } = request;
    while (!signal?.aborted) {
      let isHeard = false;
      const path = `${tenantPath(this.id)}/watch${query({
        ...(after === undefined ? {} : { after }),
        ...typesOf(resourceTypes),
        ...(heartbeatMs === undefined ? {} : { heartbeat: `${heartbeatMs}ms` }),
      })}`;
      try {
        for await (const line of this.#link.lines("GET", path, { signal })) {
          const event = readEvent(line);
          after = event.kind === "change" ? event.change.zookie : event.zookie;
          isHeard = true;
          yield event;
        }
      } catch (error) {
        const isCut = error instanceof HoldfastError && error.code === "unreachable";
        if (!isCut || !isHeard) throw error;
      }
      await new Promise<void>((resolve) => void this.#host.setTimer(restMs, resolve));
    }
  }

  async check(request: CheckRequest): Promise<CheckAnswer> {
    return this.#ask("/check", request);
  }

  async checkMany(request: CheckManyRequest): Promise<CheckManyAnswer> {
    const { items, zookie }: CheckManyAnswer = await this.#ask("/check-many", request);
    return { items: items.map(revive), zookie };
  }

  async expand(request: ExpandRequest): Promise<ExpandAnswer> {
    return this.#ask("/expand", request);
  }

  async lookupResources(request: LookupResources): Promise<LookupPage<FoundResource>> {
    return this.#ask("/lookup-resources", request);
  }

  async lookupSubjects(request: LookupSubjects): Promise<LookupPage<FoundSubject>> {
    return this.#ask("/lookup-subjects", request);
  }

  async permissions(request: PermissionsRequest): Promise<PermissionsAnswer> {
    return this.#ask("/permissions", request);
  }

  async writeDocument(name: string, text: string | null): Promise<void> {
    const path = `/documents/${segment("The name of the document", name)}`;
    return this.#link.do("PUT", tenantPath(this.id) + path, { text });
  }

  async readDocument(name: string): Promise<string | null> {
    const path = `/documents/${segment("The name of the document", name)}`;
    const { text } = await this.#get<{ readonly text: string | null }>(path);
    return text;
  }

  async #get<T>(path: string): Promise<T> {
    return this.#link.json("GET", tenantPath(this.id) + path);
  }

  async #post<T>(path: string, body: unknown): Promise<T> {
    return this.#link.json("POST", tenantPath(this.id) + path, { body });
  }

  /** A POST that changes nothing. */
  async #ask<T>(path: string, body: unknown): Promise<T> {
    return this.#link.json("POST", tenantPath(this.id) + path, { body, isSafe: true });
  }
}

function tenantPath(id: string): string {
  return `/authz/tenants/${segment("The tenant", id)}`;
}

function typesOf(types: readonly string[] | undefined): { readonly types?: string } {
  return types === undefined || types.length === 0 ? {} : { types: types.join(",") };
}

function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? "" : `?${search}`;
}

/** An error in the place of an answer is the problem that the server tells. */
function revive(item: CheckManyAnswer["items"][number]): CheckManyAnswer["items"][number] {
  if (!("error" in item)) return item;
  return { error: errorOf({ status: 400, text: JSON.stringify(item.error) }, "") };
}

function readEvent(line: string): WatchEvent {
  const event = JSON.parse(line) as
    | WatchEvent
    | { readonly kind: "error"; readonly error: unknown }; // as the server prints it
  if (event.kind !== "error") return event;
  throw errorOf({ status: 400, text: JSON.stringify(event.error) }, "");
}
