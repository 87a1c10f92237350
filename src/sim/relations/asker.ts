import type { Consistency } from "../../model/authz.ts";
import { HoldfastError } from "../../model/errors.ts";
import type { SimNode } from "../node.ts";
import type { Answer, World } from "../world.ts";
import { type LedgerTenant, type Place, snapshotAt } from "./ledger.ts";
import type { Snapshot } from "./naive.ts";
import { users } from "./universe.ts";

/** A question about one object, and how fresh its answer must be. */
export interface Ask {
  readonly tenant: string;
  readonly type: string;
  readonly id: string;
  readonly right: string;
  readonly user: string;
  readonly consistency?: Consistency;
}

/** What an answer says: of each user or object whether it has the right, as far as it tells. */
export interface Told {
  readonly zookie: string;
  /** When it was evaluated, by the clock of the node. */
  readonly now: number;
  readonly verdicts: readonly Verdict[];
}

interface Verdict {
  readonly type: string;
  readonly id: string;
  readonly right: string;
  readonly user: string;
  readonly yes: boolean;
}

/** The ways in which one thing can be asked. They must be of one opinion. */
export const ways = ["check", "checkMany", "resources", "subjects", "permissions", "now"] as const;
export type Way = (typeof ways)[number];

/** Why a question may be refused, in a world in which tenants come and go and history is trimmed. */
const refusals = new Set(["unknown-tenant", "zookie-expired", "zookie-foreign", "schema-missing"]);

/**
 * Asks through every API, and holds each answer against what was written: it must be what follows from
 * the relationships and the schema at its zookie, and its zookie must be as fresh as was asked.
 */
export class Asker {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  partition(tenant: string): number {
    return this.#world.partitionOf("authz", tenant);
  }

  /** A request about a tenant, to the node that is thought to have it. */
  request<T>(
    tenant: string,
    what: string,
    request: (node: SimNode) => Promise<T>,
  ): Promise<Answer<T>> {
    return this.#world.askNode(this.partition(tenant), `${what} (${tenant})`, request);
  }

  /** Again and again until there is an answer. */
  async insist<T>(
    tenant: string,
    what: string,
    request: (node: SimNode) => Promise<T>,
  ): Promise<Answer<T> & { kind: "ok" | "failed" }> {
    for (;;) {
      const answer = await this.request(tenant, what, request);
      if (answer.kind === "ok" || answer.kind === "failed") return answer;
      await this.#world.sleep(5 + this.#world.exponential(50));
    }
  }

  /** The latest revision of the latest life that anybody was told of. */
  watermark(tenant: string): Place | null {
    const life = this.#world.ledger.lives(tenant).at(-1);
    return life === undefined ? null : { tenant: life, revision: life.told };
  }

  /** @returns whether the user has the right; null where nobody can say. */
  async ask(way: Way, asked: Ask): Promise<boolean | null> {
    const { tenant, consistency } = asked;
    const floor = this.watermark(tenant);
    const what = `${way} ${asked.type}:${asked.id}#${asked.right}@${asked.user} ${consistency?.kind}`;
    let from: SimNode | undefined;
    const answer = await this.request(tenant, what, (node) => {
      from = node;
      return answerOf(this.#world, node, { way, asked });
    });
    if (answer.kind === "failed") this.refused(answer.error, what, from);
    if (answer.kind !== "ok") return null;
    const told = answer.value;
    const place = this.#world.ledger.place(tenant, told.zookie);
    if (place === null) return null;
    this.#requireFresh(place, { consistency, floor, what });
    this.explain(place, told, what);
    return told.verdicts[0]?.yes ?? null;
  }

  refused(error: Error, what: string, from: SimNode | undefined): void {
    const code = error instanceof HoldfastError ? error.code : error.message;
    if (refusals.has(code)) return;
    // One that does not know yet that it has lost the tenant may know less than others were told.
    if (code === "zookie-future" && from?.fenced === true) return;
    this.#world.violate(`${what} was refused: ${error.message}`);
  }

  #requireFresh(
    place: Place,
    {
      consistency,
      floor,
      what,
    }: { consistency: Consistency | undefined; floor: Place | null; what: string },
  ): void {
    const { kind } = consistency ?? { kind: "minimize-latency" };
    const asked =
      consistency !== undefined && "zookie" in consistency
        ? this.#world.ledger.find(place.tenant.id, consistency.zookie)
        : kind === "fully-consistent"
          ? floor
          : null;
    if (asked === null) return;
    const isOther = asked.tenant !== place.tenant;
    if (isOther && asked.tenant.number < place.tenant.number && kind === "fully-consistent") return;
    const isWrong = kind === "exact-snapshot" ? place.revision !== asked.revision : false;
    if (!isOther && place.revision >= asked.revision && !isWrong) return;
    this.#world.violate(
      `${what} was answered at ${describe(place)}, and ${describe(asked)} was asked for`,
    );
  }

  /** Every verdict must follow from what was written. */
  explain(place: Place, { now, verdicts }: Told, what: string): void {
    const snapshot = snapshotAt(place);
    for (const verdict of verdicts) {
      if (verdict.yes === snapshot.has({ ...verdict, now })) continue;
      const { type, id, right, user, yes } = verdict;
      const rows = snapshot.rows.map(
        (row) =>
          `${row.resourceType}:${row.resourceId}#${row.relation}@${row.subjectId}${row.subjectRelation}` +
          `${row.expiresAt === null ? "" : `<${row.expiresAt}`}`,
      );
      this.#world.violate(
        `${what}: ${type}:${id}#${right}@${user} is ${yes} at ${describe(place)}, ${now}, and should ` +
          `not be, with ${rows.join(" ")} and ${snapshot.schema?.slice(-200)}`,
      );
      return;
    }
  }
}

function describe({ tenant, revision }: Place): string {
  return `${tenant.id} (${tenant.number}) ${revision}`;
}

interface Question {
  readonly way: Way;
  readonly asked: Ask;
}

async function answerOf(world: World, node: SimNode, { way, asked }: Question): Promise<Told> {
  const { tenant: id, type, right, user, consistency } = asked;
  const now = node.host.now();
  const tenant = node.authz.tenant(id);
  const fresh = consistency === undefined ? {} : { consistency };
  const subject = { type: "user", id: user };
  const resource = { type, id: asked.id };
  const one = { type, id: asked.id, right, user };
  switch (way) {
    case "check": {
      const { verdict, zookie } = await tenant.check({
        resource,
        permission: right,
        subject,
        ...fresh,
      });
      return { now, zookie, verdicts: [{ ...one, yes: verdict === "yes" }] };
    }
    case "now": {
      if (consistency !== undefined) return answerOf(world, node, { way: "check", asked });
      const { durable, zookies } = node.relations.tenant(id);
      const verdict = await tenant.checkNow({ resource, permission: right, subject });
      return { now, zookie: zookies.make(durable), verdicts: [{ ...one, yes: verdict === "yes" }] };
    }
    case "checkMany": {
      const asking = users.map((name) => ({
        resource,
        permission: right,
        subject: { type: "user", id: name },
      }));
      const { items, zookie } = await tenant.checkMany({
        items: [{ resource, permission: right, subject }, ...asking],
        ...fresh,
      });
      const names = [user, ...users];
      const verdicts = items.map((item, at) => {
        if ("error" in item) throw item.error;
        return { ...one, user: names[at] ?? "", yes: item.verdict === "yes" };
      });
      return { now, zookie, verdicts };
    }
    case "permissions": {
      const answer = await tenant.permissions({ resource, subject, ...fresh });
      const verdicts = answer.permissions.map(({ name, verdict }) => ({
        ...one,
        right: name,
        yes: verdict === "yes",
      }));
      verdicts.sort((a, b) => Number(b.right === right) - Number(a.right === right));
      return { now, zookie: answer.zookie, verdicts };
    }
    case "resources":
      return lookUpResources(world, node, asked);
    case "subjects":
      return lookUpSubjects(node, asked);
    default:
      return way satisfies never;
  }
}

/** All pages, a few at a time: all of them must be of the revision of the first. */
async function lookUpResources(world: World, node: SimNode, asked: Ask): Promise<Told> {
  const { tenant: id, type, right, user, consistency } = asked;
  const found = new Set<string>();
  let zookie: string | undefined;
  const now = node.host.now();
  for (let after: string | undefined; ; ) {
    const at = node.host.now();
    const page = await node.authz.tenant(id).lookupResources({
      resourceType: type,
      permission: right,
      subject: { type: "user", id: user },
      limit: 1 + world.random.below(3),
      ...(after === undefined ? {} : { after }),
      ...(consistency === undefined ? {} : { consistency }),
    });
    if (zookie !== undefined && page.zookie !== zookie) {
      world.violate(`a page of ${id} is of another revision than the one before`);
    }
    zookie = page.zookie;
    for (const item of page.items) found.add(item.id);
    if (page.next === null) {
      // What expires between two pages may be on the first of them. Elsewhere nothing expires.
      const complete = at === now || !world.steady;
      return { now, zookie, verdicts: complete ? verdictsOf(asked, found) : [] };
    }
    after = page.next;
    if (world.random.below(4) === 0) await world.sleep(world.exponential(5));
  }
}

function verdictsOf(asked: Ask, found: ReadonlySet<string>): Verdict[] {
  const { type, right, user } = asked;
  const ids = [...new Set([asked.id, ...found, ...[0, 1, 2, 3].map((at) => `${type[0]}${at}`)])];
  return ids.map((id) => ({ type, id, right, user, yes: found.has(id) }));
}

async function lookUpSubjects(node: SimNode, asked: Ask): Promise<Told> {
  const { tenant: id, type, right, consistency } = asked;
  const now = node.host.now();
  const { items, zookie } = await node.authz.tenant(id).lookupSubjects({
    resource: { type, id: asked.id },
    permission: right,
    subjectType: "user",
    ...(consistency === undefined ? {} : { consistency }),
  });
  const everybody = items.find((item) => item.id === "*");
  const excluded = new Set(everybody?.excluded?.map((item) => item.id));
  const named = new Set(items.map((item) => item.id));
  const names = [...new Set([asked.user, ...users])];
  const verdicts = names.map((user) => {
    const yes = named.has(user) || (everybody !== undefined && !excluded.has(user));
    return { type, id: asked.id, right, user, yes };
  });
  return { now, zookie, verdicts };
}

/** What a tenant has, as the store says, against what the ledger says. */
export function sameRows(
  tenant: LedgerTenant,
  snapshot: Snapshot,
  names: readonly string[],
): string {
  const written = snapshot.rows
    .map(
      (row) =>
        `${row.resourceType}:${row.resourceId}#${row.relation}@${row.subjectType}:${row.subjectId}` +
        `${row.subjectRelation === "" ? "" : `#${row.subjectRelation}`}`,
    )
    .sort();
  const found = [...names].sort();
  if (written.join() === found.join()) return "";
  return `${tenant.id} has ${found.join()}, and ${written.join()} was written`;
}
