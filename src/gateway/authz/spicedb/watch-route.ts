import { requireRelation } from "../../../authz/schema/place.ts";
import type { Schema } from "../../../authz/schema/schema.ts";
import { checkFilter } from "../../../authz/write/filter.ts";
import type { Change, WatchEvent } from "../../../model/authz.ts";
import { fail } from "../../../model/errors.ts";
import type { Relationship, RelationshipFilter } from "../../../model/relationship.ts";
import type { SpiceCall, SpiceOperation } from "./call.ts";
import { readCurrent } from "./current-schema.ts";
import { printRelationship, printToken, readToken, refuseValue, requireFilter } from "./nouns.ts";

/** `/v1/watch`. */
export const watchOperation: SpiceOperation = {
  path: "/watch",
  name: "Watch",
  summary: "Changes as they become durable, one transaction a line.",
  right: "read",
  streams: true,
  run: watch,
};

async function* watch(call: SpiceCall): AsyncGenerator<unknown> {
  const { ask, tenant, body } = call;
  const types = body.texts("optionalObjectTypes");
  const after = readToken(body, "optionalStartCursor", "ZedToken");
  const filters = body
    .messages("optionalRelationshipFilters", "RelationshipFilter")
    .map(requireFilter);
  const kinds = new Set(body.choices("optionalUpdateKinds", kindNames));
  const wanted: Wanted = {
    filters,
    relationships:
      kinds.size === 0 ||
      kinds.has("WATCH_KIND_UNSPECIFIED") ||
      kinds.has("WATCH_KIND_INCLUDE_RELATIONSHIP_UPDATES"),
    schemas: kinds.has("WATCH_KIND_INCLUDE_SCHEMA_UPDATES"),
    checkpoints: kinds.has("WATCH_KIND_INCLUDE_CHECKPOINTS"),
  };
  if (wanted.relationships && types.length > 0 && filters.length > 0) {
    const reason = "cannot specify both object types and relationship filters";
    throw refuseValue("WatchRequest", reason);
  }
  if (filters.length > 0) checkFilters(filters, (await readCurrent(call)).schema);
  const events = tenant.watch({
    signal: ask.signal,
    ...(after === undefined ? {} : { after }),
    ...(types.length === 0 ? {} : { resourceTypes: types }),
  });
  for await (const event of events) {
    const response = printEvent(event, wanted);
    if (response !== undefined) yield response;
  }
}

/** What a filter names must be there: one with a name misspelt would wait for ever. */
function checkFilters(filters: readonly RelationshipFilter[], schema: Schema): void {
  for (const filter of filters) {
    checkFilter(filter);
    const { resourceType, relation, subjectType, subjectRelation } = filter;
    requireNamed(schema, resourceType, relation);
    requireNamed(schema, subjectType, subjectRelation ?? undefined);
  }
}

function requireNamed(schema: Schema, type: string | undefined, name: string | undefined): void {
  if (type === undefined) return;
  if (name !== undefined) requireRelation(schema, { type, name });
  else if (!schema.types.has(type)) throw fail("unknown-type", { type });
}

interface Wanted {
  readonly filters: readonly RelationshipFilter[];
  readonly relationships: boolean;
  readonly schemas: boolean;
  readonly checkpoints: boolean;
}

const kindNames = [
  "WATCH_KIND_UNSPECIFIED",
  "WATCH_KIND_INCLUDE_RELATIONSHIP_UPDATES",
  "WATCH_KIND_INCLUDE_SCHEMA_UPDATES",
  "WATCH_KIND_INCLUDE_CHECKPOINTS",
] as const;

const nothing = {
  updates: [],
  optionalTransactionMetadata: null,
  schemaUpdated: false,
  isCheckpoint: false,
  fullRevisionMetadata: [],
};

function printEvent(event: WatchEvent, wanted: Wanted): unknown {
  if (event.kind === "heartbeat") {
    if (!wanted.checkpoints) return undefined;
    return { ...nothing, changesThrough: printToken(event.zookie), isCheckpoint: true };
  }
  const { change } = event;
  const updates = wanted.relationships ? change.updates.filter(isWanted(wanted)) : [];
  const schemaUpdated = wanted.schemas && change.schema !== undefined;
  if (updates.length === 0 && !schemaUpdated) return undefined;
  return {
    ...nothing,
    updates: updates.map(printUpdate),
    changesThrough: printToken(change.zookie),
    optionalTransactionMetadata: change.metadata ?? null,
    schemaUpdated,
    fullRevisionMetadata: change.metadata === undefined ? [] : [change.metadata],
  };
}

type Update = Change["updates"][number];

function printUpdate({ operation, relationship }: Update): unknown {
  return {
    operation: `OPERATION_${operation.toUpperCase()}`,
    relationship: printRelationship(relationship),
  };
}

function isWanted({ filters }: Wanted): (update: Update) => boolean {
  return ({ relationship }) =>
    filters.length === 0 || filters.some((filter) => matches(filter, relationship));
}

function matches(
  filter: RelationshipFilter,
  { resource, relation, subject }: Relationship,
): boolean {
  const { resourceIdPrefix, subjectRelation } = filter;
  const agrees = (wanted: string | undefined, found: string): boolean =>
    wanted === undefined || wanted === found;
  return (
    agrees(filter.resourceType, resource.type) &&
    agrees(filter.resourceId, resource.id) &&
    (resourceIdPrefix === undefined || resource.id.startsWith(resourceIdPrefix)) &&
    agrees(filter.relation, relation) &&
    agrees(filter.subjectType, subject.type) &&
    agrees(filter.subjectId, subject.id) &&
    (subjectRelation === undefined || subjectRelation === (subject.relation ?? null))
  );
}
