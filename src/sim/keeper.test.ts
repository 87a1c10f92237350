import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import type { AuthzSettings } from "../authz/authz.ts";
import type { Relationship, RelationshipOperation } from "../model/relationship.ts";
import { type Holdfast, open, submitAuthz } from "../server/open.ts";
import { MemoryDisk } from "../store/memory/memory-disk.ts";
import { type CommitFault, openMemoryStore } from "../store/memory/memory-store.ts";
import type { RelationReads, TupleChunk } from "../store/relations.ts";
import type { Store } from "../store/store.ts";
import { over } from "./over.ts";

/* What the keeper of relationships does when commits fail, in every way in which it keeps a graph. */

const modes: Readonly<Record<string, Partial<AuthzSettings>>> = {
  "in memory": {},
  "in windows": { residentMax: 0 },
  "loaded later": { loadedFirstMax: 0 },
};
const faults: readonly CommitFault[] = ["full", "failed", "failed-written"];

const schema = `definition user {}
definition group { relation member: user | group#member }
definition doc {
  relation viewer: user | group#member
  relation banned: user | group#member
  permission view = viewer - banned
}`;

/** A store whose next commits fail, and whose reads and syncs can be held up. */
class Stage {
  readonly disk = new MemoryDisk({ random: () => 7 });
  fault: CommitFault | null = null;
  /** What is done to the next chunk that is scanned. */
  spoil: ((chunk: TupleChunk) => TupleChunk) | null = null;
  readonly logged: string[] = [];
  /** What happens before lists are loaded. */
  beforeLoad: () => Promise<unknown> = async () => undefined;
  readonly #gates = new Map<string, { readonly opened: Promise<void>; open(): void }>();

  /** Holds up what has this name until the function returned is called. */
  hold(name: keyof RelationReads | "sync"): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gates.set(name, { opened: promise, open: resolve });
    return () => {
      this.#gates.delete(name);
      resolve();
    };
  }

  async pass(name: string): Promise<void> {
    await this.#gates.get(name)?.opened;
  }

  store(): Store {
    const store = openMemoryStore(this.disk, {
      sync: () => this.pass("sync"),
      fault: (batch) => {
        if (batch.relations.length + batch.putTenants.length + batch.deleteTenants.length === 0) {
          return null;
        }
        const { fault } = this;
        this.fault = null;
        return fault;
      },
    });
    const reads = store.relations;
    const held = over(reads, {
      loadTuples: async (request) => {
        await this.beforeLoad();
        const rows = await reads.loadTuples(request);
        await this.pass("loadTuples");
        return rows;
      },
      scanTuples: async (request) => {
        const chunk = await reads.scanTuples({ ...request, limit: 50 });
        await this.pass("scanTuples");
        const { spoil } = this;
        this.spoil = null;
        return spoil?.(chunk) ?? chunk;
      },
      readTuples: async (request) => {
        const page = await reads.readTuples(request);
        await this.pass("readTuples");
        return page;
      },
    });
    return over(store, { relations: held });
  }

  async open(t: TestContext, authz: Partial<AuthzSettings>): Promise<Holdfast> {
    const app = await open({
      services: [],
      store: this.store(),
      authz: { cacheBytes: 65_536, ...authz },
      limits: { authzHistory: 0 },
      log: (_, message) => void this.logged.push(message),
    });
    t.after(() => app.close());
    return app;
  }
}

function parse(text: string): Relationship {
  const [, type = "", id = "", relation = "", of = "", subject = "", member] =
    /^(\w+):(\w+)#(\w+)@(\w+):(\w+)(?:#(\w+))?$/.exec(text) ?? [];
  return {
    resource: { type, id },
    relation,
    subject: { type: of, id: subject, ...(member === undefined ? {} : { relation: member }) },
  };
}

function write(app: Holdfast, operation: RelationshipOperation, ...texts: string[]) {
  const updates = texts.map((text) => ({ operation, relationship: parse(text) }));
  return app.authz.tenant("t").write({ updates });
}

async function can(app: Holdfast, doc: string, user: string, zookie?: string): Promise<string> {
  const { verdict } = await app.authz.tenant("t").check({
    resource: { type: "doc", id: doc },
    permission: "view",
    subject: { type: "user", id: user },
    ...(zookie === undefined ? {} : { consistency: { kind: "exact-snapshot", zookie } }),
  });
  return verdict;
}

/** A tenant with some hundreds of relationships, and one document that `ada` sees through groups. */
async function seeded(app: Holdfast): Promise<string> {
  await app.authz.createTenant({ id: "t" });
  await app.authz.tenant("t").writeSchema({ dialect: "native", text: schema });
  const many = Array.from({ length: 300 }, (_, at) => `doc:x${at}#viewer@user:u${at % 7}`);
  await write(app, "create", ...many);
  const { zookie } = await write(
    app,
    "create",
    "group:inner#member@user:ada",
    "group:outer#member@group:inner#member",
    "doc:d#viewer@group:outer#member",
  );
  return zookie;
}

/** After a commit that failed, until writes are taken again. */
async function recovered(app: Holdfast): Promise<void> {
  while (app.engine.refusal !== null) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Memory, where it is whole, has what the store has. */
function sameAsStore(app: Holdfast, { disk }: Stage): void {
  const tenant = app.relations.tenant("t");
  const stored = disk.visible.relations.living(tenant.number);
  assert.ok(stored !== undefined);
  assert.equal(tenant.applied, stored.row.revision);
  assert.equal(tenant.durable, stored.row.revision);
  assert.equal(tenant.recent.length, 0, "what is durable is remembered no longer");
  if (tenant.view.residency !== null) return;
  const { graph } = tenant.view;
  assert.equal(graph.size, stored.alive.size);
  assert.equal([...graph.alive()].length, stored.alive.size);
}

for (const [mode, settings] of Object.entries(modes)) {
  describe(`relationships ${mode}`, () => {
    for (const fault of faults) {
      const isWritten = fault === "failed-written";
      test(`${fault}: what failed is ${isWritten ? "known as it is" : "taken back"}`, async (t) => {
        const stage = new Stage();
        const first = await stage.open(t, {});
        const before = await seeded(first);
        await first.close();
        const app = await stage.open(t, settings);
        assert.equal(await can(app, "d", "ada"), "yes");
        stage.fault = fault;
        const failing = write(app, "delete", "group:outer#member@group:inner#member");
        const more = write(app, "create", "doc:d#viewer@user:eve");
        await assert.rejects(failing, { code: fault === "full" ? "store-full" : "store-failed" });
        await more.catch(() => undefined);
        await recovered(app);
        await app.relations.loaded();
        const deleted = isWritten ? "no" : "yes";
        assert.equal(await can(app, "d", "ada"), deleted);
        assert.equal(await can(app, "d", "ada", before), "yes");
        await write(app, "touch", "doc:d#viewer@user:bob");
        assert.equal(await can(app, "d", "bob"), "yes");
        assert.equal(await can(app, "d", "ada"), deleted);
        const eve = stage.disk.visible.relations
          .living(1)
          ?.alive.has(JSON.stringify(["doc", "d", "viewer", "user", "eve", ""]));
        assert.equal(await can(app, "d", "eve"), eve === true ? "yes" : "no");
        sameAsStore(app, stage);
      });
    }
  });
}

describe("failed commits beside what is loaded", () => {
  test("a window does not keep what it loaded together with what was lost", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, { residentMax: 0 });
    await seeded(app);
    await app.close();
    const again = await stage.open(t, { residentMax: 0 });
    const release = stage.hold("loadTuples");
    const asked = can(again, "d", "eve");
    await new Promise((resolve) => setImmediate(resolve));
    stage.fault = "failed";
    await assert.rejects(write(again, "create", "doc:d#viewer@user:eve"));
    release();
    assert.equal(await asked, "no");
    await recovered(again);
    await write(again, "create", "doc:d#viewer@user:bob");
    assert.equal(await can(again, "d", "eve"), "no");
    assert.equal(await can(again, "d", "bob"), "yes");
  });

  test("a load in the background does not take in what was lost", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, {});
    await seeded(app);
    await app.close();
    const release = stage.hold("scanTuples");
    const again = await stage.open(t, { loadedFirstMax: 0 });
    stage.fault = "failed";
    await assert.rejects(write(again, "create", "doc:d#viewer@user:eve"));
    await recovered(again);
    await write(again, "create", "doc:d#viewer@user:bob");
    release();
    await again.relations.loaded();
    assert.equal(again.relations.tenant("t").view.residency, null);
    assert.equal(await can(again, "d", "eve"), "no");
    sameAsStore(again, stage);
  });

  test("an end that a load saw before it was durable is trimmed once", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, {});
    await seeded(app);
    await app.close();
    const releaseScan = stage.hold("scanTuples");
    const again = await stage.open(t, { loadedFirstMax: 0 });
    await write(again, "touch", "doc:a#viewer@user:u1");
    const releaseSync = stage.hold("sync");
    const ending = write(again, "delete", "doc:x1#viewer@user:u1");
    await new Promise((resolve) => setTimeout(resolve, 20));
    releaseScan();
    await again.relations.loaded();
    releaseSync();
    await ending;
    await write(again, "touch", "doc:b#viewer@user:u1");
    const submit = (change: Parameters<Parameters<typeof again.relations.history.trim>[0]>[0]) => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      again.engine.submit({ kind: "authz", change, reply: { resolve, reject } });
      return promise;
    };
    await again.relations.history.trim(submit);
    for (let at = 0; at < 3; at++) await write(again, "touch", `doc:n${at}#viewer@user:n${at}`);
    sameAsStore(again, stage);
    assert.equal(await can(again, "n0", "n0"), "yes");
    assert.equal(await can(again, "x1", "u1"), "no");
  });

  test("whoever waits for a revision that is lost is answered, or told", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, {});
    await seeded(app);
    stage.fault = "failed";
    await assert.rejects(write(app, "create", "doc:d#viewer@user:eve"));
    const tenant = app.relations.tenant("t");
    assert.ok(tenant.applied > tenant.durable);
    const lost = tenant.zookies.make(tenant.applied);
    const question = {
      resource: { type: "doc", id: "d" },
      permission: "view",
      subject: { type: "user", id: "eve" },
    };
    const port = app.authz.tenant("t");
    const head = port.check({ ...question, consistency: { kind: "fully-consistent" } });
    const asked = { kind: "at-least-as-fresh", zookie: lost } as const;
    const fresh = port.check({ ...question, consistency: asked });
    await Promise.all([
      head.then(({ verdict }) => assert.equal(verdict, "no")),
      assert.rejects(fresh, { code: "zookie-future" }),
    ]);
  });

  test("what was prepared for a batch that failed is let go of", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, {});
    await seeded(app);
    await app.close();
    const again = await stage.open(t, { residentMax: 0 });
    for (let round = 0; round < 2; round++) {
      stage.fault = "failed";
      const writes = [0, 1, 2].map((at) => write(again, "touch", `doc:p${at}#viewer@user:p`));
      await Promise.allSettled(writes);
      await recovered(again);
    }
    const trim = { kind: "trim", tenant: "t", number: 1, upTo: 1 } as const;
    await new Promise((resolve, reject) =>
      again.engine.submit({ kind: "authz", change: trim, reply: { resolve, reject } }),
    );
    await write(again, "touch", "doc:p0#viewer@user:q");
    sameAsStore(again, stage);
  });
});

describe("tenants that come and go", () => {
  test("one that is being created, or deleted, is not there, or there, until that is durable", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, {});
    const before = await seeded(app);
    stage.fault = "failed";
    await assert.rejects(app.authz.createTenant({ id: "lost" }), { code: "store-failed" });
    assert.deepEqual(
      (await app.authz.tenants()).items.map(({ id }) => id),
      ["t"],
    );
    await recovered(app);
    stage.fault = "failed";
    const events = app.authz.tenant("t").watch({ after: before, heartbeatMs: 5 });
    const watch = events[Symbol.asyncIterator]();
    assert.equal((await watch.next()).value?.kind, "heartbeat");
    await assert.rejects(app.authz.deleteTenant("t"), { code: "store-failed" });
    assert.equal(await can(app, "d", "ada"), "yes");
    await recovered(app);
    assert.equal(await can(app, "d", "ada"), "yes");
    await write(app, "touch", "doc:d#viewer@user:bob");
    let event = await watch.next();
    while (event.value?.kind === "heartbeat") event = await watch.next();
    assert.equal(event.value?.kind, "change");
    await watch.return?.();
  });

  test("limits whose commit failed are those from before", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, {});
    await seeded(app);
    await app.authz.updateTenant("t", { limits: { authzUpdates: 5 } });
    stage.fault = "failed";
    const lost = { name: "Lost", limits: { authzUpdates: 1, authzWork: 3 } };
    await assert.rejects(app.authz.updateTenant("t", lost), { code: "store-failed" });
    await recovered(app);
    const { name, limits } = await app.authz.tenant("t").describe();
    assert.deepEqual([name, limits], ["t", { authzUpdates: 5 }]);
    assert.equal(app.relations.tenant("t").limits.authzUpdates, 5);
  });

  test("an id is given out again when the deletion is durable", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, {});
    const before = await seeded(app);
    const [deleted, created] = await Promise.allSettled([
      app.authz.deleteTenant("t"),
      app.authz.createTenant({ id: "t" }),
    ]);
    assert.equal(deleted.status, "fulfilled");
    assert.ok(created.status === "rejected");
    assert.equal(created.reason.code, "tenant-exists");
    await seeded(app);
    await assert.rejects(can(app, "d", "ada", before), { code: "zookie-foreign" });
  });

  test("a watch that is behind ends when its tenant is deleted", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, {});
    await app.authz.createTenant({ id: "t" });
    const { zookie } = await app.authz.tenant("t").writeSchema({ dialect: "native", text: schema });
    for (let at = 0; at < 150; at++) await write(app, "touch", `doc:w${at}#viewer@user:w`);
    const watch = app.authz.tenant("t").watch({ after: zookie })[Symbol.asyncIterator]();
    await watch.next();
    await watch.next();
    await app.authz.deleteTenant("t");
    let told = 0;
    while ((await watch.next()).done !== true) told++;
    assert.ok(told < 150);
  });

  test("a question for which is loaded does not take a deleted tenant for an empty one", async (t) => {
    const stage = new Stage();
    const app = await stage.open(t, {});
    await seeded(app);
    await write(app, "touch", "doc:d#banned@user:ada");
    await app.close();
    const again = await stage.open(t, { residentMax: 0 });
    const release = stage.hold("loadTuples");
    const asked = can(again, "d", "ada");
    await again.authz.deleteTenant("t");
    release();
    await assert.rejects(asked, { code: "unknown-tenant" });
  });
});

test("flattened groups do not speak for revisions before the end of a group that was loaded", async (t) => {
  const stage = new Stage();
  const app = await stage.open(t, {});
  await seeded(app);
  const { zookie } = await write(app, "touch", "doc:e#viewer@user:eve");
  await write(app, "delete", "group:outer#member@group:inner#member");
  await app.close();
  const again = await stage.open(t, {});
  assert.equal(await can(again, "d", "ada", zookie), "yes");
  assert.equal(await can(again, "d", "ada"), "no");
});

test("loading that fails begins anew, with nothing of what was loaded", async (t) => {
  const stage = new Stage();
  const app = await stage.open(t, {});
  await seeded(app);
  await app.close();
  // Half of it is taken in before it turns out that the rest is none.
  stage.spoil = (chunk) => ({ ...chunk, count: chunk.count + 1 });
  const again = await stage.open(t, { loadedFirstMax: 0 });
  await write(again, "delete", "group:outer#member@group:inner#member");
  await again.relations.loaded();
  assert.deepEqual(stage.logged, ["loading relationships begins anew"]);
  assert.equal(again.relations.tenant("t").view.residency, null);
  sameAsStore(again, stage);
  assert.equal(await can(again, "d", "ada"), "no");
});

test("a version that was trimmed since the loading began is not missed", async (t) => {
  const stage = new Stage();
  const app = await stage.open(t, {});
  await seeded(app);
  await app.close();
  const release = stage.hold("scanTuples");
  const again = await stage.open(t, { loadedFirstMax: 0 });
  // The last that is scanned.
  const last = "group:outer#member@group:inner#member";
  for (const operation of ["delete", "touch", "delete"] as const)
    await write(again, operation, last);
  await again.relations.history.trim(submitAuthz(again.engine));
  await write(again, "touch", last);
  await write(again, "delete", last);
  release();
  await again.relations.loaded();
  assert.deepEqual(stage.logged, []);
  assert.equal(again.relations.tenant("t").view.residency, null);
  sameAsStore(again, stage);
});

test("a window is bounded where nothing is written, too", async (t) => {
  const stage = new Stage();
  const app = await stage.open(t, {});
  await seeded(app);
  await app.close();
  const again = await stage.open(t, { residentMax: 0, windowMax: 20 });
  const { view } = again.relations.tenant("t");
  for (let at = 0; at < 30; at++) await can(again, `x${at}`, "u1");
  assert.notEqual(again.relations.tenant("t").view, view);
  assert.equal(await can(again, "x1", "u1"), "yes");
});

test("a window is bounded where one document is asked about for many whom nothing names", async (t) => {
  const stage = new Stage();
  const app = await stage.open(t, {});
  await seeded(app);
  await app.close();
  const again = await stage.open(t, { residentMax: 0, windowMax: 50 });
  for (let at = 0; at < 200; at++) {
    assert.equal(await can(again, "d", `stranger${at}`), "no");
    const { view } = again.relations.tenant("t");
    assert.ok(view.graph.objects.size <= 50, `${view.graph.objects.size} objects`);
  }
  assert.equal(await can(again, "d", "ada"), "yes");
});

/** `doc:far` is seen through more groups within each other than a window has room for. */
async function seenFromFar(t: TestContext): Promise<{ stage: Stage; app: Holdfast }> {
  const stage = new Stage();
  const app = await stage.open(t, {});
  await seeded(app);
  const groups = Array.from(
    { length: 20 },
    (_, at) => `group:g${at}#member@group:g${at + 1}#member`,
  );
  await write(
    app,
    "touch",
    "doc:far#viewer@group:g0#member",
    "group:g20#member@user:bob",
    ...groups,
  );
  await app.close();
  return { stage, app: await stage.open(t, { residentMax: 0, windowMax: 8 }) };
}

test("a question that is larger than a window comes to an end, whatever is asked and written meanwhile", async (t) => {
  const { stage, app } = await seenFromFar(t);
  let loads = 0;
  stage.beforeLoad = async () => {
    loads++;
    if (loads === 3) await write(app, "delete", "group:g20#member@user:bob");
    if (loads === 5) await write(app, "touch", "group:g20#member@user:eve");
  };
  // It is asked about the revision at which it began.
  assert.equal(await can(app, "far", "bob"), "yes");
  assert.ok(loads < 30, `${loads} loads`);
  assert.equal(await can(app, "far", "bob"), "no");
  assert.equal(await can(app, "far", "eve"), "yes");
});

for (const fault of faults) {
  test(`a question that is larger than a window is asked anew after a commit: ${fault}`, async (t) => {
    const { stage, app } = await seenFromFar(t);
    let loads = 0;
    stage.beforeLoad = async () => {
      loads++;
      if (loads !== 3) return;
      stage.fault = fault;
      await write(app, "delete", "group:g20#member@user:bob").catch(() => undefined);
      await recovered(app);
    };
    assert.equal(await can(app, "far", "bob"), "yes");
    assert.ok(loads < 60, `${loads} loads`);
    const gone = fault === "failed-written";
    assert.equal(await can(app, "far", "bob"), gone ? "no" : "yes");
  });
}
