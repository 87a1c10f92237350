/** What a server serves, as its /openapi.json tells. */
import { fail, reasonOf } from "../model/errors.ts";
import { type ConnectionOptions, serverToken, serverUrl } from "./connection.ts";

export interface ServiceListing {
  readonly name: string;
  readonly kind: string;
  readonly handlers: readonly { readonly name: string; readonly target: string }[];
}

/** The part of the description that is read here. */
interface OpenApi {
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, unknown>>;
}

const callPrefix = "/call/";

export async function listServices(options: ConnectionOptions): Promise<ServiceListing[]> {
  const { tags, paths } = await fetchOpenApi(options);
  const byName = new Map<string, { name: string; target: string }[]>();
  for (const path of Object.keys(paths)) {
    if (!path.startsWith(callPrefix)) continue;
    const parts = path.slice(callPrefix.length).split("/").map(decodeURIComponent);
    const service = parts[0] ?? "";
    const handler = parts.at(-1) ?? "";
    const target = parts.length === 2 ? `${service}/${handler}` : `${service}/<key>/${handler}`;
    const handlers = byName.get(service) ?? [];
    byName.set(service, [...handlers, { name: handler, target }]);
  }
  return [...byName].map(([name, handlers]) => {
    const description = tags.find((tag) => tag.name === name)?.description ?? "";
    const kind = /^The (service|actor|workflow) /.exec(description)?.[1] ?? "service";
    return { name, kind, handlers };
  });
}

async function fetchOpenApi(options: ConnectionOptions): Promise<OpenApi> {
  const url = serverUrl(options);
  const token = serverToken(options);
  let response: Response;
  try {
    response = await fetch(`${url.replace(/\/+$/, "")}/openapi.json`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
  } catch (error) {
    const { cause } = error as Error; // fetch throws TypeErrors, around what went wrong
    const reason = reasonOf(cause ?? error);
    throw fail("unreachable", { url, reason }, error);
  }
  if (response.status === 401) {
    const given = token === undefined ? "none was given" : "the one given is not known";
    throw fail("unauthorized", { given });
  }
  if (!response.ok) {
    throw fail("unreachable", { url, reason: `the answer is HTTP ${response.status}` });
  }
  return (await response.json()) as OpenApi; // what that path answers
}
