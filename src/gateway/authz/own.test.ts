import assert from "node:assert/strict";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { makeAuthzStage } from "../../../test/gateway/authz-stage.ts";
import { serveForTest } from "../../../test/gateway/server.ts";
import { problem, RawClient } from "../../../test/gateway/stage.ts";
import type { WatchEvent } from "../../model/authz.ts";
import { fail } from "../../model/errors.ts";
import { defaultLimits } from "../../model/limits.ts";

test("tenants are created, listed, described and deleted", async () => {
  await using stage = await makeAuthzStage();
  const created = await stage.post("/authz/tenants", '{"id":"acme","name":"Acme"}');
  assert.equal(created.status, 201);
  assert.equal(created.headers.get("location"), "/authz/tenants/acme");
  assert.equal((await stage.post("/authz/tenants")).status, 201);
  const list = (await (await stage.fetch("/authz/tenants?limit=5")).json()) as { items: unknown[] };
  assert.equal(list.items.length, 1);
  assert.equal((await stage.fetch("/authz/tenants/acme")).status, 200);
  assert.equal((await problem(await stage.fetch("/authz/tenants/x")))["code"], "unknown-tenant");
  assert.equal((await stage.fetch("/authz/tenants/acme", { method: "DELETE" })).status, 204);
  assert.deepEqual(stage.calls, [
    ["createTenant", { id: "acme", name: "Acme" }],
    ["createTenant", {}],
    ["acme", "describe"],
    ["x", "describe"],
    ["deleteTenant", "acme"],
  ]);
});

test("a check may name its objects as text or in their parts", async () => {
  await using stage = await makeAuthzStage();
  const request = { permission: "view", consistency: "fully-consistent", context: { a: 1 } };
  const asText = await stage.ask("check", {
    ...request,
    resource: "document:1",
    subject: "group:x#member",
  });
  assert.deepEqual(await asText.json(), { verdict: "yes", missing: [], zookie: "z2" });
  await stage.ask("check", {
    ...request,
    resource: { type: "document", id: "1" },
    subject: { type: "group", id: "x", relation: "member" },
  });
  assert.deepEqual(stage.calls[0], stage.calls[1]);
  assert.deepEqual(stage.calls[0]?.[2], {
    resource: { type: "document", id: "1" },
    permission: "view",
    subject: { type: "group", id: "x", relation: "member" },
    consistency: { kind: "fully-consistent" },
    context: { a: 1 },
  });
});

test("a bulk check has each answer, or each error, in its place", async () => {
  await using stage = await makeAuthzStage({
    tenant: {
      checkMany: async () => ({
        items: [
          { verdict: "yes", missing: [] },
          { verdict: "no", missing: [] },
          { verdict: "conditional", missing: ["ip"] },
          { error: fail("unknown-type", { type: "x", suggestion: "" }) },
        ],
        zookie: "z5",
      }),
    },
  });
  const items = ["document:1#view@user:ada@example.com", "a:1#b@c:d#e", "a:1#b@c:d", "x:1#b@c:d"];
  const answer = (await (await stage.ask("check-many", { items })).json()) as {
    items: { error?: { code: string } }[];
  };
  assert.deepEqual(answer.items.slice(0, 3), [
    { verdict: "yes", missing: [] },
    { verdict: "no", missing: [] },
    { verdict: "conditional", missing: ["ip"] },
  ]);
  assert.equal(answer.items[3]?.error?.code, "unknown-type");
  assert.deepEqual(stage.calls[0]?.[2], {
    items: [
      {
        resource: { type: "document", id: "1" },
        permission: "view",
        subject: { type: "user", id: "ada@example.com" },
      },
      {
        resource: { type: "a", id: "1" },
        permission: "b",
        subject: { type: "c", id: "d", relation: "e" },
      },
      { resource: { type: "a", id: "1" }, permission: "b", subject: { type: "c", id: "d" } },
      { resource: { type: "x", id: "1" }, permission: "b", subject: { type: "c", id: "d" } },
    ],
  });
});

test("whatever is not a question is refused, and nothing reaches the port", async () => {
  await using stage = await makeAuthzStage();
  const good = { resource: "a:1", permission: "p", subject: "b:2" };
  const cases: readonly (readonly [string, unknown])[] = [
    ["check", undefined],
    ["check", null],
    ["check", []],
    ["check", 7],
    ["check", {}],
    ["check", { ...good, other: 1 }],
    ["check", { ...good, resource: "a" }],
    ["check", { ...good, resource: { type: "a" } }],
    ["check", { ...good, resource: { type: "a", id: "" } }],
    ["check", { ...good, resource: { type: "a", id: 1 } }],
    ["check", { ...good, subject: { type: "a", id: "b", relation: null } }],
    ["check", { ...good, permission: "\ud800" }],
    ["check", { ...good, subject: "b:\udfff" }],
    ["check", { ...good, context: [] }],
    ["check", { ...good, contextual: {} }],
    ["check", { ...good, contextual: ["a:1"] }],
    ["check", { ...good, consistency: "soon" }],
    ["check", { ...good, consistency: { kind: "exact-snapshot" } }],
    ["check", { ...good, explain: "yes" }],
    ["check-many", { items: [] }],
    ["check-many", { items: [good, "a:1"] }],
    ["check-many", { items: [null] }],
    ["expand", { ...good }],
    ["lookup-resources", { resourceType: "a", permission: "p", subject: "b:1", limit: 0 }],
    ["lookup-subjects", { resource: "a:1", permission: "p", subjectType: 1 }],
    ["permissions", { resource: "a:1" }],
    ["relationships", { updates: {} }],
    ["relationships", { updates: [{ operation: "put", relationship: "a:1#b@c:1" }] }],
    ["relationships", { updates: [], onExisting: "x" }],
    ["relationships/delete", { filter: { type: "x" } }],
    ["relationships/read", { filter: { relation: null } }],
    ["schemas", { dialect: "cedar", text: "x" }],
    ["schemas", { dialect: "native", text: "" }],
  ];
  for (const [verb, body] of cases) {
    const response = await stage.ask(verb, body);
    assert.equal(response.status, 400, `${verb} ${JSON.stringify(body)}`);
    assert.equal((await problem(response))["code"], "invalid-argument");
  }
  assert.deepEqual(stage.calls, []);
});

test("limits of one request hold before the port is asked", async () => {
  await using stage = await makeAuthzStage({
    limits: { authzChecks: 2, authzUpdates: 2, authzContextual: 1, authzPreconditions: 1 },
  });
  const item = "a:1#b@c:1";
  const update = { operation: "touch", relationship: item };
  const precondition = { must: "match", filter: { resourceType: "a" } };
  for (const [verb, body] of [
    ["check-many", { items: [item, item, item] }],
    ["relationships", { updates: [update, update, update] }],
    ["relationships", { updates: [update], preconditions: [precondition, precondition] }],
    ["check", { resource: "a:1", permission: "b", subject: "c:1", contextual: [item, item] }],
  ] as const) {
    const response = await stage.ask(verb, body);
    assert.equal(response.status, 413, verb);
    const { code, action } = await problem(response);
    assert.equal(code, "too-many");
    assert.match(String(action), /^Split it/);
  }
  assert.deepEqual(stage.calls, []);
});

test("relationships are written, read and deleted as they are", async () => {
  await using stage = await makeAuthzStage();
  const relationship = {
    resource: { type: "document", id: "1" },
    relation: "viewer",
    subject: { type: "user", id: "ada" },
    caveat: { name: "office", context: { ip: "10.0.0.1" } },
    expiresAt: 1_900_000_000_000,
  };
  await stage.ask("relationships", {
    updates: [
      { operation: "create", relationship },
      { operation: "delete", relationship: "document:1#viewer@user:*" },
    ],
    preconditions: [{ must: "not-match", filter: { subjectRelation: null } }],
    onMissing: "refuse",
    metadata: { by: "me" },
  });
  assert.deepEqual(stage.calls[0], [
    "acme",
    "write",
    {
      updates: [
        { operation: "create", relationship },
        {
          operation: "delete",
          relationship: {
            resource: { type: "document", id: "1" },
            relation: "viewer",
            subject: { type: "user", id: "*" },
          },
        },
      ],
      preconditions: [{ must: "not-match", filter: { subjectRelation: null } }],
      onMissing: "refuse",
      metadata: { by: "me" },
    },
  ]);
  const path = "/authz/tenants/acme/objects/document/a%2Fb";
  const deleted = await stage.fetch(path, { method: "DELETE" });
  assert.deepEqual(await deleted.json(), { zookie: "z3", deleted: 2, complete: true });
  assert.deepEqual(stage.calls[1], ["acme", "deleteObject", { type: "document", id: "a/b" }]);
});

test("a watch is a stream of lines, or of events for browsers, which go on where they were", async () => {
  const change: WatchEvent = { kind: "change", change: { zookie: "z7", at: 5, updates: [] } };
  const asked: unknown[] = [];
  await using stage = await makeAuthzStage({
    tenant: {
      async *watch(request) {
        asked.push(request?.after);
        yield { kind: "heartbeat", zookie: "z6" };
        yield change;
        throw fail("zookie-expired");
      },
    },
  });
  const lines = await (await stage.fetch("/authz/tenants/acme/watch?after=z5")).text();
  const events = lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(events.slice(0, 2), [{ kind: "heartbeat", zookie: "z6" }, change]);
  assert.equal(events[2].kind, "error");
  assert.equal(events[2].error.code, "zookie-expired");
  const response = await stage.fetch("/authz/tenants/acme/watch", {
    headers: { accept: "text/event-stream", "last-event-id": "z8" },
  });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.match(
    await response.text(),
    /^event: heartbeat\nid: z6\ndata: \{"zookie":"z6"\}\n\nevent: change\nid: z7\n/,
  );
  assert.deepEqual(asked, ["z5", "z8"]);
});

test("a refusal before the first event is a problem with its status", async () => {
  await using stage = await makeAuthzStage({
    tenant: {
      // biome-ignore lint/correctness/useYield: it refuses before it has anything
      async *watch() {
        throw fail("zookie-expired");
      },
    },
  });
  const response = await stage.fetch("/authz/tenants/acme/watch?after=z5");
  assert.equal(response.status, 410);
  assert.equal((await problem(response))["code"], "zookie-expired");
});

test("a quiet watch has its head at once, and ends with the client and with the server", async () => {
  const ended: string[] = [];
  const stage = await makeAuthzStage({
    tenant: {
      async *watch(request) {
        await new Promise<void>((resolve) =>
          request?.signal?.addEventListener("abort", () => resolve()),
        );
        ended.push("ended");
      },
    },
  });
  const client = new AbortController();
  const first = await stage.fetch("/authz/tenants/acme/watch", { signal: client.signal });
  assert.equal(first.status, 200);
  client.abort();
  while (ended.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  const second = await stage.fetch("/authz/tenants/acme/watch");
  await stage.gateway.close({ drainMs: 60_000 });
  assert.equal(await second.text(), "");
  assert.equal(ended.length, 2);
});

test("an import writes in batches, tells how far it came, and says where it failed", async () => {
  const batches: number[] = [];
  await using stage = await makeAuthzStage({
    tenant: {
      write: async ({ updates }) => {
        batches.push(updates.length);
        return { zookie: `z${batches.length}`, written: updates.length, deleted: 0 };
      },
    },
  });
  const line = (i: number): string => JSON.stringify(`document:${i}#viewer@user:ada`);
  const body = `${[0, 1, 2, 3, 4].map(line).join("\n")}\n\ndocument:9#viewer@user:bob`;
  const response = await stage.post("/authz/tenants/acme/import?batch=2", body, {
    "content-type": "application/x-ndjson",
  });
  const told = (await response.text())
    .trim()
    .split("\n")
    .map((each) => JSON.parse(each));
  assert.deepEqual(told, [
    { kind: "progress", lines: 2, loaded: 2, zookie: "z1" },
    { kind: "progress", lines: 4, loaded: 4, zookie: "z2" },
    { kind: "progress", lines: 7, loaded: 6, zookie: "z3" },
    { kind: "done", lines: 7, loaded: 6, zookie: "z3" },
  ]);
  const broken = await stage.post(
    "/authz/tenants/acme/import?batch=2",
    `${line(1)}\n${line(2)}\n{"resource":1}\n`,
  );
  const rest = (await broken.text())
    .trim()
    .split("\n")
    .map((each) => JSON.parse(each));
  assert.equal(rest[1].kind, "error");
  assert.equal(rest[1].lines, 2);
  assert.equal(rest[1].line, 3);
  assert.match(rest[1].error.detail, /^Line 3: \{"resource":1\} is not a relationship/);
  assert.doesNotMatch(rest[1].error.action, /nothing was changed/);
});

test("an import says the line of the relationship that a batch was refused for", async () => {
  await using stage = await makeAuthzStage({
    tenant: {
      write: async ({ updates }) => {
        const bad = updates.find(({ relationship }) => relationship.resource.id === "bad");
        const relationship = "document:bad#viewer@user:ada";
        if (bad !== undefined) throw fail("unknown-relation", { type: "document", relationship });
        return { zookie: "z", written: updates.length, deleted: 0 };
      },
    },
  });
  const lines = ["document:1", "document:2", "", "document:3", "document:bad"];
  const body = lines.map((object) => (object === "" ? "" : `${object}#viewer@user:ada`)).join("\n");
  const response = await stage.post("/authz/tenants/acme/import?batch=2", body);
  const told = (await response.text()).trim().split("\n");
  const { lines: written, line, error } = JSON.parse(told[1] ?? "");
  assert.deepEqual([written, line], [2, 5]);
  assert.match(error.detail, /^Line 5, document:bad#viewer@user:ada: /);
});

test("an import that is refused early leaves its connection usable", async () => {
  await using stage = await makeAuthzStage();
  using client = new RawClient(stage.port);
  const body = `nonsense\n${"document:1#viewer@user:ada\n".repeat(20_000)}`;
  client.send(
    `POST /authz/tenants/acme/import HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await client.until(() => client.text.includes('"status":"up"'));
  assert.match(client.text, /^HTTP\/1\.1 400 /);
});

test("an export goes through all pages of one revision, and says where to go on", async () => {
  const relationship = {
    resource: { type: "document", id: "1" },
    relation: "viewer",
    subject: { type: "user", id: "ada" },
  };
  const read = { ...relationship, writtenAt: 7 };
  await using stage = await makeAuthzStage({
    tenant: {
      read: async (request) =>
        request.after === undefined
          ? { items: [read], next: "c1", zookie: "z1" }
          : { items: [read, read], next: null, zookie: "z1" },
    },
  });
  const text = await (await stage.fetch("/authz/tenants/acme/export?resourceType=document")).text();
  assert.deepEqual(
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
    [
      relationship,
      { kind: "cursor", after: "c1", zookie: "z1", exported: 1 },
      relationship,
      relationship,
      { kind: "done", zookie: "z1", exported: 3 },
    ],
  );
  assert.deepEqual(stage.calls[1]?.[2], {
    limit: defaultLimits.authzPage,
    filter: { resourceType: "document" },
    after: "c1",
    consistency: { kind: "exact-snapshot", zookie: "z1" },
  });
});

test("what the port refuses is a problem with its code", async () => {
  await using stage = await makeAuthzStage();
  const response = await stage.post(
    "/authz/tenants/nobody/check",
    '{"resource":"a:1","permission":"p","subject":"b:1"}',
  );
  assert.equal(response.status, 404);
  assert.equal((await problem(response))["code"], "unknown-tenant");
});

test("metrics count by tenant, and only tenants that are there have a name", async () => {
  await using stage = await makeAuthzStage();
  const check = '{"resource":"a:1","permission":"p","subject":"b:1"}';
  await stage.ask("check", JSON.parse(check));
  await stage.post("/authz/tenants/nobody/check", check);
  const text = await (await stage.fetch("/metrics")).text();
  assert.match(text, /holdfast_authz_checks_total\{tenant="acme"\} 1/);
  assert.match(text, /holdfast_authz_errors_total\{tenant="other"\} 1/);
  assert.doesNotMatch(text, /nobody/);
});

test("the description of it is valid, and all its references lead somewhere", async () => {
  await using stage = await makeAuthzStage();
  const document = (await (await stage.fetch("/openapi.json")).json()) as {
    paths: Record<string, unknown>;
    components: { schemas: Record<string, unknown> };
  };
  const { errors, valid } = await new Validator().validate(structuredClone(document));
  assert.deepEqual(errors ?? [], []);
  assert.equal(valid, true);
  for (const [, name = ""] of JSON.stringify(document).matchAll(
    /"#\/components\/schemas\/([^"]*)"/g,
  )) {
    assert.ok(name in document.components.schemas, name);
  }
  assert.ok("/authz/tenants/{tenant}/check-many" in document.paths);
  assert.ok(!("/stores" in document.paths), "others describe their own");
});

test("watches of a tenant are bounded", async () => {
  const server = await serveForTest({ limits: { authzWatchers: 1 } });
  await server.authz.createTenant({ id: "acme" });
  const watch = (): Promise<Response> => fetch(`${server.url}/authz/tenants/acme/watch`);
  const first = await watch();
  const second = await watch();
  assert.equal(second.status, 429);
  assert.equal((await problem(second))["code"], "limit-exceeded");
  await first.body?.cancel();
  await server.close();
});

test("a slow client holds back an export, and not the server", async () => {
  let pages = 0;
  const relationship = {
    resource: { type: "document", id: "x".repeat(1000) },
    relation: "viewer",
    subject: { type: "user", id: "ada" },
  };
  await using stage = await makeAuthzStage({
    tenant: {
      read: async () => {
        pages++;
        return { items: new Array(1000).fill(relationship), next: `c${pages}`, zookie: "z1" };
      },
    },
  });
  using client = new RawClient(stage.port);
  client.pause();
  client.send("GET /authz/tenants/acme/export HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while (pages === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  // As much as the buffers of both sides take, and no more.
  await new Promise((resolve) => setTimeout(resolve, 200));
  const soFar = pages;
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(pages, soFar);
  assert.ok(pages < 50, `${pages} pages of a megabyte`);
});

test("a context that is too deep is refused, however its name is written", async () => {
  await using stage = await makeAuthzStage();
  const deep = `${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`;
  for (const name of ["context", "\\u0063ontext"]) {
    const body = `{"resource":"a:1","permission":"p","subject":"b:1","${name}":${deep}}`;
    for (const verb of ["check", "check-many"]) {
      const response = await stage.post(`/authz/tenants/acme/${verb}`, body);
      assert.equal(response.status, 400);
      assert.equal((await problem(response))["code"], "invalid-json");
    }
  }
  const elsewhere = `{"resource":${deep},"permission":"p","subject":"b:1"}`;
  assert.equal((await stage.post("/authz/tenants/acme/check", elsewhere)).status, 400);
  assert.deepEqual(stage.calls, []);
});

test("a field that is not known is told with what was meant", async () => {
  await using stage = await makeAuthzStage();
  const body = { resource: "document:1", permision: "view", subject: "user:ada" };
  const { detail } = await problem(await stage.ask("check", body));
  assert.match(
    String(detail),
    /^The field "permision" of the body is not acceptable: .* \(did you mean permission\?\); known are/,
  );
});
