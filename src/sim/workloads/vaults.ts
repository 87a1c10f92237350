import { actor, workflow } from "../../sdk/definition.ts";
import { Asker } from "../relations/asker.ts";
import { snapshotAt } from "../relations/ledger.ts";
import { schemaTexts } from "../relations/naive.ts";
import { users } from "../relations/universe.ts";
import { Env, type Workload } from "../workload.ts";
import type { World } from "../world.ts";
import { checkMemory, checkStore } from "./relationships.ts";
import { type Told, tellOnce } from "./waits.ts";

const tenant = "v";

interface Grant {
  readonly document: string;
  readonly user: string;
  /** Whether it grants, or bans. */
  readonly grants: boolean;
}

/** What a decider saw, in its own order. */
interface Seen {
  readonly zookie: string;
  readonly verdict: string;
}

/**
 * A vault counts in its state, and marks its document with the count in the same breath. A decider
 * changes relationships, and decides by them before and after a while.
 */
function define(env: Env, told: Told, judge: (grant: Grant, seen: Seen) => void) {
  const vault = actor("vault", {
    state: { count: 0 },
    retention: "1h",
    handlers: {
      async mark(ctx) {
        const count = ctx.get("count");
        const mark = (number: number) => ({
          resource: { type: "document", id: ctx.key },
          relation: "mark",
          subject: { type: "user", id: `m${number}` },
        });
        ctx.set("count", count + 1);
        const related = ctx.relate({
          tenant,
          create: [mark(count + 1)],
          ...(count === 0 ? {} : { delete: [mark(count)] }),
        });
        if (count % 3 === 0) await ctx.sleep(count % 7);
        await related;
        return count + 1;
      },
    },
  });
  const decider = workflow("decider", {
    retention: "1h",
    async run(ctx, grant: Grant) {
      const { document, user, grants } = grant;
      const resource = { type: "document", id: document };
      const subject = { type: "user", id: user };
      const { zookie } = await ctx.relate({
        tenant,
        touch: [{ resource, relation: grants ? "viewer" : "banned", subject }],
      });
      for (let at = 0; at < 3; at++) {
        const seen = await ctx.decide("view", resource, { tenant, subject });
        await ctx.run(`tell ${at}`, () => {
          tellOnce(env, told, `${ctx.id}/${at}`, `${seen.verdict} ${seen.zookie}`);
          if (env.alive && env.node?.fenced === false) judge(grant, seen);
        });
        if (at < 2) await ctx.sleep(Math.floor(ctx.random() * 60));
      }
      return zookie;
    },
  });
  return { vault, decider };
}

/** Handlers that relate and decide. */
export function makeVaults(world: World): Workload {
  return new Vaults(world);
}

class Vaults implements Workload {
  readonly name = "vaults";
  readonly #world: World;
  readonly #asker: Asker;
  readonly #told: Told = new Map();
  readonly #client: ReturnType<typeof define>;
  readonly #vaults: string[];
  /** Requests to mark of which nobody knows whether they were done. */
  readonly #unknown = new Map<string, number>();
  readonly #marked = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
    this.#asker = new Asker(world);
    this.#client = define(new Env(world, null), this.#told, () => undefined);
    this.#vaults = Array.from({ length: 3 }, (_, at) => `k${at}`);
    world.ledger.watchers.add(() => this.#together());
  }

  definitions(env: Env): ReturnType<typeof define>[keyof ReturnType<typeof define>][] {
    return Object.values(define(env, this.#told, (grant, seen) => this.#judge(grant, seen)));
  }

  async drive(): Promise<void> {
    const world = this.#world;
    await this.#asker.insist(tenant, "create", async (node) => {
      await node.authz.createTenant({ id: tenant });
    });
    const text = schemaTexts[0] ?? "";
    await this.#asker.insist(tenant, "schema", async (node) => {
      const { id } = await node.authz.tenant(tenant).writeSchema({ dialect: "native", text });
      return id;
    });
    const count = 3 + Math.floor(world.swarm.load * 5);
    await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        await world.sleep(world.random.float() * world.swarm.spreadMs);
        for (let turn = 0; turn < 3; turn++) await this.#mark(world.pick(this.#vaults));
        await this.#decide(at);
      }),
    );
  }

  async #mark(key: string): Promise<void> {
    const partition = this.#world.partitionOf("vault", key);
    const answer = await this.#world.ask(partition, `mark ${key}`, (client) =>
      client.call(this.#client.vault, key).mark(),
    );
    if (answer.kind === "unknown") this.#unknown.set(key, (this.#unknown.get(key) ?? 0) + 1);
    if (answer.kind === "failed") this.#world.violate(`mark ${key}: ${answer.error.message}`);
    if (answer.kind === "ok") this.#marked.set(key, (this.#marked.get(key) ?? 0) + 1);
  }

  /** On the node that has the tenant: others are refused its relationships. */
  async #decide(at: number): Promise<void> {
    const world = this.#world;
    const slots = world.slots.length;
    const own = this.#asker.partition(tenant) % slots;
    let key = `w${at}`;
    while (world.partitionOf("decider", key) % slots !== own) key += "+";
    const partition = world.partitionOf("decider", key);
    const grant = {
      document: `d${world.random.below(3)}`,
      user: world.pick(users),
      grants: world.random.below(3) > 0,
    };
    const { decider } = this.#client;
    await world.insist(partition, `start decider ${key}`, async (client) => {
      const { id } = await client.send(decider, key).run(grant);
      world.offers.push({ id, ways: ["pause", "resume"] });
      return id;
    });
    const ended = await world.insist(partition, `decider ${key}`, (client) =>
      client.get(decider, key).result(),
    );
    if (ended.kind === "failed") world.violate(`decider ${key}: ${ended.error.message}`);
    else world.ledger.place(tenant, String(ended.value));
  }

  /** A decision that is durable rests on what was written, and on what its own handler wrote. */
  #judge({ document, user, grants }: Grant, { zookie, verdict }: Seen): void {
    const world = this.#world;
    const place = world.ledger.place(tenant, zookie);
    if (place === null) return;
    const what = `a decision about document:${document} for ${user}`;
    const snapshot = snapshotAt(place);
    const relation = grants ? "viewer" : "banned";
    const isRelated = snapshot.rows.some(
      (row) => row.resourceId === document && row.relation === relation && row.subjectId === user,
    );
    if (!isRelated) world.violate(`${what} at ${place.revision} is older than its own write`);
    const asked = { type: "document", id: document, right: "view", user };
    const verdicts = [{ ...asked, yes: verdict === "yes" }];
    this.#asker.explain(place, { zookie, now: 0, verdicts }, what);
  }

  /**
   * With every batch that is written: what a vault has counted is what it has marked. Where messages
   * go through an outbox, the mark comes later.
   */
  #together(): void {
    for (const key of this.#vaults) {
      if (!this.#isLocal(key)) continue;
      const { count, marks } = this.#counted(key);
      if (marks === (count === 0 ? "" : `m${count}`)) continue;
      this.#world.violate(`vault ${key} has counted ${count}, and is marked ${marks || "nothing"}`);
    }
  }

  #isLocal(key: string): boolean {
    const { swarm, slots } = this.#world;
    const [own, of] = [this.#world.partitionOf("vault", key), this.#asker.partition(tenant)];
    return own === of || (!swarm.outboxAlways && own % slots.length === of % slots.length);
  }

  #counted(key: string): { count: number; marks: string } {
    const { ledger, disk } = this.#world;
    const state = disk.visible.state.get(JSON.stringify(["vault", key]));
    const life = ledger.lives(tenant).at(-1);
    const rows =
      life === undefined
        ? []
        : snapshotAt({ tenant: life, revision: life.commits.length }).rows.filter(
            (row) => row.resourceId === key && row.relation === "mark",
          );
    const marks = rows.map(({ subjectId }) => subjectId).join();
    return { count: Number(state?.get("count") ?? 0), marks };
  }

  check(): void {
    const world = this.#world;
    for (const key of this.#vaults) {
      const { count, marks } = this.#counted(key);
      if (marks !== (count === 0 ? "" : `m${count}`)) {
        world.violate(`at rest vault ${key} has counted ${count}, and is marked ${marks}`);
      }
      const least = this.#marked.get(key) ?? 0;
      const most = least + (this.#unknown.get(key) ?? 0);
      if (count < least || count > most) {
        world.violate(`vault ${key} counted ${count}, and was asked to ${least} to ${most} times`);
      }
    }
    const life = world.ledger.lives(tenant).at(-1);
    if (life === undefined) return;
    checkStore(world, life);
    checkMemory(world, life);
  }
}
