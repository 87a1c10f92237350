import type { Change, WatchEvent } from "../../../model/authz.ts";
import type { Relationship, RelationshipFilter } from "../../../model/relationship.ts";
import type { Route } from "../../route.ts";
import type { AuthzSources } from "../sources.ts";
import { type SpiceCall, spiceRoute } from "./call.ts";
import { printRelationship, printToken, refuseValue, requireFilter } from "./nouns.ts";

/** `/v1/watch`. */
export function spiceWatchRoute(sources: AuthzSources): Route {
  return spiceRoute(
    {
      path: "/watch",
      name: "Watch",
      summary: "Changes as they become durable, one transaction a line.",
      right: "read",
      run: watch,
    },
    sources,
  );
}

async function* watch({ ask, tenant, body }: SpiceCall): AsyncGenerator<unknown> {
  const types = body.texts("optionalObjectTypes");
  const after = body.message("optionalStartCursor", "ZedToken")?.text("token") ?? "";
  const filters = body
    .messages("optionalRelationshipFilters", "RelationshipFilter")
    .map(requireFilter);
  const kinds = new Set(body.list("optionalUpdateKinds").map(readKind));
  const wanted: Wanted = {
    filters,
    relationships: kinds.size === 0 || kinds.has("RELATIONSHIP_UPDATES"),
    schemas: kinds.has("SCHEMA_UPDATES"),
    checkpoints: kinds.has("CHECKPOINTS"),
  };
  if (wanted.relationships && types.length > 0 && filters.length > 0) {
    const reason = "cannot specify both object types and relationship filters";
    throw refuseValue("WatchRequest", reason);
  }
  const events = tenant.watch({
    signal: ask.signal,
    ...(after === "" ? {} : { after }),
    ...(types.length === 0 ? {} : { resourceTypes: types }),
  });
  for await (const event of events) {
    const response = printEvent(event, wanted);
    if (response !== undefined) yield response;
  }
}

interface Wanted {
  readonly filters: readonly RelationshipFilter[];
  readonly relationships: boolean;
  readonly schemas: boolean;
  readonly checkpoints: boolean;
}

const kindNames = ["RELATIONSHIP_UPDATES", "RELATIONSHIP_UPDATES", "SCHEMA_UPDATES", "CHECKPOINTS"];

function readKind(value: unknown): string {
  if (typeof value === "number") return kindNames[value] ?? "";
  return String(value)
    .replace("WATCH_KIND_INCLUDE_", "")
    .replace("WATCH_KIND_UNSPECIFIED", "RELATIONSHIP_UPDATES");
}

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
