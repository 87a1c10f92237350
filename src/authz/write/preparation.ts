import type { AuthzChange, WriteSchema } from "../../model/authz.ts";
import type { Relationship, RelationshipFilter } from "../../model/relationship.ts";
import type { RelationReads, TupleRow } from "../../store/relations.ts";
import { relationshipOfRow } from "../rows.ts";
import { parseSchema } from "../schema/dialect.ts";
import { placeFor } from "../schema/place.ts";
import type { Tenant } from "../tenant.ts";
import { type Ground, ReadGround } from "./ground.ts";

/** Rows per read. */
const pageRows = 1_000;

/** What is to be read. */
interface Wanted {
  readonly filter: RelationshipFilter;
  readonly most: number;
}

/** Reads what a change will look at from the store, where the graph is not in memory. */
export class Preparation {
  readonly #tenant: Tenant;
  readonly #store: RelationReads;
  readonly #revision: number;
  readonly #held: ReturnType<Tenant["hold"]>;
  readonly #rows: TupleRow[] = [];

  constructor(tenant: Tenant, store: RelationReads) {
    this.#tenant = tenant;
    this.#store = store;
    this.#revision = tenant.durable;
    this.#held = tenant.hold();
  }

  async load(change: AuthzChange): Promise<void> {
    try {
      if (change.kind === "schema") await this.#readOrphans(change.request);
      for (const { filter, most } of this.#filters(change)) {
        await this.#read(filter, { most, take: (rows) => void this.#rows.push(...rows) });
      }
    } catch (error) {
      this.#held.release();
      throw error;
    }
  }

  /** What the change stands on, with all that was applied meanwhile. Once. */
  ground(): Ground {
    const ground = new ReadGround(this.#rows, this.#held.commits());
    this.#held.release();
    return ground;
  }

  /** The change will not come. */
  release(): void {
    this.#held.release();
  }

  #filters(change: AuthzChange): Wanted[] {
    const { authzDelete } = this.#tenant.limits;
    const preconditions = (request: {
      preconditions?: readonly { filter: RelationshipFilter }[];
    }) => (request.preconditions ?? []).map(({ filter }) => ({ filter, most: pageRows }));
    switch (change.kind) {
      case "write":
        return [
          ...change.request.updates.map(({ relationship }) => justThis(relationship)),
          ...preconditions(change.request),
        ];
      case "delete":
        return [
          { filter: change.request.filter, most: authzDelete + 1 },
          ...preconditions(change.request),
        ];
      case "delete-object": {
        const { type, id } = change.object;
        const most = authzDelete + 1;
        return [
          { filter: { resourceType: type, resourceId: id }, most },
          { filter: { subjectType: type, subjectId: id }, most },
        ];
      }
      case "expire":
        return change.relationships.map(justThis);
      default:
        return [];
    }
  }

  /** Of all there is, only what the new schema has no place for is kept. */
  async #readOrphans({ dialect, text }: WriteSchema): Promise<void> {
    const { schema } = parseSchema(text, { dialect, limits: this.#tenant.limits });
    if (schema === null) return;
    await this.#read(
      {},
      {
        most: Number.POSITIVE_INFINITY,
        take: (rows) => {
          const hasNoPlace = (row: TupleRow): boolean =>
            placeFor(schema, relationshipOfRow(row)) !== null;
          this.#rows.push(...rows.filter(hasNoPlace));
        },
      },
    );
  }

  async #read(
    filter: RelationshipFilter,
    { most, take }: { readonly most: number; take(rows: readonly TupleRow[]): void },
  ): Promise<void> {
    let left = most;
    for (let after: string | null = null; left > 0; ) {
      const page = await this.#store.readTuples({
        tenant: this.#tenant.number,
        filter,
        revision: this.#revision,
        after,
        limit: Math.min(left, pageRows),
      });
      take(page.rows);
      left -= page.rows.length;
      after = page.next;
      if (after === null) return;
    }
  }
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
    most: 1,
  };
}
