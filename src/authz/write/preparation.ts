import type { AuthzChange, Precondition, WriteSchema } from "../../model/authz.ts";
import type { Relationship, RelationshipFilter } from "../../model/relationship.ts";
import type { RelationReads, TuplePage, TupleRead, TupleRow } from "../../store/relations.ts";
import { relationshipOfRow } from "../rows.ts";
import { parseSchema } from "../schema/dialect.ts";
import { placeFor } from "../schema/place.ts";
import type { Tenant } from "../tenant.ts";
import { filtersOf } from "./filter.ts";
import { type FilterRead, type Ground, nameOf, ReadGround } from "./ground.ts";
import { type Walk, Work } from "./work.ts";

/** Rows per read. */
const pageRows = 1_000;

/** What is to be read. */
interface Wanted {
  readonly filter: RelationshipFilter;
  /** How much of what holds is enough. */
  readonly enough: number;
  /** Whether what has expired does not count. */
  readonly unexpired: boolean;
  /** What reading it is counted as. Default: it is one relationship. */
  readonly walk?: Walk;
}

export interface PreparationOptions {
  readonly store: RelationReads;
  /** When the change is applied. */
  readonly now: number;
  /** How often it was prepared before: what was read did not tell. */
  readonly round: number;
}

/** Reads what a change will look at from the store, where the graph is not in memory. */
export class Preparation {
  readonly #tenant: Tenant;
  readonly #store: RelationReads;
  readonly #now: number;
  readonly #round: number;
  readonly #revision: number;
  readonly #held: ReturnType<Tenant["hold"]>;
  /** What is applied and not in what is read does not hold any more. */
  readonly #gone: ReadonlySet<string>;
  readonly #reads: FilterRead[] = [];

  constructor(tenant: Tenant, { store, now, round }: PreparationOptions) {
    this.#tenant = tenant;
    this.#store = store;
    this.#now = now;
    this.#round = round;
    this.#revision = tenant.durable;
    this.#held = tenant.hold();
    this.#gone = new Set(this.#held.commits().flatMap(({ deletes }) => deletes.map(nameOf)));
  }

  async load(change: AuthzChange): Promise<void> {
    try {
      if (change.kind === "schema") await this.#readOrphans(change.request);
      for (const wanted of this.#wanted(change)) this.#reads.push(await this.#readFor(wanted));
    } catch (error) {
      this.#held.release();
      throw error;
    }
  }

  /** What the change stands on, with all that was applied meanwhile. Once. */
  ground(): Ground {
    const ground = new ReadGround(this.#reads, this.#held.commits());
    this.#held.release();
    return ground;
  }

  /** The change will not come. */
  release(): void {
    this.#held.release();
  }

  #wanted(change: AuthzChange): Wanted[] {
    const work = new Work(this.#tenant.limits.authzWork);
    switch (change.kind) {
      case "write":
        return [
          ...change.request.updates.map(({ relationship }) => justThis(relationship)),
          ...this.#wantedFirst(change.request.preconditions, work),
        ];
      case "delete":
        return [
          ...this.#wantedFirst(change.request.preconditions, work),
          this.#wantedToDelete(change.request.filter, work),
        ];
      case "delete-object":
        return filtersOf(change.object).map((filter) => this.#wantedToDelete(filter, work));
      case "expire":
        return change.relationships.map(justThis);
      default:
        return [];
    }
  }

  /** One that holds is enough, unless what comes before in the batch takes it: then more are. */
  #wantedFirst(preconditions: readonly Precondition[] | undefined, work: Work): Wanted[] {
    const enough = Math.min(4 ** this.#round, pageRows);
    const walk = { work, countsEnded: true };
    return (preconditions ?? []).map(({ filter }) => ({ filter, enough, unexpired: true, walk }));
  }

  #wantedToDelete(filter: RelationshipFilter, work: Work): Wanted {
    const enough = this.#tenant.limits.authzDelete + 1;
    return { filter, enough, unexpired: false, walk: { work, countsEnded: false } };
  }

  /** Of all there is, only what the new schema has no place for is kept. */
  async #readOrphans({ dialect, text }: WriteSchema): Promise<void> {
    const { schema } = parseSchema(text, { dialect, limits: this.#tenant.limits });
    if (schema === null) return;
    const hasNoPlace = (row: TupleRow): boolean =>
      placeFor(schema, relationshipOfRow(row)) !== null;
    const rows: TupleRow[] = [];
    for (let after: string | null = null; ; ) {
      const page = await this.#page({ filter: {}, after, limit: pageRows });
      rows.push(...page.rows.filter(hasNoPlace));
      after = page.next;
      if (after === null) break;
    }
    this.#reads.push({ filter: {}, rows, rest: "none" });
  }

  /** Page by page, until there is enough of what counts. */
  async #readFor({ filter, enough, unexpired, walk }: Wanted): Promise<FilterRead> {
    const rows: TupleRow[] = [];
    const counts = (row: TupleRow): boolean =>
      !(unexpired && row.expiresAt !== null && row.expiresAt <= this.#now) &&
      !(this.#gone.size > 0 && this.#gone.has(nameOf(row)));
    const left = (): number => walk?.work.left ?? pageRows;
    for (let after: string | null = null; ; ) {
      const limit = Math.min(after === null ? enough : pageRows, pageRows, left());
      if (limit === 0) return { filter, rows, rest: "exceeded" };
      const page = await this.#page({ filter, after, limit, ...lookFor(walk) });
      const { looked, ended } = page.tally ?? { looked: 0, ended: 0 };
      const within = walk?.work.look(walk.countsEnded ? looked : looked - ended) ?? true;
      for (const row of page.rows) if (rows.length < enough && counts(row)) rows.push(row);
      after = page.next;
      if (rows.length === enough) return { filter, rows, rest: "unread" };
      if (!within) return { filter, rows, rest: "exceeded" };
      if (after === null) return { filter, rows, rest: "none" };
    }
  }

  async #page(read: Omit<TupleRead, "tenant" | "revision">): Promise<TuplePage> {
    const { number: tenant } = this.#tenant;
    return await this.#store.readTuples({ tenant, revision: this.#revision, ...read });
  }
}

/** What does not count may be in the way of a little that is left to look at. */
function lookFor(walk: Walk | undefined): Pick<TupleRead, "look"> {
  if (walk === undefined) return {};
  const { work, countsEnded } = walk;
  return { look: countsEnded ? work.left : Math.max(work.left, pageRows) };
}

function justThis({ resource, relation, subject }: Relationship): Wanted {
  return {
    filter: {
      resourceType: resource.type,
      resourceId: resource.id,
      relation,
      subjectType: subject.type,
      subjectId: subject.id,
      subjectRelation: subject.relation ?? null,
    },
    enough: 1,
    unexpired: false,
  };
}
