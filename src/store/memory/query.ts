import { DatabaseSync } from "node:sqlite";
import { makeTables } from "../sqlite/file.ts";
import { FreshVersions } from "../sqlite/fresh-versions.ts";
import { Names } from "../sqlite/names.ts";
import { QueryConnection } from "../sqlite/query-connection.ts";
import { RelationWriter } from "../sqlite/relation-writer.ts";
import { BatchWriter } from "../sqlite/writer.ts";
import type { QueryBounds, QueryResult, SqlValue, StoreInfo } from "../store.ts";
import type { Tables } from "./tables.ts";

export interface TableQuery {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  readonly bounds: QueryBounds;
}

/** No secret is kept from simulations, which must not draw random numbers here. */
const secret = "of the simulation";

/** Answers from a SQLite database in memory that is filled for this one query. */
export function queryTables(tables: Tables, info: StoreInfo, query: TableQuery): QueryResult {
  const db = new DatabaseSync(":memory:");
  try {
    makeTables(db, info);
    const names = new Names(db, "write");
    const fresh = new FreshVersions(db);
    new BatchWriter(db, names, fresh).write(tables.dump());
    const relations = new RelationWriter(db, names, fresh);
    for (const tenant of tables.relations.tenants.values()) {
      if (!tenant.deleted) relations.restore(tenant);
    }
    const connection = new QueryConnection(db, info.tag, secret);
    return connection.run(query.sql, query.parameters, query.bounds.rowsMax);
  } finally {
    db.close();
  }
}
