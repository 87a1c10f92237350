import { errorAt, type Placed, placeError } from "../../authz/placed.ts";
import type { RelationshipPage, TenantPort, WatchEvent, WatchRequest } from "../../model/authz.ts";
import { type HoldfastError, toHoldfastError } from "../../model/errors.ts";
import type { RelationshipFilter } from "../../model/relationship.ts";
import { parseDuration } from "../../std/duration.ts";
import type { StreamedAnswer } from "../exchange.ts";
import { problemOf } from "../problem.ts";
import type { Ask, QueryParameter, Route } from "../route.ts";
import { pageQuery, parseWhole, readLimit, tenantOf, tenantPath } from "./ask.ts";
import { readChoice, readLine, refuse } from "./read.ts";
import { readTypes, typesQuery } from "./relationship-routes.ts";
import { authzRef } from "./schemas.ts";
import type { AuthzSources } from "./sources.ts";

/** What goes on for longer than a request usually does: watch, import, export. */
export function streamRoutes(sources: AuthzSources): Route[] {
  return [watchRoute(sources), importRoute(sources), exportRoute(sources)];
}

const ndjson = "application/x-ndjson";
const eventStream = "text/event-stream";
/** Enough for a relationship with all that it can carry. */
const lineMax = 65_536;

function watchRoute(sources: AuthzSources): Route {
  return {
    method: "GET",
    path: `${tenantPath}/watch`,
    name: "watch",
    summary:
      "Tells changes as they become durable, one JSON value a line, or as server-sent events to those who accept them.",
    query: [
      {
        name: "after",
        description: "A zookie: everything after it. Default: from now on.",
        schema: { type: "string" },
      },
      typesQuery,
      {
        name: "heartbeat",
        description: "How often to say that nothing happened, such as `5s`.",
        schema: { type: "string", default: "5s" },
      },
    ],
    answers: {
      200: {
        description: "Events, without end.",
        schema: authzRef("AuthzWatchEvent"),
        type: ndjson,
      },
    },
    errors: ["zookie-invalid", "zookie-foreign", "zookie-expired", "limit-exceeded"],
    streams: true,
    run: (ask) => {
      const tenant = tenantOf(ask, "read", sources);
      const events = tenant.watch(readWatch(ask));
      const isForBrowsers = ask.headers.accept?.includes(eventStream) === true;
      return isForBrowsers ? asEvents(events) : asLines(events);
    },
  };
}

function readWatch({ query, headers, signal }: Ask): WatchRequest {
  const after = headers.lastEventId ?? query.get("after");
  const heartbeat = query.get("heartbeat");
  return {
    ...(after === undefined || after === "" ? {} : { after }),
    ...readTypes(query),
    ...(heartbeat === undefined ? {} : { heartbeatMs: readHeartbeat(heartbeat) }),
    signal,
  };
}

function readHeartbeat(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 100 && ms <= 60_000) return ms;
  throw refuse("heartbeat", "it is not a duration from 100ms to 60s");
}

function asLines(events: AsyncIterable<WatchEvent>): StreamedAnswer {
  return {
    type: ndjson,
    pieces: mapPieces(events, (event) => `${JSON.stringify(event)}\n`),
    failure: (error) => errorLine(error),
  };
}

/** Server-sent events; the id of each is its zookie, with which a browser goes on by itself. */
function asEvents(events: AsyncIterable<WatchEvent>): StreamedAnswer {
  const print = (event: WatchEvent): string => {
    const zookie = event.kind === "change" ? event.change.zookie : event.zookie;
    const data = JSON.stringify(event.kind === "change" ? event.change : { zookie });
    return `event: ${event.kind}\nid: ${zookie}\ndata: ${data}\n\n`;
  };
  return {
    type: eventStream,
    pieces: mapPieces(events, print),
    failure: (error) => `event: error\ndata: ${problemOf(error).text}\n\n`,
  };
}

async function* mapPieces<T>(
  items: AsyncIterable<T>,
  print: (item: T) => string,
): AsyncGenerator<string, void, undefined> {
  for await (const item of items) yield print(item);
}

/** What a stream of lines ends with when it fails; `more` says how far it came. */
export function errorLine(
  error: HoldfastError,
  more: Readonly<Record<string, number>> = {},
): string {
  const told = JSON.stringify({ kind: "error", ...more }).slice(0, -1);
  return `${told},"error":${problemOf(error).text}}\n`;
}

function importRoute(sources: AuthzSources): Route {
  return {
    method: "POST",
    path: `${tenantPath}/import`,
    name: "importRelationships",
    summary:
      "Writes relationships, one a line, in batches; the answer tells after each batch how far it came.",
    query: [
      {
        name: "mode",
        description: "`touch` (the default) may be repeated; `create` refuses what is there.",
        schema: { enum: ["touch", "create"] },
      },
      {
        name: "batch",
        description: "How many are written in one transaction.",
        schema: { type: "integer", minimum: 1 },
      },
    ],
    body: {
      required: true,
      description: "Relationships; empty lines are passed over.",
      schema: authzRef("AuthzRelationship"),
      isLines: true,
    },
    answers: {
      200: { description: "Progress.", schema: authzRef("AuthzImported"), type: ndjson },
    },
    errors: ["invalid-json", "invalid-argument", "unknown-tenant", "permission-denied"],
    streams: true,
    run: (ask) => {
      const tenant = tenantOf(ask, "write", sources);
      const loader = new Loader(tenant, ask);
      return { type: ndjson, pieces: loader.run(), failure: (error) => loader.failure(error) };
    },
  };
}

/** Writes what comes in, a batch at a time. */
class Loader {
  readonly #tenant: TenantPort;
  readonly #lines: AsyncIterable<string>;
  readonly #operation: "touch" | "create";
  readonly #batchSize: number;
  /** Lines taken in, and those that are durable. */
  #taken = 0;
  #written = 0;
  #loaded = 0;

  constructor(tenant: TenantPort, { lines, query, limits }: Ask) {
    this.#tenant = tenant;
    this.#lines = lines(lineMax);
    this.#operation = readChoice(query.get("mode") ?? "touch", "mode", ["touch", "create"]);
    const batch = query.get("batch");
    const max = limits.authzUpdates;
    this.#batchSize = batch === undefined ? max : readLimit(parseWhole(batch), "batch", max);
  }

  async *run(): AsyncGenerator<string, void, undefined> {
    let batch: Placed[] = [];
    let zookie = "";
    for await (const line of this.#lines) {
      this.#taken++;
      if (line.trim() === "") continue;
      batch.push(this.#read(line));
      if (batch.length < this.#batchSize) continue;
      zookie = await this.#write(batch);
      batch = [];
      yield this.#tell("progress", zookie);
    }
    if (batch.length > 0) zookie = await this.#write(batch);
    yield this.#tell("done", zookie);
  }

  failure(error: HoldfastError): string {
    const { line } = error.details;
    const done = { lines: this.#written, loaded: this.#loaded };
    return errorLine(error, typeof line === "number" ? { ...done, line } : done);
  }

  #read(line: string): Placed {
    try {
      return { relationship: readLine(line), line: this.#taken };
    } catch (error) {
      throw errorAt(toHoldfastError(error), this.#taken);
    }
  }

  async #write(batch: readonly Placed[]): Promise<string> {
    const operation = this.#operation;
    const updates = batch.map(({ relationship }) => ({ operation, relationship }));
    const { zookie } = await this.#tenant.write({ updates }).catch((error: unknown) => {
      throw placeError(error, batch);
    });
    this.#written = this.#taken;
    this.#loaded += batch.length;
    return zookie;
  }

  #tell(kind: "progress" | "done", zookie: string): string {
    const lines = this.#taken;
    return `${JSON.stringify({ kind, lines, loaded: this.#loaded, zookie })}\n`;
  }
}

const filterNames = [
  "resourceType",
  "resourceId",
  "resourceIdPrefix",
  "relation",
  "subjectType",
  "subjectId",
  "subjectRelation",
  "caveat",
] as const;

const filterQuery: readonly QueryParameter[] = filterNames.map((name) => ({
  name,
  description: `Only with this ${name}.`,
  schema: { type: "string" },
}));

function exportRoute(sources: AuthzSources): Route {
  return {
    method: "GET",
    path: `${tenantPath}/export`,
    name: "exportRelationships",
    summary:
      "Gives all relationships of one revision, one a line; after each page a line says where to go on.",
    query: [
      ...pageQuery,
      {
        name: "zookie",
        description: "The revision. Default: the latest that is durable.",
        schema: { type: "string" },
      },
      ...filterQuery,
    ],
    answers: {
      200: { description: "Relationships.", schema: authzRef("AuthzExported"), type: ndjson },
    },
    errors: ["invalid-cursor", "zookie-expired", "unknown-tenant", "permission-denied"],
    streams: true,
    run: (ask) => {
      const tenant = tenantOf(ask, "read", sources);
      return { type: ndjson, pieces: exportLines(tenant, ask), failure: (e) => errorLine(e) };
    },
  };
}

async function* exportLines(
  tenant: TenantPort,
  { query, limits, signal }: Ask,
): AsyncGenerator<string, void, undefined> {
  const filter = readFilterQuery(query);
  const limit = query.get("limit");
  let left = limit === undefined ? Number.POSITIVE_INFINITY : parseWhole(limit);
  if (!(left >= 1)) throw refuse("limit", "it is not a whole number from 1");
  let after = query.get("after");
  let zookie = query.get("zookie");
  let exported = 0;
  while (!signal.aborted) {
    const page: RelationshipPage = await tenant.read({
      limit: Math.min(left, limits.authzPage),
      ...(filter === undefined ? {} : { filter }),
      ...(after === undefined ? {} : { after }),
      // Without one the first page decides; all that follow are of its revision.
      ...(zookie === undefined ? {} : { consistency: { kind: "exact-snapshot", zookie } }),
    });
    zookie = page.zookie;
    exported += page.items.length;
    left -= page.items.length;
    const lines = page.items.map(({ writtenAt: _, ...item }) => JSON.stringify(item));
    const isLast = page.next === null;
    if (page.next === null) lines.push(JSON.stringify({ kind: "done", zookie, exported }));
    else lines.push(JSON.stringify({ kind: "cursor", after: page.next, zookie, exported }));
    yield `${lines.join("\n")}\n`;
    if (isLast || left <= 0) return;
    after = page.next ?? undefined;
  }
}

function readFilterQuery(query: ReadonlyMap<string, string>): RelationshipFilter | undefined {
  const filter: Record<string, string> = {};
  for (const name of filterNames) {
    const value = query.get(name);
    if (value !== undefined) filter[name] = value;
  }
  return Object.keys(filter).length === 0 ? undefined : filter;
}
