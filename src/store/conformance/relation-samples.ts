import { Prng } from "../../std/prng.ts";
import type { RelationCommit, TenantRow, TupleKey, TupleRow } from "../relations.ts";
import { type Batch, makeBatch, type Store } from "../store.ts";
import { chunkRows } from "../tuple-chunk.ts";
import { baseTime } from "./samples.ts";

/* Tenants, tuples and transactions for the tests of stores. */

export function sampleTenant(number: number, differing: Partial<TenantRow> = {}): TenantRow {
  return {
    number,
    id: `tenant-${number}`,
    name: `Tenant ${number}`,
    revision: 0,
    trimmed: 0,
    schema: null,
    createdAt: baseTime,
    updatedAt: baseTime,
    ...differing,
  };
}

/** `document:1#viewer@group:x#member`, in the version that its commit gives it. */
export function sampleTuple(text: string, differing: Partial<TupleRow> = {}): TupleRow {
  const [resource = "", subject = ""] = text.split("@");
  const [object = "", relation = ""] = resource.split("#");
  const [subjectObject = "", subjectRelation = ""] = subject.split("#");
  const [resourceType = "", resourceId = ""] = object.split(":");
  const [subjectType = "", subjectId = ""] = subjectObject.split(":");
  return {
    resourceType,
    resourceId,
    relation,
    subjectType,
    subjectId,
    subjectRelation,
    caveat: "",
    context: null,
    expiresAt: null,
    created: 0,
    deleted: null,
    ...differing,
  };
}

/** `document:1#viewer@user:a 3..5`: the versions as texts, sorted. */
export function describeTuples(rows: readonly TupleRow[]): string[] {
  return rows.map(describeTuple).sort();
}

export function describeTuple(row: TupleRow): string {
  const relation = row.subjectRelation === "" ? "" : `#${row.subjectRelation}`;
  const resource = `${row.resourceType}:${row.resourceId}#${row.relation}`;
  const held = `${row.created}..${row.deleted ?? ""}`;
  return `${resource}@${row.subjectType}:${row.subjectId}${relation} ${held}`;
}

/** A writer of one tenant, as the engine is: gives revisions, and knows which version holds. */
export class TenantWriter {
  readonly tenant: number;
  revision = 0;
  readonly #alive = new Map<string, TupleRow>();

  constructor(tenant: number) {
    this.tenant = tenant;
  }

  get alive(): readonly TupleRow[] {
    return [...this.#alive.values()];
  }

  /** The next transaction: puts what is given (touching what is there) and deletes. */
  commit(puts: readonly TupleRow[], deletes: readonly TupleRow[] = []): RelationCommit {
    const revision = ++this.revision;
    const ended: TupleKey[] = [];
    for (const row of [...deletes, ...puts]) {
      const id = tupleText(row);
      const alive = this.#alive.get(id);
      if (alive !== undefined) ended.push(alive);
      this.#alive.delete(id);
    }
    const inserts = puts.map((row) => ({ ...row, created: revision, deleted: null }));
    for (const row of inserts) this.#alive.set(tupleText(row), row);
    const log = JSON.stringify({ revision });
    const at = baseTime + revision * 10;
    return { tenant: this.tenant, revision, at, inserts, deletes: ended, log };
  }
}

function tupleText(row: TupleRow): string {
  return describeTuple({ ...row, created: 0, deleted: null });
}

export async function scanAll(store: Store, tenant: number, limit = 3): Promise<TupleRow[]> {
  const rows: TupleRow[] = [];
  for (let after: string | null = null; ; ) {
    const chunk = await store.relations.scanTuples({ tenant, after, limit });
    rows.push(...chunkRows(chunk));
    after = chunk.next;
    if (after === null) return rows;
  }
}

/** Random transactions of a few tenants over few words, so that all kinds of things meet. */
export class RelationMaker {
  readonly #random: Prng;
  readonly #writers: TenantWriter[] = [];
  readonly words: readonly string[] = ["a", "b", "B", "ä", "a\u0308", "\uff5e", "\u{1f600}", "'%"];

  constructor(seed: number) {
    this.#random = new Prng(seed);
  }

  get tenants(): number {
    return this.#writers.length;
  }

  next(epochs: ReadonlyMap<number, number>): Batch {
    const batch = makeBatch(epochs);
    if (this.#writers.length === 0 || this.#below(5) === 0) {
      const writer = new TenantWriter(this.#writers.length + 1);
      this.#writers.push(writer);
      batch.putTenants.push(sampleTenant(writer.tenant));
    }
    for (let i = this.#below(4); i > 0; i--) {
      const writer = this.#pick(this.#writers);
      const puts = new Map<string, TupleRow>();
      for (let n = this.#below(6); n > 0; n--) {
        const row = this.#tuple();
        puts.set(tupleText(row), row);
      }
      const deletes = writer.alive.filter(
        (row) => this.#below(5) === 0 && !puts.has(tupleText(row)),
      );
      batch.relations.push(writer.commit([...puts.values()], deletes));
    }
    const { tenant, revision } = this.#pick(this.#writers);
    if (this.#below(4) === 0) {
      const upTo = Math.max(0, revision - this.#below(5));
      batch.trimRelations.push({ tenant, upTo, limit: 1000 });
    }
    return batch;
  }

  #tuple(): TupleRow {
    const word = (): string => this.#pick(this.words);
    const [type, id, relation] = [this.#below(3), word(), this.#below(3)];
    const userset = this.#below(3) === 0 ? "#m" : "";
    const row = sampleTuple(`t${type}:${id}#r${relation}@t${this.#below(3)}:${word()}${userset}`);
    if (this.#below(4) > 0) return row;
    return { ...row, caveat: "c", context: '{"x":1}', expiresAt: baseTime + this.#below(100) };
  }

  #below(limit: number): number {
    return this.#random.below(limit);
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T; // below the length
  }
}
