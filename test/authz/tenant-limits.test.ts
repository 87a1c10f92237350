/** Limits of single tenants: kept, shown, followed, and set only by those who may. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { connectAuthz } from "../../src/client/authz-client.ts";
import type { AuthzPort } from "../../src/model/authz.ts";
import { HoldfastError } from "../../src/model/errors.ts";
import { openAuthz } from "../../src/server/open-authz.ts";
import { type ServeOptions, serve } from "../../src/server/serve.ts";
import { parseRelationship } from "./relationship-text.ts";

const text = "definition user {}\ndefinition document { relation viewer: user }";

async function prepare(authz: AuthzPort, id: string, limits: Record<string, number> = {}) {
  await authz.createTenant({ id, limits });
  await authz.tenant(id).writeSchema({ dialect: "native", text });
}

const touch = (authz: AuthzPort, id: string, count: number) =>
  authz.tenant(id).write({
    updates: Array.from({ length: count }, (_, at) => ({
      operation: "touch" as const,
      relationship: parseRelationship(`document:${at}#viewer@user:ada`),
    })),
  });

async function refusal(call: Promise<unknown>): Promise<HoldfastError> {
  const error = await call.then(
    () => assert.fail("it was not refused"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof HoldfastError, String(error));
  return error;
}

async function served(options: Partial<ServeOptions> = {}) {
  const log = () => undefined;
  return serve({ services: [], store: ":memory:", port: 0, log, ...options });
}

test("a tenant's own limits hold for it alone, last, and can be taken back", async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "holdfast-"));
  const store = path.join(folder, "a.db");
  try {
    {
      await using authz = await openAuthz({ store });
      await prepare(authz, "small", { authzUpdates: 2, authzRelationships: 5 });
      await prepare(authz, "large");
      assert.equal((await refusal(touch(authz, "small", 3))).details["max"], 2);
      await touch(authz, "large", 3);
    }
    {
      await using authz = await openAuthz({ store });
      const { limits } = await authz.tenant("small").describe();
      assert.deepEqual(limits, { authzUpdates: 2, authzRelationships: 5 });
      assert.equal((await refusal(touch(authz, "small", 3))).details["limit"], "authzUpdates");
      const changed = await authz.updateTenant("small", {
        name: "Small",
        limits: { authzUpdates: null, authzWork: 7 },
      });
      assert.deepEqual(
        [changed.name, changed.limits],
        ["Small", { authzRelationships: 5, authzWork: 7 }],
      );
      await touch(authz, "small", 3);
      assert.equal(
        (await refusal(touch(authz, "small", 9))).details["limit"],
        "authzRelationships",
      );
    }
    // What was set when the process had more is cut to what it has.
    await using authz = await openAuthz({ store, limits: { authzRelationships: 3 } });
    assert.equal((await authz.tenant("small").describe()).name, "Small");
    assert.equal((await refusal(touch(authz, "small", 4))).details["max"], 3);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("over HTTP only those who administer all tenants set limits", async () => {
  const token = (name: string, tenant: string) => ({
    name,
    token: name,
    rights: [{ tenant, operations: ["admin" as const] }],
  });
  const server = await served({ tokens: [token("root", "*"), token("own", "acme")] });
  try {
    const [root, own] = ["root", "own"].map((name) =>
      connectAuthz({ url: server.url, token: name }),
    ) as [AuthzPort, AuthzPort];
    await prepare(root, "acme", { authzBudget: 10 });
    assert.equal(
      (await refusal(own.updateTenant("acme", { limits: { authzBudget: null } }))).code,
      "permission-denied",
    );
    assert.equal((await own.updateTenant("acme", { name: "Acme" })).name, "Acme");
    await touch(root, "acme", 5);
    const question = {
      resource: { type: "document", id: "1" },
      permission: "viewer",
      subject: { type: "user", id: "ada" },
    };
    const items = Array.from({ length: 30 }, () => question);
    const asked = await root.tenant("acme").checkMany({ items });
    const refused = asked.items.filter((item) => "error" in item);
    assert.ok(refused.length > 0);
    const raised = await root.updateTenant("acme", { limits: { authzBudget: 1_000_000 } });
    assert.deepEqual(raised.limits, { authzBudget: 1_000_000 });
    const { items: listed } = await root.tenants();
    assert.deepEqual(listed[0]?.limits, { authzBudget: 1_000_000 });
  } finally {
    await server.close();
  }
});

test("a limit that there is not, or not for tenants, or above the process's, is refused by name", async () => {
  await using authz = await openAuthz({ store: ":memory:" });
  for (const [name, value, reason] of [
    ["authzBudgett", 1, /did you mean "authzBudget"/i],
    ["payload", 1, /of the whole process/],
    ["authzBudget", 4_000_001, /from 1 to 4000000/],
    ["authzBudget", 0, /from 1/],
    ["authzBudget", "5", /from 1/],
  ] as const) {
    const limits = { [name]: value } as Record<string, number>;
    for (const call of [
      authz.createTenant({ id: "new", limits }),
      authz.updateTenant("nobody", { limits }),
    ]) {
      const error = await refusal(call);
      assert.equal(error.code, "invalid-argument");
      assert.match(error.message, new RegExp(`"${name}".*${reason.source}`, reason.flags));
    }
  }
  assert.deepEqual((await authz.tenants()).items, []);
  const wrong = { authzBudgett: 5 } as object;
  const opened = await refusal(openAuthz({ store: ":memory:", limits: wrong }));
  assert.match(opened.message, /Did you mean "authzBudget"/);
  assert.equal((await refusal(served({ limits: wrong }))).code, "invalid-argument");
});

test("documents that Holdfast keeps for itself cannot be read or written", async () => {
  await using authz = await openAuthz({ store: ":memory:", tenants: ["acme"] });
  for (const name of [" zookie-key", " limits"]) {
    const { code } = await refusal(authz.tenant("acme").readDocument(name));
    assert.equal(code, "invalid-id");
    assert.equal(
      (await refusal(authz.tenant("acme").writeDocument(name, "{}"))).code,
      "invalid-id",
    );
  }
});
