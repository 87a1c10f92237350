/** What the commands of authorization have in common: where it is, and how questions are written. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { errorAt, type Placed } from "../../../authz/placed.ts";
import { isBlank, parseObject, parseRelationship } from "../../../authz/relationship-text.ts";
import { connectAuthz } from "../../../client/authz-client.ts";
import { readLine } from "../../../gateway/authz/read.ts";
import type { AuthzPort, Consistency, Question, TenantPort } from "../../../model/authz.ts";
import { fail, toHoldfastError } from "../../../model/errors.ts";
import type { ObjectRef, RelationshipFilter } from "../../../model/relationship.ts";
import { openAuthz } from "../../../server/open-authz.ts";
import {
  addConnectionOptions,
  type ConnectionOptions,
  parseValue,
  readSource,
  serverToken,
  serverUrl,
} from "../../connection.ts";
import { usageError } from "../../failure.ts";
import { readEnv } from "../../terminal.ts";

export interface AuthzOptions extends ConnectionOptions {
  readonly store?: string;
  readonly tenant?: string;
}

export const defaultTenant = "default";

/** Where authorization is, for commands that are about all tenants. */
export function addPlaceOptions(command: Command): Command {
  command.option("--store <path>", "open this store itself, in place of asking a server");
  return addConnectionOptions(command);
}

/** The same, and which tenant. */
export function addTenantOptions(command: Command): Command {
  command.option("--tenant <id>", `the tenant (default: HOLDFAST_TENANT, or ${defaultTenant})`);
  return addPlaceOptions(command);
}

/** @param creates whether a store that does not exist is made. */
export async function withAuthz<T>(
  options: AuthzOptions,
  work: (authz: AuthzPort) => Promise<T>,
  { creates = false }: { readonly creates?: boolean } = {},
): Promise<T> {
  const { store, url } = options;
  if (store === undefined) {
    const token = serverToken(options);
    return work(
      connectAuthz({ url: serverUrl(options), ...(token === undefined ? {} : { token }) }),
    );
  }
  if (url !== undefined) throw usageError("--store and --url exclude each other", "authz");
  if (!creates && !existsSync(store)) {
    const reason = "there is no such file; `holdfast authz tenants create` makes one";
    throw fail("invalid-argument", { what: `The store ${store}`, reason });
  }
  await using authz = await openAuthz({ store, log: () => {} });
  return await work(authz);
}

export function withTenant<T>(
  options: AuthzOptions,
  work: (tenant: TenantPort) => Promise<T>,
): Promise<T> {
  const id = options.tenant ?? readEnv("HOLDFAST_TENANT") ?? defaultTenant;
  return withAuthz(options, (authz) => work(authz.tenant(id)));
}

export interface QuestionOptions extends AuthzOptions {
  readonly context?: string;
  readonly with?: readonly string[];
  readonly fresh?: string;
  readonly at?: string;
  readonly latest?: boolean;
  readonly schema?: string;
}

/** What all questions take. */
export function addQuestionOptions(command: Command): Command {
  command
    .option("--context <json>", "values for caveats: JSON, @file, or - for standard input")
    .option(
      "--with <relationship>",
      "holds for this question alone; may be given several times",
      collect,
    )
    .option("--fresh <zookie>", "at least as fresh as this")
    .option("--at <zookie>", "at just this revision")
    .option("--latest", "after everything acknowledged before")
    .option("--schema <id>", "evaluate this schema (default: the current one)");
  return addTenantOptions(command);
}

/** An option that may be given several times: one value each, so that it takes no argument away. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

export async function readQuestion(options: QuestionOptions): Promise<Question> {
  const consistency = consistencyOf(options);
  const context = await parseValue(options.context, "context");
  if (context !== undefined && !isRecord(context)) {
    throw fail("invalid-argument", { what: "The context", reason: "it is not a JSON object" });
  }
  const contextual = options.with?.map(parseRelationship);
  return {
    ...(consistency === undefined ? {} : { consistency }),
    ...(context === undefined ? {} : { context }),
    ...(contextual === undefined ? {} : { contextual }),
    ...(options.schema === undefined ? {} : { schema: options.schema }),
  };
}

export function consistencyOf(
  options: Pick<QuestionOptions, "fresh" | "at" | "latest">,
): Consistency | undefined {
  const { fresh, at, latest } = options;
  const given = [fresh, at, latest].filter((option) => option !== undefined);
  if (given.length > 1) throw usageError("--fresh, --at and --latest exclude each other", "authz");
  if (fresh !== undefined) return { kind: "at-least-as-fresh", zookie: fresh };
  if (at !== undefined) return { kind: "exact-snapshot", zookie: at };
  return latest === true ? { kind: "fully-consistent" } : undefined;
}

export interface FilterOptions {
  readonly resource?: string;
  readonly relation?: string;
  readonly subject?: string;
  readonly caveat?: string;
}

export function addFilterOptions(command: Command): Command {
  return command
    .option("--resource <type[:id]>", "of this type, or of this object; id* for a prefix of ids")
    .option("--relation <name>", "with this relation")
    .option("--subject <type[:id][#relation]>", "with subjects of this type, or this subject")
    .option("--caveat <name>", "under this caveat");
}

/** Undefined when nothing was said. */
export function filterOf(options: FilterOptions): RelationshipFilter | undefined {
  const { resource, relation, subject, caveat } = options;
  const filter: RelationshipFilter = {
    ...(resource === undefined ? {} : resourceFilter(resource)),
    ...(relation === undefined ? {} : { relation }),
    ...(subject === undefined ? {} : subjectFilter(subject)),
    ...(caveat === undefined ? {} : { caveat }),
  };
  return Object.keys(filter).length === 0 ? undefined : filter;
}

function resourceFilter(text: string): RelationshipFilter {
  if (!text.includes(":")) return { resourceType: text };
  const { type, id } = parseObject(text);
  return id.endsWith("*")
    ? { resourceType: type, ...(id === "*" ? {} : { resourceIdPrefix: id.slice(0, -1) }) }
    : { resourceType: type, resourceId: id };
}

function subjectFilter(text: string): RelationshipFilter {
  const hash = text.indexOf("#");
  const object = hash < 0 ? text : text.slice(0, hash);
  const relation = hash < 0 ? {} : { subjectRelation: text.slice(hash + 1) };
  if (!object.includes(":")) return { subjectType: object, ...relation };
  const { type, id } = parseObject(object);
  return { subjectType: type, subjectId: id, ...relation };
}

/** `document:1#view`. */
export function parseRight(text: string): { readonly resource: ObjectRef; permission: string } {
  const hash = text.indexOf("#");
  if (hash < 0 || hash === text.length - 1) {
    const reason = "it is not object#permission, such as document:1#view";
    throw fail("invalid-argument", { what: `The right ${JSON.stringify(text)}`, reason });
  }
  return { resource: parseObject(text.slice(0, hash)), permission: text.slice(hash + 1) };
}

/** Relationships from the command line: texts, or `@file` and `-` with one a line. */
export async function readRelationships(texts: readonly string[]): Promise<Placed[]> {
  const all: Placed[] = [];
  for (const text of texts) {
    if (text !== "-" && !text.startsWith("@")) {
      all.push({ relationship: parseRelationship(text), line: null });
      continue;
    }
    const lines = (await readSource(text)).split("\n");
    const place = text === "-" ? {} : { file: text.slice(1) };
    for (const [index, line] of lines.entries()) {
      const relationship = readPlaced(line, { ...place, line: index + 1 });
      if (relationship !== undefined) all.push(relationship);
    }
  }
  return all;
}

/** Undefined for a line that says nothing; what it cannot be read for is told with its place. */
export function readPlaced(text: string, place: Omit<Placed, "relationship">): Placed | undefined {
  if (isBlank(text)) return undefined;
  try {
    return { relationship: readLine(text), ...place };
  } catch (error) {
    throw errorAt(toHoldfastError(error), place.line ?? 1, place);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
