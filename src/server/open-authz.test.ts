import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { message, schedule, service, workflow } from "holdfast";
import { open } from "./open.ts";
import { openAuthz } from "./open-authz.ts";

const schema = `definition user {}
definition doc {
  relation viewer: user
  permission view = viewer
}`;
const resource = { type: "doc", id: "1" };
const subject = { type: "user", id: "ada" };
const relationship = { resource, relation: "viewer", subject };

test("what was written is there when it is opened again", async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "holdfast-authz-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const store = path.join(folder, "authz.db");
  {
    await using authz = await openAuthz({ store, tenants: ["acme"] });
    const acme = authz.tenant("acme");
    await acme.writeSchema({ dialect: "native", text: schema });
    await acme.write({ updates: [{ operation: "create", relationship }] });
    assert.equal(await acme.checkNow({ resource, permission: "view", subject }), "yes");
    await assert.rejects(openAuthz({ store }), { code: "store-in-use" });
  }
  await using again = await openAuthz({ store, tenants: ["acme", "umbrella"] });
  const { verdict } = await again.tenant("acme").check({ resource, permission: "view", subject });
  assert.equal(verdict, "yes");
  const { items } = await again.tenants();
  assert.deepEqual(
    items.map(({ id }) => id),
    ["acme", "umbrella"],
  );
});

test("the workflows and schedules of the application that the store belongs to are left alone", async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "holdfast-authz-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const store = path.join(folder, "app.db");
  const sleeper = workflow("sleeper", {
    async run(ctx) {
      await ctx.sleep("200ms");
      return "woken";
    },
  });
  const clock = service("clock", { handlers: { tick: () => 1 } });
  const schedules = [schedule("rare", { cron: "0 0 1 1 *", target: message(clock).tick() })];
  const options = { services: [sleeper, clock], schedules, store };
  const app = await open(options);
  await app.send(sleeper, "s-1").run();
  await app.close();

  const authz = await openAuthz({ store, tenants: ["acme"] });
  await new Promise((resolve) => setTimeout(resolve, 400));
  await authz.close();

  const again = await open(options);
  t.after(() => again.close());
  assert.equal(await again.get(sleeper, "s-1").result(), "woken");
  const { failure } = await again.get(sleeper, "s-1").describe();
  assert.equal(failure, null);
  assert.equal((await again.schedules.list()).length, 1);
});
