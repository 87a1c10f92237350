import type { AuthzPort, TenantDescription } from "../../../model/authz.ts";
import { isUlid, makeUlid } from "../../../std/ulid.ts";
import { type Answer, json } from "../../exchange.ts";
import { everyTenant } from "../../rights.ts";
import type { Ask, Route } from "../../route.ts";
import { Message, printTime } from "../proto.ts";
import type { AuthzSources } from "../sources.ts";
import { decodeToken, encodeToken, fgaRoute, readPageSize, storeRoute } from "./call.ts";
import { matching, patterns } from "./tuples.ts";

/** `/stores`: a store is a tenant, however it was created. */
export function storeRoutes(sources: AuthzSources): Route[] {
  const { authz } = sources;
  return [
    fgaRoute({
      method: "POST",
      path: "/stores",
      name: "CreateStore",
      summary: "Creates a store.",
      run: (ask) => createStore(ask, sources),
    }),
    fgaRoute({
      method: "GET",
      path: "/stores",
      name: "ListStores",
      summary: "Lists the stores.",
      run: (ask) => listStores(ask, authz),
    }),
    storeRoute(
      {
        method: "GET",
        path: "",
        name: "GetStore",
        summary: "Describes a store.",
        right: "read",
        run: async ({ tenant }) => json(200, printStore(await tenant.describe())),
      },
      sources,
    ),
    storeRoute(
      {
        method: "DELETE",
        path: "",
        name: "DeleteStore",
        summary: "Deletes a store with all that it has.",
        right: "admin",
        run: async ({ store }) => {
          await deleteStore(authz, store);
          return { status: 204 };
        },
      },
      sources,
    ),
  ];
}

async function createStore(ask: Ask, { authz, host }: AuthzSources): Promise<Answer> {
  ask.rights.require("admin", everyTenant);
  const body = new Message(ask.body.value, "CreateStoreRequest");
  const name = matching(body, "name", patterns.storeName);
  const id = makeUlid(host.now(), () => host.random());
  const { deleted_at, ...store } = printStore(await authz.createTenant({ id, name }));
  return json(201, store);
}

async function listStores({ query, rights }: Ask, authz: AuthzPort): Promise<Answer> {
  const limit = readPageSize(query.get("page_size"), "ListStores");
  const after = decodeToken(query.get("continuation_token"));
  const name = query.get("name");
  const page = await authz.tenants({
    limit,
    ...(after === undefined ? {} : { after }),
    ...(name === undefined || name === "" ? {} : { name }),
  });
  const stores = page.items.filter(({ id }) => rights.sees(id)).map(printStore);
  return json(200, { stores, continuation_token: encodeToken(page.next) });
}

/** As there, deleting what is not there is no error; an id that could be none is. */
async function deleteStore(authz: AuthzPort, store: string): Promise<void> {
  try {
    await authz.deleteTenant(store);
  } catch (error) {
    const isGone = error instanceof Error && "code" in error && error.code === "unknown-tenant";
    if (!isGone || !isUlid(store)) throw error;
  }
}

function printStore({ id, name, createdAt, updatedAt }: TenantDescription): {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly deleted_at: null;
} {
  return {
    id,
    name,
    created_at: printTime(createdAt),
    updated_at: printTime(updatedAt),
    deleted_at: null,
  };
}
