// Moving over: the same drive through the interfaces that other engines have.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { OpenFgaClient } from "@openfga/sdk";
import { type Server, serve } from "holdfast";
import { connectAuthz, parseSchema, toOpenfgaJson } from "holdfast/authz";
import { schema } from "./access.ts";

const model = readFileSync(new URL("drive.fga", import.meta.url), "utf8");

async function stage(): Promise<Server & AsyncDisposable> {
  const server = await serve({ services: [], store: ":memory:", port: 0, log: () => {} });
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.close({ drainMs: 0 }) });
}

test("an unmodified client of OpenFGA runs the drive end to end", async () => {
  await using server = await stage();
  const first = new OpenFgaClient({ apiUrl: server.url });
  const { id: storeId } = await first.createStore({ name: "drive" });
  const client = new OpenFgaClient({ apiUrl: server.url, storeId });
  const { schema: parsed, problems } = parseSchema(model);
  assert.ok(parsed !== null, JSON.stringify(problems));
  await client.writeAuthorizationModel(
    toOpenfgaJson(parsed) as Parameters<typeof client.writeAuthorizationModel>[0],
  );
  await client.writeTuples([
    { user: "user:ada", relation: "owner", object: "folder:work" },
    { user: "folder:work", relation: "parent", object: "folder:reports" },
    { user: "folder:reports", relation: "folder", object: "document:q1" },
    { user: "group:board#member", relation: "writer", object: "folder:work" },
    { user: "group:staff#member", relation: "member", object: "group:board" },
    { user: "user:bob", relation: "member", object: "group:staff" },
    { user: "user:*", relation: "reader", object: "document:news" },
    { user: "user:eve", relation: "banned", object: "document:news" },
    {
      user: "user:carl",
      relation: "reader",
      object: "document:q1",
      condition: { name: "guest", context: { until: "2030-01-01T00:00:00Z" } },
    },
  ]);

  const ask = async (user: string, relation: string, object: string, context = {}) =>
    (await client.check({ user: `user:${user}`, relation, object, context })).allowed;
  const early = { now: "2029-12-31T00:00:00Z" };
  const late = { now: "2030-01-02T00:00:00Z" };
  assert.equal(await ask("ada", "own", "document:q1"), true);
  assert.equal(await ask("bob", "can_write", "document:q1"), true);
  assert.equal(await ask("carl", "can_read", "document:q1", early), true);
  assert.equal(await ask("carl", "can_read", "document:q1", late), false);
  assert.equal(await ask("eve", "can_read", "document:news"), false);
  assert.equal(await ask("zoe", "can_read", "document:news"), true);

  const { objects } = await client.listObjects({
    user: "user:bob",
    relation: "can_read",
    type: "document",
  });
  assert.deepEqual(objects.toSorted(), ["document:news", "document:q1"]);
  const { users } = await client.listUsers({
    object: { type: "document", id: "q1" },
    relation: "can_write",
    user_filters: [{ type: "user" }],
  });
  assert.deepEqual(users.map(({ object }) => object?.id).toSorted(), ["ada", "bob"]);
  const { result } = await client.batchCheck({
    checks: [
      { user: "user:ada", relation: "own", object: "document:q1", correlationId: "a" },
      { user: "user:bob", relation: "own", object: "document:q1", correlationId: "b" },
    ],
  });
  assert.deepEqual(
    result.map(({ allowed }) => allowed),
    [true, false],
  );
  await client.deleteTuples([{ user: "user:bob", relation: "member", object: "group:staff" }]);
  assert.equal(await ask("bob", "can_write", "document:q1"), false);

  // The store is a tenant like any other: everything else of Holdfast sees it, too.
  const tenant = connectAuthz({ url: server.url }).tenant(storeId);
  const page = await tenant.lookupResources({
    resourceType: "document",
    permission: "own",
    subject: { type: "user", id: "ada" },
  });
  assert.deepEqual(
    page.items.map(({ id }) => id),
    ["q1"],
  );
});

test("so do plain HTTP calls in SpiceDB's shapes", async () => {
  await using server = await stage();
  const post = async (at: string, body: object) => {
    const response = await fetch(`${server.url}/v1${at}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    // Lists come as one JSON value a line.
    return text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  };
  const object = (text: string) => {
    const [objectType, objectId] = text.split(":");
    return { objectType, objectId };
  };
  const touch = (resource: string, relation: string, subject: string) => {
    const [of = "", optionalRelation] = subject.split("#");
    return {
      operation: "OPERATION_TOUCH",
      relationship: {
        resource: object(resource),
        relation,
        subject: {
          object: object(of),
          ...(optionalRelation === undefined ? {} : { optionalRelation }),
        },
      },
    };
  };
  await post("/schema/write", { schema });
  const [written] = await post("/relationships/write", {
    updates: [
      touch("folder:work", "owner", "user:ada"),
      touch("folder:reports", "parent", "folder:work"),
      touch("document:q1", "folder", "folder:reports"),
      touch("folder:work", "reader", "group:staff#member"),
      touch("group:staff", "member", "user:bob"),
      touch("document:q1", "banned", "user:eve"),
    ],
  });
  const consistency = { atLeastAsFresh: written.writtenAt };
  const check = async (permission: string, user: string) => {
    const [answer] = await post("/permissions/check", {
      consistency,
      resource: object("document:q1"),
      permission,
      subject: { object: object(`user:${user}`) },
    });
    return answer.permissionship;
  };
  assert.equal(await check("read", "bob"), "PERMISSIONSHIP_HAS_PERMISSION");
  assert.equal(await check("write", "bob"), "PERMISSIONSHIP_NO_PERMISSION");
  assert.equal(await check("own", "ada"), "PERMISSIONSHIP_HAS_PERMISSION");
  const found = await post("/permissions/resources", {
    consistency,
    resourceObjectType: "document",
    permission: "read",
    subject: { object: object("user:bob") },
  });
  assert.deepEqual(
    found.map(({ result }) => result.resourceObjectId),
    ["q1"],
  );
  const subjects = await post("/permissions/subjects", {
    consistency,
    resource: object("document:q1"),
    permission: "read",
    subjectObjectType: "user",
  });
  assert.deepEqual(subjects.map(({ result }) => result.subject.subjectObjectId).toSorted(), [
    "ada",
    "bob",
  ]);
  const [read] = await post("/schema/read", {});
  assert.match(read.schemaText, /definition document/);
});
