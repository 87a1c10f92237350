import type { Consistency } from "../../model/authz.ts";
import type { Relationship, RelationshipOperation } from "../../model/relationship.ts";
import { type Ask, Asker, ways } from "../relations/asker.ts";
import { schemaTexts } from "../relations/naive.ts";
import type { Workload } from "../workload.ts";
import type { World } from "../world.ts";
import { checkMemory, checkStore } from "./relationships.ts";

const tenant = "e";
/** Its zookies are of another tenant. */
const stranger = "s";

/**
 * The new enemy (Zanzibar, §2.2): who was shut out must not get in by an answer that rests on what was
 * before. A: the order of two changes is lost. B: old rights are applied to new content.
 */
export function makeNewEnemy(world: World): Workload {
  return new NewEnemy(world);
}

class NewEnemy implements Workload {
  readonly name = "new-enemy";
  readonly #world: World;
  readonly #asker: Asker;
  #strange = "";

  constructor(world: World) {
    this.#world = world;
    this.#asker = new Asker(world);
  }

  definitions(): readonly never[] {
    return [];
  }

  async drive(): Promise<void> {
    const world = this.#world;
    for (const id of [tenant, stranger]) {
      await this.#asker.insist(id, "create", async (node) => {
        await node.authz.createTenant({ id });
      });
    }
    this.#strange = await this.#schema(0, stranger);
    await this.#schema(0);
    const scenarios = [
      () => this.#ordersLost(),
      () => this.#ordersLostInFolder(),
      () => this.#ordersLostInGroup(),
      () => this.#oldRightsOnNewContent(),
      () => this.#listedThenFetched(),
      () => this.#schemaChanges(),
      () => this.#expires(),
      () => this.#foreignZookie(),
      () => this.#ownerIsDeposed(),
    ];
    const clients = 2 + world.random.below(2);
    const rounds = 2 + Math.floor(world.swarm.load * 3);
    await Promise.all(
      Array.from({ length: clients }, async () => {
        for (let round = 0; round < rounds; round++) {
          await world.pick(scenarios)();
          await world.sleep(world.exponential(world.swarm.spreadMs / rounds / 8));
        }
      }),
    );
  }

  // What clients do.

  async #schema(at: number, id = tenant): Promise<string> {
    const text = schemaTexts[at] ?? "";
    const answer = await this.#asker.insist(id, "schema", async (node) => {
      const { zookie } = await node.authz.tenant(id).writeSchema({ dialect: "native", text });
      return zookie;
    });
    return this.#acknowledged(answer, id);
  }

  /** Until it is acknowledged. */
  async #write(operation: RelationshipOperation, text: string, more = {}): Promise<string> {
    const relationship = { ...parse(text), ...more };
    const answer = await this.#asker.insist(tenant, `${operation} ${text}`, async (node) => {
      const updates = [{ operation, relationship }];
      const { zookie } = await node.authz.tenant(tenant).write({ updates });
      return zookie;
    });
    return this.#acknowledged(answer, tenant);
  }

  #acknowledged(
    answer: { kind: "ok"; value: string } | { kind: "failed"; error: Error },
    id: string,
  ): string {
    if (answer.kind === "failed") {
      this.#world.violate(`a write of ${id} was refused: ${answer.error.message}`);
      return "";
    }
    this.#world.ledger.place(id, answer.value);
    return answer.value;
  }

  /** So that caches know the answer as it was before. */
  async #prime(asked: Omit<Ask, "tenant">): Promise<void> {
    for (let count = this.#world.random.below(3); count > 0; count--) {
      await this.#asker.ask(this.#world.pick(ways), { ...asked, tenant });
    }
  }

  /** Asks through every API, as fresh as the zookie; the enemy must not get in. */
  async #shutOut(asked: Omit<Ask, "tenant">, zookie: string, exact = true): Promise<void> {
    const world = this.#world;
    const kinds: Consistency[] = [
      { kind: "at-least-as-fresh", zookie },
      { kind: "fully-consistent" },
      ...(exact ? [{ kind: "exact-snapshot", zookie } as const] : []),
    ];
    for (let count = 2 + world.random.below(3); count > 0; count--) {
      const consistency = world.pick(kinds);
      const yes = await this.#asker.ask(world.pick(ways), { ...asked, tenant, consistency });
      if (yes === true) {
        world.violate(`the new enemy: ${JSON.stringify({ ...asked, consistency })} is yes`);
      }
      await world.sleep(world.exponential(3));
    }
  }

  /** At the zookie of before, when it was still so. */
  async #asItWas(asked: Omit<Ask, "tenant">, zookie: string): Promise<void> {
    const consistency = { kind: "exact-snapshot", zookie } as const;
    await this.#asker.ask(this.#world.pick(ways), { ...asked, tenant, consistency });
  }

  #names(): { document: string; folder: string; group: string; inner: string; user: string } {
    const { random } = this.#world;
    const at = random.below(1_000_000);
    return {
      document: `d${at}`,
      folder: `f${at}`,
      group: `g${at}`,
      inner: `h${at}`,
      user: `u${random.below(3)}`,
    };
  }

  // Scenario A.

  /** Shut out, then let in by a wider right: nobody may see the second without the first. */
  async #ordersLost(): Promise<void> {
    const { document, user } = this.#names();
    const asked = { type: "document", id: document, right: "view", user };
    await this.#write("touch", `document:${document}#viewer@user:owner`);
    await this.#prime(asked);
    await this.#write("touch", `document:${document}#banned@user:${user}`);
    await this.#world.sleep(this.#world.exponential(20));
    const second = await this.#write("touch", `document:${document}#viewer@user:${user}`);
    await this.#shutOut(asked, second);
  }

  async #ordersLostInFolder(): Promise<void> {
    const { document, folder, user } = this.#names();
    const asked = { type: "document", id: document, right: "view", user };
    const viewer = `folder:${folder}#viewer@user:${user}`;
    await this.#write("touch", viewer);
    await this.#prime({ type: "folder", id: folder, right: "view", user });
    await this.#prime(asked);
    await this.#write("delete", viewer);
    await this.#world.sleep(this.#world.exponential(20));
    const second = await this.#write("touch", `document:${document}#folder@folder:${folder}`);
    await this.#shutOut(asked, second);
  }

  /** The same where groups are flattened. */
  async #ordersLostInGroup(): Promise<void> {
    const { document, group, inner, user } = this.#names();
    const asked = { type: "document", id: document, right: "view", user };
    const nested = `group:${group}#member@group:${inner}#member`;
    await this.#write("touch", `group:${inner}#member@user:${user}`);
    await this.#write("touch", nested);
    await this.#write("touch", `document:${document}#viewer@group:${group}#member`);
    const before = await this.#write("touch", `document:${document}#viewer@user:nobody`);
    await this.#prime(asked);
    await this.#asItWas(asked, before);
    const after = await this.#write("delete", nested);
    await this.#shutOut(asked, after);
    await this.#world.sleep(this.#world.exponential(100));
    await this.#asItWas(asked, before);
  }

  // Scenario B.

  /** Rights go, then new content comes with a token of the check that let its writer write. */
  async #oldRightsOnNewContent(): Promise<void> {
    const { document, user } = this.#names();
    const asked = { type: "document", id: document, right: "view", user };
    const viewer = `document:${document}#viewer@user:${user}`;
    await this.#write("touch", viewer);
    await this.#prime(asked);
    await this.#write("delete", viewer);
    const token = await this.#contentChange(document);
    await this.#world.sleep(this.#world.exponential(20));
    if (token !== null) await this.#shutOut(asked, token);
  }

  /** The writer is checked as of now; the zookie of that check is stored with the content. */
  async #contentChange(document: string): Promise<string | null> {
    const answer = await this.#asker.request(tenant, "content change", async (node) => {
      const { zookie } = await node.authz.tenant(tenant).check({
        resource: { type: "document", id: document },
        permission: "view",
        subject: { type: "user", id: "writer" },
        consistency: { kind: "fully-consistent" },
      });
      return zookie;
    });
    if (answer.kind !== "ok") return null;
    this.#world.ledger.place(tenant, answer.value);
    return answer.value;
  }

  // The other cases.

  /** A list gives a token; what it listed is fetched with it after rights have changed. */
  async #listedThenFetched(): Promise<void> {
    const { document, user } = this.#names();
    const asked = { type: "document", id: document, right: "viewer", user };
    const viewer = `document:${document}#viewer@user:${user}`;
    const before = await this.#write("touch", viewer);
    await this.#asker.ask("resources", { ...asked, tenant });
    const after = await this.#write("delete", viewer);
    await this.#asItWas(asked, before);
    await this.#shutOut(asked, after);
  }

  /** What a right means is asked of the schema of the revision. Both of them shut the enemy out. */
  async #schemaChanges(): Promise<void> {
    const { document, user } = this.#names();
    const asked = { type: "document", id: document, right: "view", user };
    await this.#schema(0);
    const before = await this.#write("touch", `document:${document}#viewer@user:${user}`);
    await this.#prime(asked);
    await this.#schema(2);
    await this.#asItWas(asked, before);
    await this.#prime(asked);
    await this.#schema(0);
    await this.#asItWas(asked, before);
  }

  async #expires(): Promise<void> {
    const world = this.#world;
    if (!world.steady) return;
    const { document, user } = this.#names();
    const asked = { type: "document", id: document, right: "viewer", user };
    world.readClocks();
    const expiresAt = world.wallMax + 30 + world.random.below(60);
    const zookie = await this.#write("touch", `document:${document}#viewer@user:${user}`, {
      expiresAt,
    });
    for (let count = 0; count < 4; count++) {
      await this.#asker.ask(world.pick(ways), { ...asked, tenant });
      await world.sleep(world.random.float() * 60);
    }
    await world.sleep(200);
    await this.#shutOut(asked, zookie);
  }

  /** One of another tenant is refused, and never taken for one of this. */
  async #foreignZookie(): Promise<void> {
    const { document, user } = this.#names();
    const zookie = this.#strange;
    const kind = this.#world.pick(["at-least-as-fresh", "exact-snapshot"] as const);
    const answer = await this.#asker.request(tenant, "foreign zookie", async (node) => {
      const { verdict } = await node.authz.tenant(tenant).check({
        resource: { type: "document", id: document },
        permission: "view",
        subject: { type: "user", id: user },
        consistency: { kind, zookie },
      });
      return verdict;
    });
    if (answer.kind === "ok") this.#world.violate("a zookie of another tenant was taken");
    if (answer.kind === "failed") this.#asker.refused(answer.error, "foreign zookie", undefined);
  }

  /** Another node takes over and shuts the enemy out; the old one, asked as of now, has to notice. */
  async #ownerIsDeposed(): Promise<void> {
    const world = this.#world;
    if (world.swarm.nodes === 1) return;
    const { document, user } = this.#names();
    const asked = { type: "document", id: document, right: "view", user };
    const viewer = `document:${document}#viewer@user:${user}`;
    await this.#write("touch", viewer);
    await this.#prime(asked);
    const at = this.#asker.partition(tenant) % world.slots.length;
    if (world.faulty && world.slots[at]?.current?.ready === true) world.start(at);
    const zookie = await this.#write("delete", viewer);
    await this.#shutOut(asked, zookie);
  }

  check(): void {
    const life = this.#world.ledger.lives(tenant).at(-1);
    if (life === undefined) return;
    checkStore(this.#world, life);
    checkMemory(this.#world, life);
  }
}

/** `type:id#relation@type:id` or `…#relation`. */
function parse(text: string): Relationship {
  const [resource = "", subject = ""] = text.split("@");
  const [object = "", relation = ""] = resource.split("#");
  const [type = "", id = ""] = object.split(":");
  const [of = "", member] = subject.split("#");
  const [subjectType = "", subjectId = ""] = of.split(":");
  return {
    resource: { type, id },
    relation,
    subject: {
      type: subjectType,
      id: subjectId,
      ...(member === undefined ? {} : { relation: member }),
    },
  };
}
