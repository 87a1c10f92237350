import type { TenantPort } from "../../../model/authz.ts";
import { fail } from "../../../model/errors.ts";
import type { Route } from "../../route.ts";
import { type Fields, readObjectOf, readTextOf, refuse } from "../read.ts";
import type { AuthzSources } from "../sources.ts";
import { authzenRoute, endpoints } from "./call.ts";
import { makeContext, readAction, readAuthzenContext, readEntity, readWanted } from "./read.ts";

/** The searches of AuthZEN 1.0 (§8): what would be permitted, and nothing that is conditional. */
export function searchRoutes(sources: AuthzSources): Route[] {
  return [
    authzenRoute(
      {
        path: endpoints.subject,
        name: "SubjectSearch",
        summary: "The subjects of a type that may do an action on a resource.",
        run: searchSubjects,
      },
      sources,
    ),
    authzenRoute(
      {
        path: endpoints.resource,
        name: "ResourceSearch",
        summary: "The resources of a type on which a subject may do an action.",
        run: searchResources,
      },
      sources,
    ),
    authzenRoute(
      {
        path: endpoints.action,
        name: "ActionSearch",
        summary: "The actions that a subject may do on a resource.",
        run: searchActions,
      },
      sources,
    ),
  ];
}

async function searchSubjects(tenant: TenantPort, body: Fields, pageMax: number): Promise<unknown> {
  const subject = readWanted(body["subject"], "subject");
  const resource = readEntity(body["resource"], "resource");
  const action = readAction(body["action"]);
  const context = readAuthzenContext(body["context"]);
  const { type } = subject;
  const page = readPage(body["page"], pageMax);
  const found = await tenant.lookupSubjects({
    resource: { type: resource.type, id: resource.id },
    permission: action.name,
    subjectType: type,
    context: makeContext({ subject, resource, action, context }),
    ...page,
  });
  const results = found.items.filter(isPermitted).map(({ id, excluded = [] }) => {
    // Everybody: there is no list of them, so the wildcard stands for it, and says who is not.
    const properties = { excluded: excluded.map((each) => each.id) };
    return excluded.length === 0 ? { type, id } : { type, id, properties };
  });
  return printPage(results, page.limit, found.next);
}

async function searchResources(
  tenant: TenantPort,
  body: Fields,
  pageMax: number,
): Promise<unknown> {
  const subject = readEntity(body["subject"], "subject");
  const resource = readWanted(body["resource"], "resource");
  const action = readAction(body["action"]);
  const context = readAuthzenContext(body["context"]);
  const { type } = resource;
  const page = readPage(body["page"], pageMax);
  const found = await tenant.lookupResources({
    resourceType: type,
    permission: action.name,
    subject: { type: subject.type, id: subject.id },
    context: makeContext({ subject, resource, action, context }),
    ...page,
  });
  const results = found.items.filter(isPermitted).map(({ id }) => ({ type, id }));
  return printPage(results, page.limit, found.next);
}

async function searchActions(tenant: TenantPort, body: Fields, pageMax: number): Promise<unknown> {
  const subject = readEntity(body["subject"], "subject");
  const resource = readEntity(body["resource"], "resource");
  const context = readAuthzenContext(body["context"]);
  const { limit, after } = readPage(body["page"], pageMax);
  const { permissions } = await tenant.permissions({
    resource: { type: resource.type, id: resource.id },
    subject: { type: subject.type, id: subject.id },
    context: makeContext({ subject, resource, context }),
  });
  const names = permissions.filter(isPermitted).map(({ name }) => name);
  const rest = after === undefined ? names : names.slice(names.indexOf(after) + 1);
  const shown = rest.slice(0, limit);
  const last = rest.length > limit ? (shown.at(-1) ?? null) : null;
  return printPage(
    shown.map((name) => ({ name })),
    limit,
    last,
  );
}

function isPermitted({ verdict }: { readonly verdict: string }): boolean {
  return verdict === "yes";
}

interface SearchPage {
  readonly limit: number;
  readonly after?: string;
}

/** §8.2. A token carries the size of its pages, so that it need not be repeated. */
function readPage(value: unknown, max: number): SearchPage {
  if (value === undefined || value === null) return { limit: max };
  const { limit, token } = readObjectOf(value, "page");
  const size = limit === undefined || limit === null ? undefined : readSize(limit, max);
  if (token === undefined || token === null || token === "") return { limit: size ?? max };
  const [kept, after] = decodeToken(readTextOf(token, "page.token"));
  if (size !== undefined && size !== kept) {
    throw fail("invalid-cursor", { reason: "the limit is another than that of the page before" });
  }
  return { limit: Math.min(kept, max), after };
}

/** 0 asks for no more than a page, as no limit does. */
function readSize(value: unknown, max: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
    throw refuse("page.limit", "it is not a whole number from 0");
  }
  return value === 0 ? max : Math.min(value, max);
}

function decodeToken(token: string): [limit: number, after: string] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    const [limit, after] = Array.isArray(value) ? (value as unknown[]) : [];
    const isSize = typeof limit === "number" && Number.isInteger(limit) && limit > 0;
    if (isSize && typeof after === "string") return [limit, after];
  } catch {
    // Refused below, as whatever else is none.
  }
  throw fail("invalid-cursor", { reason: "it is none that was given here" });
}

function printPage(results: readonly unknown[], limit: number, next: string | null): unknown {
  const token =
    next === null ? "" : Buffer.from(JSON.stringify([limit, next]), "utf8").toString("base64url");
  return { page: { next_token: token, count: results.length }, results };
}
