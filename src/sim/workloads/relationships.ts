import type { Consistency, WatchEvent, WriteRelationships } from "../../model/authz.ts";
import { HoldfastError } from "../../model/errors.ts";
import { type Relationship, wildcardId } from "../../model/relationship.ts";
import type { SimNode } from "../node.ts";
import { type Ask, Asker, sameRows, ways } from "../relations/asker.ts";
import { type LedgerTenant, snapshotAt } from "../relations/ledger.ts";
import { schemaTexts } from "../relations/naive.ts";
import { randomObject, randomRelationship, users } from "../relations/universe.ts";
import type { Workload } from "../workload.ts";
import type { Answer, World } from "../world.ts";

/** `b` is deleted and created again. */
const tenants = ["a", "b"];

/** Clients who write, ask, watch, and change what everything means, in two tenants. */
export function makeRelationships(world: World): Workload {
  return new Relationships(world);
}

class Relationships implements Workload {
  readonly name = "relationships";
  readonly #world: World;
  readonly #asker: Asker;
  readonly #zookies = new Map<string, string[]>();
  #writes = 0;
  #done = false;

  constructor(world: World) {
    this.#world = world;
    this.#asker = new Asker(world);
  }

  definitions(): readonly never[] {
    return [];
  }

  async drive(): Promise<void> {
    const { swarm, random } = this.#world;
    const watching = tenants.map((tenant) => this.#watch(tenant));
    await Promise.all(tenants.map((tenant) => this.#create(tenant)));
    const clients = 2 + random.below(3);
    const operations = 6 + Math.floor(swarm.load * 12);
    await Promise.all(
      Array.from({ length: clients }, async () => {
        for (let count = 0; count < operations; count++) {
          await this.#operate(this.#world.pick(tenants));
          const pause = swarm.spreadMs / operations;
          if (random.below(2) === 0) await this.#world.sleep(this.#world.exponential(pause));
        }
      }),
    );
    this.#done = true;
    await Promise.all(watching);
  }

  async #create(tenant: string): Promise<void> {
    await this.#asker.insist(tenant, "create", async (node) => {
      await node.authz.createTenant({ id: tenant });
    });
    await this.#writeSchema(tenant);
  }

  async #writeSchema(tenant: string): Promise<void> {
    const text = this.#world.pick(schemaTexts);
    const answer = await this.#asker.insist(tenant, "schema", async (node) => {
      const { zookie } = await node.authz.tenant(tenant).writeSchema({ dialect: "native", text });
      return zookie;
    });
    if (answer.kind === "ok") this.#acknowledged(tenant, answer.value);
    else this.#asker.refused(answer.error, `a schema of ${tenant}`, undefined);
  }

  /** Somebody knows this revision now. */
  #acknowledged(tenant: string, zookie: string): void {
    this.#world.ledger.place(tenant, zookie);
    const known = this.#zookies.get(tenant) ?? [];
    this.#zookies.set(tenant, known);
    known.push(zookie);
  }

  async #operate(tenant: string): Promise<void> {
    const kind = this.#world.random.below(100);
    if (kind < 40) await this.#write(tenant);
    else if (kind < 44) await this.#deleteSome(tenant);
    else if (kind < 47) await this.#writeSchema(tenant);
    else if (kind < 49 && tenant === "b") await this.#recreate(tenant);
    else if (kind < 55) await this.#read(tenant);
    else await this.#ask(tenant);
  }

  async #write(tenant: string): Promise<void> {
    const world = this.#world;
    const op = ++this.#writes;
    const updates = new Map<string, WriteRelationships["updates"][number]>();
    for (let count = 1 + world.random.below(3); count > 0; count--) {
      const operation = world.pick(["create", "touch", "touch", "delete"] as const);
      const now = world.steady ? world.wallMax : null;
      const relationship = randomRelationship(world, now);
      const { resource, relation, subject } = relationship;
      updates.set(JSON.stringify([resource, relation, subject]), { operation, relationship });
    }
    world.readClocks();
    const request = { updates: [...updates.values()], metadata: { op } };
    const answer = await this.#asker.request(tenant, `write ${op}`, async (node) => {
      const { zookie } = await node.authz.tenant(tenant).write(request);
      return zookie;
    });
    if (answer.kind === "ok") this.#judgeWrite(tenant, request, answer.value);
    else if (answer.kind === "failed") this.#refusedWrite(answer.error, `write ${op}`);
  }

  #refusedWrite(error: Error, what: string): void {
    const code = error instanceof HoldfastError ? error.code : "";
    if (code === "relationship-exists" || code === "unknown-schema") return;
    this.#asker.refused(error, what, undefined);
  }

  /** What was acknowledged is there at its zookie: all of it, and nothing that was deleted. */
  #judgeWrite(tenant: string, { updates, metadata }: WriteRelationships, zookie: string): void {
    this.#acknowledged(tenant, zookie);
    const place = this.#world.ledger.find(tenant, zookie);
    if (place === null) return;
    const { rows } = snapshotAt(place);
    for (const { operation, relationship } of updates) {
      const isThere = rows.some((row) => isRow(row, relationship));
      if (isThere === (operation !== "delete")) continue;
      this.#world.violate(
        `write ${JSON.stringify(metadata)} of ${tenant} was acknowledged, and after its ${operation} ` +
          `${JSON.stringify(relationship)} is ${isThere ? "" : "not "}there`,
      );
    }
  }

  async #deleteSome(tenant: string): Promise<void> {
    const world = this.#world;
    const object = randomObject(world);
    const whole = world.random.below(2) === 0;
    const filter = { resourceType: object.type, resourceId: object.id, relation: "viewer" };
    const answer = await this.#asker.request(tenant, "delete", (node) => {
      const port = node.authz.tenant(tenant);
      return whole ? port.deleteObject(object) : port.deleteRelationships({ filter });
    });
    if (answer.kind === "failed") this.#refusedWrite(answer.error, "delete");
    if (answer.kind !== "ok") return;
    const { zookie, complete } = answer.value;
    this.#acknowledged(tenant, zookie);
    const place = world.ledger.find(tenant, zookie);
    if (place === null || !complete) return;
    const left = snapshotAt(place).rows.filter(
      (row) =>
        row.resourceType === object.type &&
        row.resourceId === object.id &&
        (whole || row.relation === "viewer"),
    );
    if (left.length > 0) world.violate(`${left.length} of ${object.id} are left after a delete`);
  }

  async #recreate(tenant: string): Promise<void> {
    const answer = await this.#asker.request(tenant, "delete tenant", (node) =>
      node.authz.deleteTenant(tenant),
    );
    if (answer.kind === "failed") this.#refusedWrite(answer.error, "delete tenant");
    await this.#create(tenant);
  }

  #consistency(tenant: string): Consistency | undefined {
    const world = this.#world;
    const known = this.#zookies.get(tenant) ?? [];
    const back = Math.min(known.length, 1 + world.random.below(6));
    const zookie = known.at(-back);
    switch (world.random.below(5)) {
      case 0:
        return undefined;
      case 1:
        return { kind: "fully-consistent" };
      case 2:
        return zookie === undefined ? undefined : { kind: "exact-snapshot", zookie };
      default:
        return zookie === undefined ? undefined : { kind: "at-least-as-fresh", zookie };
    }
  }

  async #ask(tenant: string): Promise<void> {
    const world = this.#world;
    const { type, id } = randomObject(world);
    const rights = type === "group" ? ["member"] : ["view", "view", "viewer", "banned"];
    const consistency = this.#consistency(tenant);
    const asked: Ask = {
      tenant,
      type,
      id,
      right: world.pick(type === "document" ? [...rights, "edit"] : rights),
      user: world.pick(users),
      ...(consistency === undefined ? {} : { consistency }),
    };
    for (let count = 1 + world.random.below(3); count > 0; count--) {
      await this.#asker.ask(world.pick(ways), asked);
    }
  }

  /** Reading tells what is there at its zookie. */
  async #read(tenant: string): Promise<void> {
    const answer = await this.#asker.request(tenant, "read", async (node) => {
      const names: string[] = [];
      const now = node.host.now();
      for (let after: string | undefined; ; ) {
        const page = await node.authz.tenant(tenant).read({
          limit: 1 + this.#world.random.below(8),
          ...(after === undefined ? {} : { after }),
        });
        names.push(...page.items.map(nameOf));
        if (page.next === null) return { names, now, zookie: page.zookie };
        after = page.next;
      }
    });
    if (answer.kind === "failed") this.#asker.refused(answer.error, "read", undefined);
    if (answer.kind !== "ok") return;
    const { names, zookie } = answer.value;
    const place = this.#world.ledger.place(tenant, zookie);
    if (place === null || this.#world.steady) return;
    const wrong = sameRows(place.tenant, snapshotAt(place), names);
    if (wrong !== "") this.#world.violate(`a read at ${place.revision}: ${wrong}`);
  }

  // Watching.

  /** Follows a tenant through everything: each transaction is told once, and in order. */
  async #watch(tenant: string): Promise<void> {
    const world = this.#world;
    let place: string | undefined;
    let asked: SimNode | undefined;
    while (!this.#done) {
      const answer: Answer<void> = await this.#asker.request(tenant, "watch", async (node) => {
        asked = node;
        const abort = new AbortController();
        const cancel = node.host.setTimer(20 + world.random.below(400), () => abort.abort());
        const request = { heartbeatMs: 50, signal: abort.signal };
        const from = place === undefined ? request : { ...request, after: place };
        for await (const event of node.authz.tenant(tenant).watch(from)) {
          if (!node.alive) break;
          place = this.#told(tenant, node, event, place);
          if (world.random.below(20) === 0) break;
        }
        cancel();
      });
      if (answer.kind === "failed") {
        // Beyond the history, or of a tenant that is gone: from now on, then.
        this.#asker.refused(answer.error, "watch", asked);
        if (answer.error instanceof HoldfastError) place = this.#restart(answer.error, place);
      }
      await world.sleep(1 + world.exponential(20));
    }
  }

  #restart(error: HoldfastError, place: string | undefined): string | undefined {
    return error.code === "zookie-future" ? place : undefined;
  }

  /** @returns the place to go on from. */
  #told(tenant: string, node: SimNode, event: WatchEvent, before: string | undefined): string {
    const { ledger } = this.#world;
    const zookie = event.kind === "change" ? event.change.zookie : event.zookie;
    const place = ledger.place(tenant, zookie);
    const from = before === undefined ? null : ledger.find(tenant, before);
    if (place === null) return zookie;
    const step = event.kind === "change" ? 1 : 0;
    if (
      from !== null &&
      (from.tenant !== place.tenant || place.revision !== from.revision + step)
    ) {
      this.#world.violate(
        `${node.name}: a watch of ${tenant} at ${from.revision} was told of ${place.revision}`,
      );
    }
    if (event.kind === "heartbeat") return zookie;
    const { updates, schema, metadata } = event.change;
    const text = JSON.stringify({
      updates,
      ...(metadata === undefined ? {} : { metadata }),
      ...(schema === undefined ? {} : { schema }),
    });
    const { log } = place.tenant.commits[place.revision - 1] ?? { log: "nothing" };
    if (log !== text) {
      this.#world.violate(`a watch was told ${text} at ${place.revision}, and it was ${log}`);
    }
    return zookie;
  }

  // When everything rests.

  check(): void {
    for (const tenant of tenants) {
      const life = this.#world.ledger.lives(tenant).at(-1);
      if (life === undefined || life.deleted) continue;
      this.#checkWrites(life);
      checkStore(this.#world, life);
      checkMemory(this.#world, life);
    }
  }

  /** Every write is in the log once at most. */
  #checkWrites({ id, commits }: LedgerTenant): void {
    const seen = new Set<number>();
    for (const { log } of commits) {
      const op: unknown = JSON.parse(log).metadata?.op;
      if (typeof op !== "number") continue;
      if (seen.has(op)) this.#world.violate(`write ${op} of ${id} is there twice`);
      seen.add(op);
    }
  }
}

/** The store has what was written. */
export function checkStore(world: World, life: LedgerTenant): void {
  const stored = world.disk.visible.relations.living(life.number);
  const alive = [...(stored?.versions.values() ?? [])].filter(({ deleted }) => deleted === null);
  const names = alive.map(
    (row) =>
      `${row.resourceType}:${row.resourceId}#${row.relation}@${row.subjectType}:${row.subjectId}` +
      `${row.subjectRelation === "" ? "" : `#${row.subjectRelation}`}`,
  );
  const snapshot = snapshotAt({ tenant: life, revision: life.commits.length });
  const wrong = sameRows(life, snapshot, names);
  if (wrong !== "") world.violate(`in the store ${wrong}`);
}

/** Memory says of everything what follows from what was written, from its caches and without them. */
export function checkMemory(world: World, life: LedgerTenant): void {
  const node = world.slots[world.partitionOf("authz", life.id) % world.slots.length]?.current;
  if (node?.ready !== true) return;
  const { view, durable } = node.relations.tenant(life.id);
  if (durable !== life.commits.length) {
    world.violate(`${node.name} has ${life.id} at ${durable}, and not ${life.commits.length}`);
  }
  if (view.residency !== null) return;
  const now = node.host.now();
  const snapshot = snapshotAt({ tenant: life, revision: durable });
  if (view.graph.size !== snapshot.rows.length) {
    world.violate(`${life.id} has ${view.graph.size} in memory, of ${snapshot.rows.length}`);
  }
  if (snapshot.schema === null) return;
  for (const type of ["group", "folder", "document"]) {
    for (const id of [0, 1, 2, 3].map((at) => `${type[0]}${at}`)) {
      for (const right of snapshot.rights(type)) {
        for (const user of users) {
          const subject = { type: "user", id: user };
          const item = { resource: { type, id }, permission: right, subject };
          const verdict = node.authz.tenant(life.id).checkNow(item);
          if ((verdict === "yes") === snapshot.has({ type, id, right, user, now })) continue;
          world.violate(`at rest ${life.id} says ${String(verdict)} to ${JSON.stringify(item)}`);
        }
      }
    }
  }
}

function nameOf({ resource, relation, subject }: Relationship): string {
  const of = subject.relation === undefined ? "" : `#${subject.relation}`;
  return `${resource.type}:${resource.id}#${relation}@${subject.type}:${subject.id}${of}`;
}

function isRow(
  row: {
    readonly resourceType: string;
    readonly resourceId: string;
    readonly relation: string;
    readonly subjectType: string;
    readonly subjectId: string;
    readonly subjectRelation: string;
  },
  { resource, relation, subject }: Relationship,
): boolean {
  return (
    row.resourceType === resource.type &&
    row.resourceId === resource.id &&
    row.relation === relation &&
    row.subjectType === subject.type &&
    (row.subjectId === subject.id || (subject.id === wildcardId && row.subjectId === wildcardId)) &&
    row.subjectRelation === (subject.relation ?? "")
  );
}
