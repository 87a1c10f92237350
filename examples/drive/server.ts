/**
 * The drive as an HTTP application: its own paths in front, Holdfast in the same process behind.
 * Lists come from the graph (`lookupResources`, `lookupSubjects`), and a refusal can be explained.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { type Holdfast, HoldfastError, open, TerminalError } from "holdfast";
import { drawExplanation, type TenantPort } from "holdfast/authz";
import { access } from "./access.ts";
import { document, folder, group, link, type Place, type Share, services } from "./drive.ts";

export interface DriveOptions {
  /** Path of the SQLite file, or `":memory:"`. */
  readonly store: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Who has which token. A real application asks its identity provider. */
  readonly users: ReadonlyMap<string, string>;
}

export interface Drive {
  readonly url: string;
  readonly app: Holdfast;
  close(): Promise<void>;
}

export async function openDrive({ store, port, users }: DriveOptions): Promise<Drive> {
  const app = await open({ services, authorization: access, store, log: () => {} });
  const server = createServer((request, response) => {
    void answer({ app, users, tenant: app.authz.tenant("default") }, request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const { port: taken } = server.address() as AddressInfo; // it listens on TCP
  const close = async (): Promise<void> => {
    await closed(server);
    await app.close();
  };
  return { url: `http://127.0.0.1:${taken}`, app, close };
}

interface Parts {
  readonly app: Holdfast;
  readonly users: ReadonlyMap<string, string>;
  readonly tenant: TenantPort;
}

/** One request of somebody who is known. */
interface Asked {
  readonly app: Holdfast;
  readonly tenant: TenantPort;
  readonly user: string;
  readonly id: string;
  /** What stands behind the id in the path. */
  readonly rest: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

type Route = (asked: Asked) => Promise<unknown>;

/** By method and the first word of the path; `:id` and what is behind it are for the route. */
const routes: Readonly<Record<string, Route>> = {
  "POST documents": ({ app, user, id, body }) =>
    app
      .as(user)
      .call(document, id)
      .create(body as Place),
  "GET documents": (asked) => (asked.id === "" ? listDocuments(asked) : readDocument(asked)),
  "PUT documents": ({ app, user, id, body }) => app.as(user).call(document, id).write(textOf(body)),
  "DELETE documents": deleteDocument,
  "POST documents/share": ({ app, user, id, body }) =>
    app
      .as(user)
      .call(document, id)
      .share(body as Share),
  "POST documents/unshare": ({ app, user, id, body }) =>
    app
      .as(user)
      .call(document, id)
      .unshare(body as Share),
  "POST documents/ban": ({ app, user, id, body }) =>
    app.as(user).call(document, id).ban(textOf(body)),
  "POST documents/links": ({ app, user, id }) => app.as(user).call(document, id).link(),
  "DELETE documents/links": ({ app, user, id, query }) =>
    app
      .as(user)
      .call(document, id)
      .unlink(query.get("link") ?? ""),
  "GET documents/people": listPeople,
  "GET documents/why": explain,
  "POST folders": ({ app, user, id, body }) =>
    app
      .as(user)
      .call(folder, id)
      .create(body as Place),
  "POST folders/share": ({ app, user, id, body }) =>
    app
      .as(user)
      .call(folder, id)
      .share(body as Share),
  "POST folders/ban": ({ app, user, id, body }) => app.as(user).call(folder, id).ban(textOf(body)),
  "POST groups": ({ app, user, id, body }) => app.as(user).call(group, id).create(textOf(body)),
  "POST groups/members": ({ app, user, id, body }) =>
    app.as(user).call(group, id).add(textOf(body)),
  "DELETE groups/members": ({ app, user, id, query }) =>
    app
      .as(user)
      .call(group, id)
      .remove(query.get("member") ?? ""),
  "POST links": ({ app, user, id }) => app.as(user).call(link, id).open(),
};

/** What can I see? */
async function listDocuments({ tenant, user, query }: Asked) {
  const after = query.get("after");
  const page = await tenant.lookupResources({
    resourceType: "document",
    permission: query.get("may") ?? "read",
    subject: { type: "user", id: user },
    limit: 50,
    ...(after === null ? {} : { after }),
  });
  return { documents: page.items.map(({ id }) => id), next: page.next };
}

function readDocument({ app, user, id }: Asked) {
  return app.as(user).call(document, id).read();
}

/** Who can see this? Only for those who can see it themselves. */
async function listPeople({ tenant, user, id }: Asked) {
  const resource = { type: "document", id };
  const question = { resource, permission: "read" };
  await requirePermission(tenant, { ...question, subject: { type: "user", id: user } });
  const people: string[] = [];
  let after: string | null = null;
  let everybody = false;
  do {
    const page: Awaited<ReturnType<TenantPort["lookupSubjects"]>> = await tenant.lookupSubjects({
      ...question,
      subjectType: "user",
      ...(after === null ? {} : { after }),
    });
    for (const { id: found } of page.items) {
      if (found === "*") everybody = true;
      else people.push(found);
    }
    after = page.next;
  } while (after !== null);
  return { everybody, people };
}

/** Why somebody can read it, or cannot: for its owners, as a picture. */
async function explain({ tenant, user, id, query }: Asked): Promise<Picture> {
  const resource = { type: "document", id };
  const own = { resource, permission: "own", subject: { type: "user", id: user } };
  await requirePermission(tenant, own);
  const subject = { type: "user", id: query.get("user") ?? user };
  const answer = await tenant.check({ resource, permission: "read", subject, explain: true });
  const { explanation, verdict } = answer;
  if (explanation === undefined) throw new TypeError("an explanation was asked for");
  return new Picture(
    drawExplanation(explanation, { title: `user:${subject.id} reads document:${id}: ${verdict}` }),
  );
}

/** With the rights that anybody had on it: nothing is left behind. */
async function deleteDocument({ app, tenant, user, id }: Asked): Promise<void> {
  await app.as(user).call(document, id).remove();
  await tenant.deleteObject({ type: "document", id });
}

async function requirePermission(
  tenant: TenantPort,
  item: Parameters<TenantPort["check"]>[0],
): Promise<void> {
  const { verdict } = await tenant.check(item);
  if (verdict !== "yes") throw new TerminalError("You may not", { code: "permission-denied" });
}

class Picture {
  readonly svg: string;

  constructor(svg: string) {
    this.svg = svg;
  }
}

function textOf(body: unknown): string {
  if (typeof body === "string") return body;
  throw new TerminalError("The body must be a JSON string", { code: "invalid-input" });
}

async function answer(
  { app, users, tenant }: Parts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const send = (status: number, value: unknown): void => {
    if (value instanceof Picture) {
      // What is drawn is text only; still nothing in it may run.
      response.setHeader(
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'",
      );
      response.writeHead(status, { "content-type": "image/svg+xml" }).end(value.svg);
    } else if (value === undefined) response.writeHead(204).end();
    else
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
  try {
    const token = request.headers.authorization?.replace(/^Bearer /, "") ?? "";
    const user = users.get(token);
    if (user === undefined) return send(401, { code: "nobody", message: "Show your token" });
    const url = new URL(request.url ?? "/", "http://drive");
    const [, kind = "", id = "", rest = ""] = url.pathname.split("/").map(decodeURIComponent);
    const name = `${request.method} ${kind}${rest === "" ? "" : `/${rest}`}`;
    const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
    if (route === undefined) return send(404, { code: "not-found", message: `No ${name}` });
    const body = await readBody(request);
    send(200, await route({ app, tenant, user, id, rest, query: url.searchParams, body }));
  } catch (error) {
    send(...refusalOf(error));
  }
}

const statuses: Readonly<Record<string, number>> = {
  "permission-denied": 403,
  exists: 409,
  "unknown-link": 404,
};

function refusalOf(error: unknown): [number, { code: string; message: string }] {
  if (error instanceof TerminalError) {
    const { code = "failed", message } = error;
    return [statuses[code] ?? 400, { code, message }];
  }
  if (error instanceof HoldfastError) {
    return [error.status, { code: error.code, message: error.message }];
  }
  if (error instanceof SyntaxError || error instanceof URIError) {
    return [400, { code: "invalid-input", message: error.message }];
  }
  return [500, { code: "internal", message: "Something went wrong" }];
}

const bodyMax = 1_000_000;

async function readBody(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += chunk;
    if (text.length > bodyMax) throw new SyntaxError("The body is too long");
  }
  return text === "" ? undefined : JSON.parse(text);
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "7500" },
      store: { type: "string", default: "drive.db" },
    },
  });
  const users = new Map(["ada", "bob", "carl", "eve"].map((name) => [`token-of-${name}`, name]));
  const drive = await openDrive({ store: values.store, port: Number(values.port), users });
  console.log(`The drive is at ${drive.url}; the tokens are ${[...users.keys()].join(", ")}`);
  process.once("SIGINT", () => void drive.close());
  process.once("SIGTERM", () => void drive.close());
}
