import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { serveForTest, type TestServer } from "../../../../test/gateway/server.ts";
import { suiteFolder } from "../../../../test/suites.ts";
import type { RelationshipUpdate } from "../../../model/relationship.ts";
import { parseObject, parseSubject } from "../read.ts";

type Json = Record<string, unknown>;

let server: TestServer;

before(async () => {
  server = await serveForTest();
});
after(() => server.close());

/** `document:1#viewer@user:ada`, maybe with a caveat and its context. */
function touch(
  text: string,
  caveat?: string,
  context?: Record<string, unknown>,
): RelationshipUpdate {
  const [, resource = "", relation = "", subject = ""] = /^(.*?)#(.*?)@(.*)$/.exec(text) ?? [];
  return {
    operation: "touch",
    relationship: {
      resource: parseObject(resource, text),
      relation,
      subject: parseSubject(subject, text),
      ...(caveat === undefined
        ? {}
        : { caveat: context === undefined ? { name: caveat } : { name: caveat, context } }),
    },
  };
}

async function openTenant(id: string, schema: string, updates: RelationshipUpdate[]): Promise<Ask> {
  await server.authz.createTenant({ id });
  const tenant = server.authz.tenant(id);
  await tenant.writeSchema({ dialect: "native", text: schema });
  await tenant.write({ updates });
  return async (at, body, headers = {}) => {
    const response = await fetch(`${server.url}/access/v1/${at}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-holdfast-tenant": id, ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text) };
  };
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {};
  }
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Json;
}

type Ask = (path: string, body: unknown, headers?: Record<string, string>) => Promise<Reply>;

const folder = suiteFolder("authzen");

describe("the todo application of the interoperability events", {
  skip: folder === undefined,
}, () => {
  const users = [
    "rick@the-citadel.com",
    "morty@the-citadel.com",
    "summer@the-smiths.com",
    "beth@the-smiths.com",
    "jerry@the-smiths.com",
  ];
  const roles: Readonly<Record<string, readonly string[]>> = {
    "rick@the-citadel.com": ["admin", "evil_genius"],
    "morty@the-citadel.com": ["editor"],
    "summer@the-smiths.com": ["editor"],
    "beth@the-smiths.com": ["viewer"],
    "jerry@the-smiths.com": ["viewer"],
  };
  const schema = `
definition user {
  relation reader: user:*
  permission can_read_user = reader
}

/** The property ownerID of the todo must be the address of the one who asks. */
caveat is_owner(email string, ownerID string) { email == ownerID }

definition application {
  relation viewer: user
  relation editor: user
  relation editor_of_own: user with is_owner
  relation admin: user
  relation evil_genius: user
  permission anybody = viewer + editor + admin + evil_genius
  permission creator = editor + admin
  permission updater = evil_genius + editor_of_own
  permission deleter = admin + editor_of_own
}

definition todo {
  relation app: application
  permission can_read_todos = app->anybody
  permission can_create_todo = app->creator
  permission can_update_todo = app->updater
  permission can_delete_todo = app->deleter
}`;

  function read(name: string): Record<string, { request: Json; expected: unknown }[]> {
    return JSON.parse(readFileSync(path.join(folder!, "todo", name), "utf8"));
  }

  /** Pre-1.0 files have the properties beside the id, and name the subject in two ways. */
  function normalise({ subject, resource, ...rest }: Json): Json {
    return { ...rest, subject: strip(subject as Json), resource: strip(resource as Json) };
  }

  function strip({ type, id, properties, identity: _, ...others }: Json): Json {
    return { type, id, properties: { ...others, ...(properties as Json) } };
  }

  let ask: Ask;

  before(async () => {
    const identities = new Map<string, string>(users.map((user) => [user, user]));
    for (const { request } of read("decisions.json")["decisions"]!) {
      const { id, identity } = request["subject"] as { id: string; identity: string };
      identities.set(identity, id);
    }
    const updates = users.map((user) => touch(`user:${user}#reader@user:*`));
    for (const [subject, email] of identities) {
      for (const role of roles[email] ?? []) {
        updates.push(touch(`application:todo#${role}@user:${subject}`));
        if (role === "editor") {
          updates.push(
            touch(`application:todo#editor_of_own@user:${subject}`, "is_owner", { email }),
          );
        }
      }
    }
    const todos = [
      "todo-1",
      ...["91", "92", "93", "94", "95"].map((end) => `7240d0db-8ff0-41ec-98b2-34a096273b${end}`),
    ];
    const named = new Set(todos);
    for (const name of ["decisions.json", "decisions-authorization-api-1_0-02.json"]) {
      for (const each of Object.values(read(name)).flat()) {
        const single = each.request["resource"] as Json | undefined;
        const many = (each.request["evaluations"] ?? []) as { resource: Json }[];
        for (const resource of [single, ...many.map((one) => one.resource)]) {
          if (resource?.["type"] === "todo") named.add(String(resource["id"]));
        }
      }
    }
    for (const todo of named) updates.push(touch(`todo:${todo}#app@application:todo`));
    ask = await openTenant("todo", schema, updates);
  });

  for (const name of [
    "decisions.json",
    "decisions-authorization-api-1_0-00.json",
    "decisions-authorization-api-1_0-01.json",
    "decisions-authorization-api-1_0-02.json",
  ]) {
    test(`all decisions of ${name}`, async (t) => {
      const cases = read(name)[name === "decisions.json" ? "decisions" : "evaluation"]!;
      for (const { request, expected } of cases) {
        const { status, body } = await ask("evaluation", normalise(request));
        assert.equal(status, 200);
        assert.equal(body["decision"], expected, JSON.stringify(request));
      }
      t.diagnostic(`${cases.length} decisions`);
    });
  }

  test("all evaluations of several at once", async (t) => {
    const cases = read("decisions-authorization-api-1_0-02.json")["evaluations"]!;
    for (const { request, expected } of cases) {
      const { body } = await ask("evaluations", request);
      const decisions = (body["evaluations"] as Json[]).map(({ decision }) => ({ decision }));
      assert.deepEqual(decisions, expected, JSON.stringify(request));
    }
    t.diagnostic(`${cases.length} requests`);
  });
});

describe("the scenario of AuthZEN's certification", () => {
  const schema = `
definition user {}

caveat not_archived(resource map<any>) {
  !("status" in resource) || resource.status != "archived"
}
caveat archived_admin(status string, role string) { status == "archived" && role == "admin" }
caveat archived(status string) { status == "archived" }
caveat softly(soft bool) { soft }

definition record {
  relation reader: user
  relation writer: user with not_archived | user with archived | user:* with archived_admin
  relation deleter: user with softly
  permission read = reader
  permission write = writer
  permission delete = deleter
}`;
  let ask: Ask;

  before(async () => {
    ask = await openTenant("certification", schema, [
      touch("record:record-1#reader@user:alice"),
      touch("record:record-1#reader@user:bob"),
      touch("record:record-1#writer@user:alice", "not_archived"),
      touch("record:record-2#writer@user:alice", "not_archived"),
      touch("record:record-1#writer@user:*", "archived_admin"),
      touch("record:record-2#writer@user:*", "archived_admin"),
      touch("record:record-2#writer@user:bob", "archived"),
      touch("record:record-1#deleter@user:alice", "softly"),
    ]);
  });

  const request = (subject: string, action: string, resource: string, more: Json = {}): Json => ({
    subject: { type: "user", id: subject, ...(more["subject"] as Json) },
    action: { name: action, ...(more["action"] as Json) },
    resource: { type: "record", id: resource, ...(more["resource"] as Json) },
    ...(more["context"] === undefined ? {} : { context: more["context"] }),
  });
  const archived = { resource: { properties: { status: "archived" } } };
  const admin = { subject: { properties: { role: "admin" } } };
  const rules: readonly (readonly [string, Json, boolean])[] = [
    ["1", request("alice", "read", "record-1"), true],
    ["2", request("alice", "write", "record-1"), true],
    ["3", request("bob", "read", "record-1"), true],
    ["4", request("bob", "write", "record-1"), false],
    ["5", request("alice", "write", "record-2", archived), false],
    ["6", request("bob", "write", "record-2", { ...archived, ...admin }), true],
    ["7", request("alice", "delete", "record-1", { action: { properties: { soft: true } } }), true],
    [
      "8",
      request("alice", "delete", "record-1", { action: { properties: { soft: false } } }),
      false,
    ],
  ];

  for (const [rule, body, expected] of rules) {
    test(`rule ${rule} is decided, whatever else is in the request`, async () => {
      assert.equal((await ask("evaluation", body)).body["decision"], expected);
      const more = {
        ...body,
        context: { time: "2024-05-31T15:22-07:00" },
        unknown: { a: [1] },
        resource: { ...(body["resource"] as Json), more: 1 },
      };
      assert.equal((await ask("evaluation", more)).body["decision"], expected);
    });
  }

  test("what is missing or of another type is 400 with a message", async () => {
    const good = request("alice", "read", "record-1");
    const without = (name: string, key?: string): Json => {
      const copy = structuredClone(good);
      if (key === undefined) delete copy[name];
      else delete (copy[name] as Json)[key];
      return copy;
    };
    const bad: unknown[] = [
      without("subject"), without("action"), without("resource"),
      without("subject", "type"), without("subject", "id"), without("action", "name"),
      without("resource", "type"), without("resource", "id"),
      "", "{", "[]", "null", "7",
      { ...good, subject: "alice" }, { ...good, action: { name: 7 } }, { ...good, resource: [] },
      { ...good, context: "now" }, { ...good, subject: { type: "user", id: "x", properties: 1 } },
    ]; // biome-ignore format: a list of requests
    for (const body of bad) {
      const { status, text, headers } = await ask("evaluation", body, { "x-request-id": "r 1" });
      assert.equal(status, 400, JSON.stringify(body));
      assert.match(text, /^invalid-(?:argument|json): /);
      assert.equal(headers.get("x-request-id"), "r 1");
    }
    const wrongType = await ask("evaluation", good, { "content-type": "text/plain" });
    assert.equal(wrongType.status, 400);
  });

  test("the id of a request is echoed, and is not needed", async () => {
    const body = request("alice", "read", "record-1");
    const { headers } = await ask("evaluation", body, { "x-request-id": "bfe9eb29-ab87" });
    assert.equal(headers.get("x-request-id"), "bfe9eb29-ab87");
    assert.equal((await ask("evaluation", body)).headers.get("x-request-id"), null);
  });

  test("a name that the schema has not is denied, with the reason", async () => {
    const { status, body } = await ask("evaluation", request("alice", "fly", "record-1"));
    assert.equal(status, 200);
    assert.equal(body["decision"], false);
    assert.equal((body["context"] as { error: { code: string } }).error.code, "unknown-relation");
  });

  test("evaluations take defaults, and stop where they are told to", async () => {
    const decisions = async (more: Json): Promise<unknown[]> => {
      const { body } = await ask("evaluations", {
        subject: { type: "user", id: "alice" },
        action: { name: "write" },
        resource: { type: "record", id: "record-1" },
        evaluations: [{}, second, { action: { name: "read" } }],
        ...more,
      });
      return (body["evaluations"] as Json[]).map(({ decision }) => decision);
    };
    const second = { resource: { type: "record", id: "record-2", ...archived.resource } };
    const semantic = (evaluations_semantic: string): Json => ({
      options: { evaluations_semantic },
    });
    assert.deepEqual(await decisions({}), [true, false, true]);
    assert.deepEqual(await decisions(semantic("execute_all")), [true, false, true]);
    assert.deepEqual(await decisions(semantic("deny_on_first_deny")), [true, false]);
    assert.deepEqual(await decisions(semantic("permit_on_first_permit")), [true]);
    const unknown = await ask("evaluations", { evaluations: [{}], ...semantic("at_random") });
    assert.equal(unknown.status, 400);
    const incomplete = await ask("evaluations", {
      subject: { type: "user", id: "alice" },
      evaluations: [{ action: { name: "read" } }],
    });
    assert.equal(incomplete.status, 400);
    const single = await ask("evaluations", {
      ...request("alice", "read", "record-1"),
      evaluations: [],
    });
    assert.equal(single.body["decision"], true);
  });

  test("searches find what is permitted", async () => {
    const ids = async (kind: string, body: Json): Promise<unknown[]> => {
      const reply = await ask(`search/${kind}`, body);
      assert.equal(reply.status, 200, reply.text);
      return (reply.body["results"] as Json[]).map((each) => each["id"] ?? each["name"]);
    };
    const user = { type: "user" };
    const record1 = { type: "record", id: "record-1" };
    const s1 = await ids("subject", { subject: user, action: { name: "read" }, resource: record1 });
    assert.deepEqual(s1, ["alice", "bob"]);
    const s2 = await ids("resource", {
      subject: { type: "user", id: "alice" },
      action: { name: "read" },
      resource: { type: "record", id: "passed over" },
    });
    assert.deepEqual(s2, ["record-1"]);
    const s3 = await ids("action", { subject: { type: "user", id: "alice" }, resource: record1 });
    assert.ok(s3.includes("read") && s3.includes("write"), String(s3));
    const record2 = { type: "record", id: "record-2", ...archived.resource };
    const s4 = await ids("subject", {
      subject: user,
      action: { name: "write" },
      resource: record2,
    });
    assert.ok(s4.includes("bob"), String(s4));
    const bob = { type: "user", id: "bob", ...admin.subject };
    const s5 = await ids("resource", {
      subject: bob,
      action: { name: "write" },
      resource: { type: "record", ...archived.resource },
    });
    assert.ok(s5.includes("record-2"), String(s5));
    const s6 = await ids("action", { subject: bob, resource: record2 });
    assert.ok(s6.includes("write"), String(s6));
  });

  test("searches go page by page, and a token is bound to its question", async () => {
    const body = {
      subject: { type: "user" },
      action: { name: "read" },
      resource: { type: "record", id: "record-1" },
    };
    const seen: unknown[] = [];
    let page: Json = { limit: 1 };
    for (;;) {
      const reply = await ask("search/subject", { ...body, page });
      const { next_token: token, count } = reply.body["page"] as Json;
      const results = reply.body["results"] as Json[];
      assert.equal(count, results.length);
      seen.push(...results.map(({ id }) => id));
      if (token === "") break;
      const other = { ...body, action: { name: "write" }, page: { token } };
      assert.equal((await ask("search/subject", other)).status, 400);
      assert.equal(
        (await ask("search/subject", { ...body, page: { token, limit: 2 } })).status,
        400,
      );
      page = { token };
    }
    assert.deepEqual(seen, ["alice", "bob"]);
    const broken = await ask("search/subject", { ...body, page: { token: "bm9uc2Vuc2U" } });
    assert.equal(broken.status, 400);
    const actions = await ask("search/action", {
      subject: { type: "user", id: "alice" },
      resource: body.resource,
      page: { limit: 1 },
    });
    assert.equal((actions.body["results"] as Json[]).length, 1);
    assert.notEqual((actions.body["page"] as Json)["next_token"], "");
  });

  test("discovery names the endpoints, wherever the request says it was sent", async () => {
    const response = await fetch(`${server.url}/.well-known/authzen-configuration`);
    assert.deepEqual(await response.json(), {
      policy_decision_point: server.url,
      access_evaluation_endpoint: `${server.url}/access/v1/evaluation`,
      access_evaluations_endpoint: `${server.url}/access/v1/evaluations`,
      search_subject_endpoint: `${server.url}/access/v1/search/subject`,
      search_resource_endpoint: `${server.url}/access/v1/search/resource`,
      search_action_endpoint: `${server.url}/access/v1/search/action`,
    });
  });
});
