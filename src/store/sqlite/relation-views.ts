import { integer, json, text, time, type View } from "./view-columns.ts";

/*
 * The documented views of authorization. The names behind numbers are joined, and not looked up row
 * by row, so that a question about a tenant and a type is one search of an index.
 */

const tenants: View = {
  name: "tenants",
  meaning: "Tenants of authorization: each has relationships and schemas of its own",
  from: "main.tenants t WHERE t.deleted = 0",
  columns: [
    text("id", "its id", "t.id"),
    text("name", "its name, for people", "t.name"),
    integer("revision", "of its latest transaction", "t.revision"),
    integer("relationships", "how many it has", "t.tuples"),
    text("schema_id", "its current schema; null before the first", "t.schema"),
    integer("trimmed_revision", "the oldest revision that can be asked about", "t.trimmed"),
    ...time("created", "when it was made", "t.created_at"),
    ...time("updated", "when it was last changed", "t.updated_at"),
  ],
};

const schemas: View = {
  name: "schemas",
  meaning: "Every schema that was written, of every tenant",
  from: "main.schemas s JOIN main.tenants t ON t.number = s.tenant WHERE t.deleted = 0",
  columns: [
    text("tenant", "id of the tenant", "t.id"),
    text("id", "its id", "s.id"),
    integer("current", "1 if it is the current one", "coalesce(s.id = t.schema, 0)"),
    integer("revision", "the revision at which it was written", "s.revision"),
    text("dialect", "native or openfga", "s.dialect"),
    text("text", "as it was written", "s.text"),
    ...time("created", "when it was written", "s.created_at"),
  ],
};

const relationships: View = {
  name: "relationships",
  meaning: "Relationships that hold now. Those that have expired are there until they are deleted",
  from: `main.tuples t
    JOIN main.tenants n ON n.number = t.tenant
    JOIN main.names rt ON rt.code = t.resource_type
    JOIN main.names rl ON rl.code = t.relation
    JOIN main.names st ON st.code = t.subject_type
    JOIN main.names sr ON sr.code = t.subject_relation
    JOIN main.names c ON c.code = t.caveat
    WHERE t.deleted IS NULL AND n.deleted = 0`,
  columns: [
    text("tenant", "id of the tenant", "n.id"),
    text("resource_type", "type of the resource", "rt.name"),
    text("resource_id", "id of the resource", "t.resource_id"),
    text("relation", "relation of the resource", "rl.name"),
    text("subject_type", "type of the subject", "st.name"),
    text("subject_id", "id of the subject; * is everybody of the type", "t.subject_id"),
    text(
      "subject_relation",
      "for a set of subjects, the relation that they have; else null",
      "nullif(sr.name, '')",
    ),
    text("caveat", "name of the caveat; null without", "nullif(c.name, '')"),
    json("context", "values for the parameters of the caveat", "t.context"),
    ...time("expires", "from when on it does not hold; null: never", "t.expires_at"),
    integer("revision", "the revision that made it", "t.created"),
    ...time(
      "written",
      "when it was written; null where it was not kept",
      "nullif(t.written_at, 0)",
    ),
  ],
};

const changes: View = {
  name: "relationship_changes",
  meaning: "Transactions of relationships and schemas, as far back as history is kept",
  from: "main.relation_log l JOIN main.tenants t ON t.number = l.tenant WHERE t.deleted = 0",
  columns: [
    text("tenant", "id of the tenant", "t.id"),
    integer("revision", "its revision: 1, 2, 3 … within a tenant", "l.revision"),
    ...time("at", "when it was written", "l.at", ""),
    json("change", "what was changed", "l.log"),
  ],
};

export const relationViews: readonly View[] = [tenants, schemas, relationships, changes];
