import type { Consistency, SchemaDialect } from "../model/authz.ts";
import { fail } from "../model/errors.ts";
import type { Limits, TenantLimitName, TenantLimits } from "../model/limits.ts";
import type { RelationshipFilter } from "../model/relationship.ts";
import { assert } from "../std/assert.ts";
import { Heap } from "../std/heap.ts";
import type { RelationCommit, SchemaRow, TenantRow } from "../store/relations.ts";
import type { Budget } from "./budget.ts";
import { type Caveat, compileCaveat } from "./caveat/caveat.ts";
import type { CompiledSchema } from "./check/evaluation.ts";
import type { Evaluator } from "./check/evaluator.ts";
import type { Lineage } from "./lineage.ts";
import { acceptedSchema } from "./schema/dialect.ts";
import { requireRelation } from "./schema/place.ts";
import type { Schema } from "./schema/schema.ts";
import type { View } from "./view.ts";
import type { CursorPlace, Zookies } from "./zookie.ts";

/** A schema of a tenant; parsed when it is first needed. */
interface KnownSchema {
  readonly row: SchemaRow;
  parsed: Schema | null;
}

interface Waiting {
  readonly revision: number;
  resolve(): void;
}

/** Asks the store whether another node has taken the tenant over: `fenced-out`. */
export type Confirm = (tenant: Tenant) => Promise<void>;

/**
 * One tenant in memory. The writer runs ahead (`applied`); what others may see ends at `durable`.
 * Nothing here reads a store.
 */
export class Tenant {
  readonly number: number;
  readonly id: string;
  /** Those of the process, and its own where these are lower. */
  limits: Limits;
  /** Those that were set for it. */
  ownLimits: TenantLimits = {};
  readonly lineage: Lineage;
  readonly zookies: Zookies;
  /** For the questions that come from outside. */
  readonly budget: Budget;
  readonly createdAt: number;
  name: string;
  updatedAt: number;
  /** The revision of the latest transaction, durable or not. */
  applied: number;
  durable: number;
  /** The oldest revision that can still be asked about. */
  oldest: number;
  /** When the latest transaction was: time never goes back in the log. */
  latestAt = 0;
  currentSchema: string | null;
  /** Relationships that hold at the latest revision. */
  relationships = 0;
  view: View;
  /** Shared by all tenants, and used by one question after the other: none waits in the middle. */
  readonly evaluation: Evaluator;
  /** Its deletion is applied: what the store says of it counts no more. */
  leaving = false;
  /** How often transactions were lost that had been applied. */
  losses = 0;
  /** Transactions that are applied and not durable, and older ones while somebody holds them. */
  recent: RelationCommit[] = [];
  readonly #schemas = new Map<string, KnownSchema>();
  readonly #caveats = new WeakMap<Schema, Map<string, Caveat>>();
  readonly #holds = new Set<{ readonly since: number }>();
  readonly #processLimits: Limits;
  readonly #confirm: Confirm | undefined;
  readonly #waiting = new Heap<Waiting>((a, b) => a.revision < b.revision);

  constructor(row: TenantRow, parts: TenantParts) {
    this.number = row.number;
    this.id = row.id;
    this.name = row.name;
    this.createdAt = row.createdAt;
    this.updatedAt = row.updatedAt;
    this.applied = row.revision;
    this.durable = row.revision;
    this.oldest = row.trimmed;
    this.currentSchema = row.schema;
    this.limits = parts.limits;
    this.#processLimits = parts.limits;
    this.lineage = parts.lineage;
    this.zookies = parts.zookies;
    this.budget = parts.budget;
    this.view = parts.view;
    this.evaluation = parts.evaluation;
    this.#confirm = parts.confirm;
  }

  get row(): TenantRow {
    return {
      number: this.number,
      id: this.id,
      name: this.name,
      revision: this.applied,
      trimmed: this.oldest,
      schema: this.currentSchema,
      createdAt: this.createdAt,
      updatedAt: this.updatedAt,
    };
  }

  setLimits(own: TenantLimits): void {
    const limits = { ...this.#processLimits };
    // What is above the limit of the process was set when that was higher.
    for (const [name, value] of Object.entries(own) as [TenantLimitName, number][]) {
      limits[name] = Math.min(value, limits[name]);
    }
    this.ownLimits = own;
    this.limits = limits;
    this.budget.perSecond = limits.authzBudget;
  }

  // Schemas.

  addSchema(row: SchemaRow, parsed: Schema | null): void {
    this.#schemas.set(row.id, { row, parsed });
  }

  /** By revision, the latest last. */
  get schemaRows(): readonly SchemaRow[] {
    return [...this.#schemas.values()].map(({ row }) => row);
  }

  schemaRow(id: string): SchemaRow {
    const known = this.#schemas.get(id);
    if (known === undefined) throw fail("unknown-schema", { tenant: this.id, schema: id });
    return known.row;
  }

  /** By id, or the current one. `unknown-schema`, `schema-missing`. */
  schemaFor(id: string | undefined): Schema {
    return this.#parsed(this.#known(id ?? this.currentSchema));
  }

  /** The one that was current at a revision, or the one asked for. */
  schemaIdAt(revision: number, asked: string | undefined): string {
    if (asked !== undefined) return this.#known(asked).row.id;
    if (revision >= this.applied) return this.#known(this.currentSchema).row.id;
    let found: string | null = null;
    for (const { row } of this.#schemas.values()) if (row.revision <= revision) found = row.id;
    return this.#known(found).row.id;
  }

  #known(id: string | null): KnownSchema {
    if (id === null) throw fail("schema-missing", { tenant: this.id });
    const known = this.#schemas.get(id);
    if (known === undefined) throw fail("unknown-schema", { tenant: this.id, schema: id });
    return known;
  }

  #parsed(known: KnownSchema): Schema {
    if (known.parsed === null) {
      const { dialect, text } = known.row;
      const written = { dialect: dialect as SchemaDialect, text }; // the row was made of one
      known.parsed = acceptedSchema(written, this.limits);
    }
    return known.parsed;
  }

  /**
   * Refuses names in a filter that mean nothing: neither the schema knows them nor anything that was
   * stored under an earlier one. `unknown-type`, `unknown-relation`.
   */
  checkFilterNames({ resourceType, relation, subjectType }: RelationshipFilter): void {
    if (this.currentSchema === null) return;
    const schema = this.schemaFor(undefined);
    const isKnown = (name: string): boolean => this.view.graph.names.find(name) !== undefined;
    for (const type of [resourceType, subjectType]) {
      if (type === undefined || schema.types.has(type) || isKnown(type)) continue;
      requireRelation(schema, { type, name: "" });
    }
    if (relation === undefined || isKnown(relation)) return;
    const types = [...schema.types.values()];
    if (types.some(({ relations }) => relations.has(relation))) return;
    const type = resourceType ?? types[0]?.name ?? "";
    requireRelation(schema, { type, name: relation });
  }

  caveatOf(schema: Schema, name: string): Caveat | undefined {
    let caveats = this.#caveats.get(schema);
    if (caveats === undefined) {
      caveats = new Map();
      this.#caveats.set(schema, caveats);
    }
    const known = caveats.get(name);
    if (known !== undefined) return known;
    const definition = schema.caveats.get(name);
    if (definition === undefined) return undefined;
    const { caveat } = compileCaveat(definition, schema.dialect, this.limits);
    assert(caveat !== null, "a caveat of a valid schema compiles");
    caveats.set(name, caveat);
    return caveat;
  }

  /** A schema as functions over the graph that is asked. */
  compiled(
    id: string,
    { view, trace }: { readonly view: View; readonly trace: boolean },
  ): CompiledSchema {
    return view.compile(id, this.#parsed(this.#known(id)), { trace });
  }

  /** The compiled schema that is current at what is durable. */
  headSchema(): CompiledSchema {
    const { view, durable, applied, currentSchema } = this;
    const isCurrent = durable === applied;
    if (isCurrent && view.head?.id === currentSchema) return view.head.schema;
    const id = this.schemaIdAt(durable, undefined);
    const schema = this.compiled(id, { view, trace: false });
    if (isCurrent) view.head = { id, schema };
    return schema;
  }

  // Revisions.

  /**
   * The revision at which a question is answered; a promise where that has to become durable first.
   */
  revisionFor(consistency: Consistency | undefined): number | Promise<number> {
    switch (consistency?.kind) {
      case undefined:
      case "minimize-latency":
        return this.durable;
      case "at-least-as-fresh": {
        const revision = this.#readZookie(consistency.zookie);
        return revision <= this.durable ? this.durable : this.#whenFresh(revision);
      }
      case "exact-snapshot": {
        const revision = this.#readZookie(consistency.zookie);
        if (revision < this.oldest) throw fail("zookie-expired");
        return revision <= this.durable ? revision : this.#whenFresh(revision).then(() => revision);
      }
      case "fully-consistent":
        if (this.#confirm !== undefined) return this.#whenConfirmed(this.#confirm);
        return this.applied <= this.durable ? this.durable : this.#whenDurable(this.applied);
      default:
        throw fail("invalid-argument", {
          what: "consistency",
          reason: "there is no such kind",
        });
    }
  }

  #readZookie(zookie: string): number {
    const revision = this.zookies.read(zookie);
    if (revision > this.applied) throw fail("zookie-future");
    return revision;
  }

  /** The same for a place in the log: `zookie-expired` where that does not reach back so far. */
  readPlace(zookie: string): number {
    const revision = this.#readZookie(zookie);
    if (revision < this.oldest) throw fail("zookie-expired");
    return revision;
  }

  /** Where a page begins, and at which revision: that of the first page. */
  readCursor(question: string, cursor: string): CursorPlace {
    const place = this.zookies.readCursor(question, cursor);
    if (place.revision > this.durable) throw fail("zookie-future");
    if (place.revision < this.oldest) throw fail("zookie-expired");
    return place;
  }

  /**
   * After something was read from the store, which may have been changed by who has the tenant now:
   * `unknown-tenant`, `fenced-out`.
   */
  async requireOwn(): Promise<void> {
    this.requireThere();
    await this.#confirm?.(this);
  }

  /** `unknown-tenant` once it is deleted, as far as is known. */
  requireThere(): void {
    if (this.leaving) throw fail("unknown-tenant", { tenant: this.id });
  }

  /**
   * Whether a revision can be asked about: `zookie-expired` beyond the history, `zookie-future` where
   * it was never reached, or was lost.
   */
  requireKept(revision: number): void {
    if (revision < this.oldest) throw fail("zookie-expired");
    if (revision > this.applied) throw fail("zookie-future");
  }

  async #whenConfirmed(confirm: Confirm): Promise<number> {
    await confirm(this);
    return this.applied <= this.durable ? this.durable : this.#whenDurable(this.applied);
  }

  /** What was lost with a commit that failed is refused. */
  async #whenFresh(revision: number): Promise<number> {
    const durable = await this.#whenDurable(revision);
    if (durable < revision) throw fail("zookie-future");
    return durable;
  }

  /** Resolves when it is durable, or is known to be lost: then nobody was ever told of it. */
  async #whenDurable(revision: number): Promise<number> {
    await new Promise<void>((resolve) => this.#waiting.push({ revision, resolve }));
    this.requireThere();
    return this.durable;
  }

  becameDurable(revision: number): void {
    assert(revision <= this.applied, "only what was applied becomes durable");
    if (revision <= this.durable) return;
    this.durable = revision;
    this.view.durable(revision);
    this.#forgetCommits();
    this.wake();
  }

  /** Remembers all transactions after what is durable now, until they are released. */
  hold(): { commits(): readonly RelationCommit[]; release(): void } {
    const hold = { since: this.durable };
    this.#holds.add(hold);
    return {
      commits: () => this.recent.filter((commit) => commit.revision > hold.since),
      release: () => {
        this.#holds.delete(hold);
        this.#forgetCommits();
      },
    };
  }

  #forgetCommits(): void {
    let since = this.durable;
    for (const hold of this.#holds) since = Math.min(since, hold.since);
    if ((this.recent[0]?.revision ?? Number.POSITIVE_INFINITY) > since) return;
    this.recent = this.recent.filter((commit) => commit.revision > since);
  }

  /**
   * What is not durable was lost. What the store has is all there is, though it may be more than was
   * known to be durable. The view is not touched.
   */
  rollBack(row: TenantRow, schemas: readonly SchemaRow[]): void {
    this.losses++;
    this.recent = [];
    this.applied = row.revision;
    this.name = row.name;
    this.updatedAt = row.updatedAt;
    this.currentSchema = row.schema;
    const parsed = new Map([...this.#schemas].map(([id, known]) => [id, known.parsed]));
    this.#schemas.clear();
    for (const schema of schemas) this.addSchema(schema, parsed.get(schema.id) ?? null);
    this.becameDurable(row.revision);
    this.refuseWaiting();
  }

  /** What they wait for will not come. */
  refuseWaiting(): void {
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) {
      next.resolve();
    }
  }

  /** Lets go those who waited for what is durable now. */
  wake(): void {
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      if (next.revision > this.durable) return;
      this.#waiting.pop();
      next.resolve();
    }
  }
}

export interface TenantParts {
  readonly limits: Limits;
  readonly lineage: Lineage;
  readonly zookies: Zookies;
  readonly budget: Budget;
  readonly view: View;
  readonly evaluation: Evaluator;
  /** Only where there are other nodes. */
  readonly confirm?: Confirm;
}
