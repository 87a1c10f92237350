/*
 * The tables of authorization. Types, relations and caveats, of which there are few, are numbers
 * here (table `names`, in which each stays for good): measured, that takes a third of the bytes of a
 * tuple away. Versions are clustered by resource. The index by subject is a table of texts. What is
 * new waits for both, kept by `fresh-versions.ts`.
 */

/** The key of a version, in order. */
export const keyColumns = [
  "resource_type",
  "resource_id",
  "relation",
  "subject_type",
  "subject_id",
  "subject_relation",
  "created",
] as const;

/** What is new, by the transaction that made it. */
export const freshSchema: string = `
CREATE TABLE fresh_versions (
  tenant INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  versions TEXT NOT NULL,
  written_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, revision)
) STRICT, WITHOUT ROWID;
`;

/** What holds and will expire, by when. */
export const expirySchema: string = `
CREATE INDEX tuples_expiry ON tuples (tenant, expires_at)
  WHERE expires_at IS NOT NULL AND deleted IS NULL;
`;

export const relationSchema: string = `
CREATE TABLE tenants (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  revision INTEGER NOT NULL,
  trimmed INTEGER NOT NULL,
  schema TEXT,
  tuples INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX tenants_id ON tenants (id) WHERE deleted = 0;

CREATE TABLE schemas (
  tenant INTEGER NOT NULL,
  id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  dialect TEXT NOT NULL,
  text TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE documents (
  tenant INTEGER NOT NULL,
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE names (
  code INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO names VALUES (0, '');

CREATE TABLE tuples (
  tenant INTEGER NOT NULL,
  resource_type INTEGER NOT NULL,
  resource_id TEXT NOT NULL,
  relation INTEGER NOT NULL,
  subject_type INTEGER NOT NULL,
  subject_id TEXT NOT NULL,
  subject_relation INTEGER NOT NULL,
  created INTEGER NOT NULL,
  caveat INTEGER NOT NULL,
  context TEXT,
  expires_at INTEGER,
  deleted INTEGER,
  written_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, ${keyColumns.join(", ")})
) STRICT, WITHOUT ROWID;
CREATE INDEX tuples_deleted ON tuples (tenant, deleted) WHERE deleted IS NOT NULL;
${expirySchema}
CREATE TABLE by_subject (
  key TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

${freshSchema}
CREATE TABLE relation_log (
  tenant INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  at INTEGER NOT NULL,
  log TEXT NOT NULL,
  PRIMARY KEY (tenant, revision)
) STRICT, WITHOUT ROWID;
`;
