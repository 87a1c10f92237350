import type { DatabaseSync } from "node:sqlite";
import { expirySchema, freshSchema, relationSchema } from "./relation-format.ts";

/*
 * The tables of a store file. Journals are clustered by invocation number, and numbers grow with
 * time, so what is written together lies together. The indexes are partial, so that a call which is
 * inserted already ended touches none but the one on `expires_at`.
 */

/** "Hold" in ASCII: marks the file as ours in the SQLite header. */
export const applicationId = 0x486f6c64;

/** The format this code writes, as `user_version` in the SQLite header. */
export const formatVersion = 4;

/** `migrations[n]` turns format n + 1 into n + 2, inside a transaction of the caller. */
export const migrations: readonly ((db: DatabaseSync) => void)[] = [
  // Format 1 had no relations at all; they are made as they are now, and nothing is left to do.
  (db) => db.exec(relationSchema),
  (db) => {
    const old = "SELECT 1 FROM sqlite_schema WHERE name = 'fresh_subjects'";
    if (db.prepare(old).get() === undefined) return;
    db.exec(`INSERT OR IGNORE INTO by_subject SELECT value FROM fresh_subjects, json_each(keys);
      DROP TABLE fresh_subjects; ${freshSchema}`);
  },
  (db) => {
    const index = "SELECT 1 FROM sqlite_schema WHERE name = 'tuples_expiry'";
    if (db.prepare(index).get() !== undefined) return;
    // When they were written was not kept: as early as their tenant, they may have been.
    db.exec(`ALTER TABLE tuples ADD COLUMN written_at INTEGER NOT NULL DEFAULT 0; ${expirySchema}`);
    const column = "SELECT 1 FROM pragma_table_info('fresh_versions') WHERE name = 'written_at'";
    if (db.prepare(column).get() !== undefined) return;
    db.exec("ALTER TABLE fresh_versions ADD COLUMN written_at INTEGER NOT NULL DEFAULT 0");
  },
];

/** Conditions of the partial indexes; a query must repeat them word for word to use the index. */
export const holdsKey = "mode = 1 AND status BETWEEN 1 AND 5";
export const isLive = "status < 6";
export const isWorkflow = "mode = 3";

export const schema: string = `
CREATE TABLE meta (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE partitions (
  partition INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  counter INTEGER NOT NULL,
  owner TEXT NOT NULL
) STRICT;

CREATE TABLE invocations (
  number INTEGER PRIMARY KEY,
  service TEXT NOT NULL,
  handler TEXT NOT NULL,
  mode INTEGER NOT NULL,
  key TEXT,
  status INTEGER NOT NULL,
  position INTEGER NOT NULL,
  entries INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  expires_at INTEGER,
  deployment TEXT NOT NULL,
  seed INTEGER NOT NULL,
  input TEXT,
  output TEXT,
  extra TEXT
) STRICT;
CREATE INDEX invocations_open ON invocations (service, key, position)
  WHERE key IS NOT NULL AND ${holdsKey};
CREATE INDEX invocations_workflow ON invocations (service, key, number) WHERE ${isWorkflow};
CREATE INDEX invocations_live ON invocations (status) WHERE ${isLive};
CREATE INDEX invocations_expiry ON invocations (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE journal (
  number INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  command INTEGER NOT NULL,
  name TEXT NOT NULL,
  payload TEXT,
  failed INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (number, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE state (
  service TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (service, key, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE timers (
  due INTEGER NOT NULL,
  number INTEGER NOT NULL,
  command INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  PRIMARY KEY (due, number, command, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE promises (
  number INTEGER NOT NULL,
  name TEXT NOT NULL,
  status INTEGER NOT NULL,
  value TEXT,
  waiters TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  settled_at INTEGER,
  PRIMARY KEY (number, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
  scope TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  partition INTEGER NOT NULL,
  number INTEGER NOT NULL,
  input_hash INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (scope, idempotency_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

CREATE TABLE outbox (
  partition INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  destination INTEGER NOT NULL,
  payload TEXT NOT NULL,
  PRIMARY KEY (partition, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE received (
  partition INTEGER NOT NULL,
  source INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (partition, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE schedules (
  name TEXT NOT NULL PRIMARY KEY,
  cron TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  service TEXT NOT NULL,
  handler TEXT NOT NULL,
  key TEXT,
  input TEXT,
  overlap INTEGER NOT NULL,
  backfill INTEGER NOT NULL,
  paused INTEGER NOT NULL,
  declared INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  last_at INTEGER,
  last_number INTEGER,
  next_at INTEGER,
  pending INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
${relationSchema}`;
