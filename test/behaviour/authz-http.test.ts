/** Permissions that handlers declare, asked for over HTTP. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  actor,
  authorization,
  handler,
  PermissionDenied,
  type ServeOptions,
  serve,
} from "holdfast";
import { connect, makeClient } from "holdfast/client";
import { coded } from "./harness.ts";

const access = authorization({
  schema: `
    definition user {}
    definition page {
      relation writer: user
      relation reader: user
      permission write = writer
      permission read = reader + write
    }`,
});

const page = actor("page", {
  state: { text: "" },
  handlers: {
    open: (ctx, text: string) => {
      ctx.set("text", text);
      const subject = { type: "user", id: ctx.caller ?? "nobody" };
      const resource = { type: "page", id: ctx.key };
      ctx.relate({ touch: [{ resource, relation: "writer", subject }] });
    },
    read: handler({ permission: "read" }, (ctx) => ctx.get("text")),
  },
});

const tokens = [
  { name: "alice", token: "token-of-alice" },
  { name: "bob", token: "token-of-bob" },
  { name: "eve", token: "token-of-eve", rights: [], calls: true },
];

async function stage(options: Partial<ServeOptions> = {}) {
  const server = await serve({
    services: [page],
    authorization: access,
    store: ":memory:",
    port: 0,
    log: () => undefined,
    ...options,
  });
  const post = (path: string, headers: Record<string, string>, body?: string) =>
    fetch(`${server.url}${path}`, {
      method: "POST",
      headers: {
        ...headers,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body }),
    });
  return { server, post, [Symbol.asyncDispose]: () => server.close({ drainMs: 0 }) };
}

const bearer = (token: string) => ({ authorization: `Bearer token-of-${token}` });

test("the token says who calls, and a denial is 403 with who, what and why", async () => {
  await using on = await stage({ tokens });
  assert.equal((await on.post("/call/page/p/open", bearer("alice"), '"hello"')).status, 204);
  assert.equal(await (await on.post("/call/page/p/read", bearer("alice"))).json(), "hello");
  for (const way of ["call", "send"]) {
    const denied = await on.post(`/${way}/page/p/read`, bearer("bob"));
    assert.equal(denied.status, 403);
    assert.equal(denied.headers.get("content-type"), "application/problem+json");
    const problem = (await denied.json()) as Record<string, unknown>;
    assert.equal(problem["code"], "permission-denied");
    assert.deepEqual(problem["details"], {
      subject: "user:bob",
      permission: "read",
      resource: "page:p",
    });
    const explanation = problem["explanation"] as { what: string; verdict: string };
    assert.equal(explanation.what, "page:p#read");
    assert.equal(explanation.verdict, "no");
  }
  const { invocations } = await on.server.list({ handler: "read" });
  assert.equal(invocations.length, 1);
});

test("who may call and not read relationships is denied without being told why", async () => {
  await using on = await stage({ tokens });
  const denied = await on.post("/call/page/p/read", bearer("eve"));
  assert.equal(denied.status, 403);
  const problem = (await denied.json()) as Record<string, unknown>;
  assert.equal(problem["detail"], "user:eve has no permission read on page:p");
  assert.ok(!("explanation" in problem));
  // And nothing but calls is open to it.
  assert.equal((await on.post("/query", bearer("eve"), '{"sql": "select 1"}')).status, 403);
  const state = await fetch(`${on.server.url}/state/page/p`, { headers: bearer("eve") });
  assert.equal(state.status, 403);
  assert.equal((await on.post("/call/page/e/open", bearer("eve"), '"mine"')).status, 204);
  assert.equal(await (await on.post("/call/page/e/read", bearer("eve"))).json(), "mine");
});

test("without tokens a header names the caller, and it is refused beside tokens", async () => {
  await using open = await stage();
  const [ann, bob] = [{ "x-holdfast-caller": "ann" }, { "x-holdfast-caller": "bob" }];
  assert.equal((await open.post("/call/page/p/open", ann, '"hello"')).status, 204);
  assert.equal(await (await open.post("/call/page/p/read", ann)).json(), "hello");
  const denied = await open.post("/call/page/p/read", bob);
  assert.equal(denied.status, 403);
  assert.ok("explanation" in ((await denied.json()) as object));
  const nobody = await open.post("/call/page/p/read", {});
  assert.equal(nobody.status, 403);
  assert.equal(((await nobody.json()) as { code: string }).code, "caller-missing");
  const blank = await open.post("/call/page/p/read", { "x-holdfast-caller": "" });
  assert.equal(blank.status, 400);
  const twice = await fetch(`${open.server.url}/call/page/p/read`, {
    method: "POST",
    headers: [
      ["x-holdfast-caller", "bob"],
      ["X-Holdfast-Caller", "ann"],
    ],
  });
  assert.notEqual(twice.status, 200);

  await using closed = await stage({ tokens });
  await closed.post("/call/page/p/open", bearer("alice"), '"hello"');
  const claimed = await closed.post("/call/page/p/read", {
    ...bearer("bob"),
    "x-holdfast-caller": "alice",
  });
  assert.equal(claimed.status, 400);
  assert.equal(((await claimed.json()) as { code: string }).code, "invalid-argument");
  assert.equal(
    (await closed.post("/call/page/p/read", { "x-holdfast-caller": "alice" })).status,
    401,
  );
});

test("a gateway's token names for whom it calls, and may no more than before", async () => {
  const gateway = { name: "gateway", token: "token-of-gateway", rights: [], onBehalf: true };
  await using on = await stage({ tokens: [...tokens, gateway] });
  const as = (caller: string) => ({ ...bearer("gateway"), "x-holdfast-caller": caller });
  assert.equal((await on.post("/call/page/p/open", as("ann"), '"hello"')).status, 204);
  assert.equal(await (await on.post("/call/page/p/read", as("ann"))).json(), "hello");
  assert.equal((await on.post("/call/page/p/read", as("bob"))).status, 403);
  assert.equal((await on.post("/call/page/p/read", bearer("gateway"))).status, 403);
  // "alice" has a token that may do everything: its rights are not lent to who names her.
  const tenants = await fetch(`${on.server.url}/authz/tenants/default/relationships/read`, {
    method: "POST",
    headers: as("alice"),
  });
  assert.equal(tenants.status, 403);
  assert.equal((await on.post("/call/page/p/read", as(" "))).status, 400);
});

test("a server warns where those who may call may also change who may what", async () => {
  const warned = async (options: Partial<ServeOptions>): Promise<unknown[]> => {
    const lines: unknown[] = [];
    const log: ServeOptions["log"] = (level, _, fields) => level === "warn" && lines.push(fields);
    await (await stage({ ...options, log })).server.close();
    return lines;
  };
  const [line] = await warned({ tokens });
  assert.deepEqual((line as { tokens: unknown }).tokens, "alice, bob");
  assert.deepEqual(await warned({ tokens: tokens.slice(2) }), []);
  assert.deepEqual(await warned({ tokens, services: [] }), []);
});

test("the client says as whom it calls, and gets the explanation", async () => {
  await using on = await stage();
  const client = makeClient(connect({ url: on.server.url }));
  const [ann, bob] = [client.as("ann"), client.as("bjørn")];
  await ann.call(page, "p").open("hello");
  assert.equal(await ann.call(page, "p").read(), "hello");
  await assert.rejects(bob.call(page, "p").read(), (error) => {
    assert.ok(error instanceof Error);
    assert.match(error.message, /invalid-relationship|not a relationship|bjørn/);
    return true;
  });
  await assert.rejects(client.as("bob").send(page, "p").read(), (error) => {
    assert.ok(error instanceof PermissionDenied);
    assert.equal(error.explanation?.what, "page:p#read");
    return true;
  });
  await assert.rejects(client.call(page, "p").read(), coded("caller-missing"));
});

test("the description of the server says which handlers may be denied", async () => {
  await using on = await stage();
  const { paths } = (await (await fetch(`${on.server.url}/openapi.json`)).json()) as {
    paths: Record<string, { post: { responses: Record<string, { description: string }> } }>;
  };
  for (const way of ["call", "send"]) {
    const denied = paths[`/${way}/page/{key}/read`]?.post.responses["403"]?.description;
    assert.match(denied ?? "", /permission-denied/);
    assert.equal(paths[`/${way}/page/{key}/open`]?.post.responses["403"], undefined);
  }
});
