import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { validateFile } from "holdfast/authz";
import { openDrive } from "./server.ts";

const names = ["ada", "bob", "carl", "eve", "zoe"] as const;
type Name = (typeof names)[number];
const users = new Map(names.map((name) => [`token-of-${name}`, name as string]));

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for
  readonly value: any;
}

async function stage(store: string = ":memory:") {
  const drive = await openDrive({ store, port: 0, users });
  const as =
    (name: Name) =>
    async (method: string, at: string, body?: unknown): Promise<Answer> => {
      const response = await fetch(drive.url + at, {
        method,
        headers: { authorization: `Bearer token-of-${name}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = response.headers.get("content-type") === "application/json";
      return { status: response.status, value: isJson ? JSON.parse(text) : text };
    };
  const [ada, bob, carl, eve, zoe] = [as("ada"), as("bob"), as("carl"), as("eve"), as("zoe")];
  return { drive, ada, bob, carl, eve, zoe, [Symbol.asyncDispose]: () => drive.close() };
}

async function good(answer: Promise<Answer>): Promise<Answer["value"]> {
  const { status, value } = await answer;
  assert.ok(status < 300, `${status} ${JSON.stringify(value)}`);
  return value;
}

async function refused(answer: Promise<Answer>, status: number, code: string): Promise<void> {
  const { status: given, value } = await answer;
  assert.deepEqual([given, value.code], [status, code], JSON.stringify(value));
}

test("who creates a document owns it; others see it when it is shared with them", async () => {
  await using on = await stage();
  await good(on.ada("POST", "/documents/plan", { title: "The plan" }));
  await good(on.ada("PUT", "/documents/plan", "first draft"));
  await refused(on.bob("GET", "/documents/plan"), 403, "permission-denied");
  await refused(on.bob("PUT", "/documents/plan", "mine"), 403, "permission-denied");
  await refused(on.bob("POST", "/documents/plan", { title: "mine" }), 409, "exists");

  await good(on.ada("POST", "/documents/plan/share", { with: "user:bob", as: "reader" }));
  assert.deepEqual(await good(on.bob("GET", "/documents/plan")), {
    title: "The plan",
    text: "first draft",
  });
  await refused(on.bob("PUT", "/documents/plan", "mine"), 403, "permission-denied");
  await refused(
    on.bob("POST", "/documents/plan/share", { with: "user:eve", as: "reader" }),
    403,
    "permission-denied",
  );
  await good(on.ada("POST", "/documents/plan/unshare", { with: "user:bob", as: "reader" }));
  await refused(on.bob("GET", "/documents/plan"), 403, "permission-denied");
});

test("groups in groups, and folders in folders, hand rights on", async () => {
  await using on = await stage();
  await good(on.ada("POST", "/groups/staff", "Staff"));
  await good(on.ada("POST", "/groups/board", "Board"));
  await good(on.ada("POST", "/groups/staff/members", "user:bob"));
  await good(on.ada("POST", "/groups/board/members", "group:staff"));
  await refused(on.bob("POST", "/groups/staff/members", "user:eve"), 403, "permission-denied");
  await good(on.ada("POST", "/folders/work", { title: "Work" }));
  await good(on.ada("POST", "/folders/reports", { title: "Reports", folder: "work" }));
  await good(on.ada("POST", "/documents/q1", { title: "Q1", folder: "reports" }));
  await refused(
    on.bob("POST", "/documents/q2", { title: "x", folder: "reports" }),
    403,
    "permission-denied",
  );
  assert.deepEqual((await good(on.bob("GET", "/documents"))).documents, []);

  await good(on.ada("POST", "/folders/work/share", { with: "group:board", as: "writer" }));
  assert.deepEqual((await good(on.bob("GET", "/documents"))).documents, ["q1"]);
  await good(on.bob("PUT", "/documents/q1", "numbers"));
  await good(on.bob("POST", "/documents/q2", { title: "Q2", folder: "reports" }));
  assert.deepEqual((await good(on.ada("GET", "/documents?may=own"))).documents, ["q1", "q2"]);
  assert.deepEqual((await good(on.bob("GET", "/documents?may=own"))).documents, ["q2"]);

  await good(on.ada("DELETE", "/groups/staff/members?member=user:bob"));
  assert.deepEqual((await good(on.bob("GET", "/documents"))).documents, ["q2"]);
});

test("a public document is read by everybody but those who are banned", async () => {
  await using on = await stage();
  await good(on.ada("POST", "/documents/news", { title: "News" }));
  await good(on.ada("POST", "/documents/news/share", { with: "everybody", as: "reader" }));
  await good(on.eve("GET", "/documents/news"));
  await good(on.ada("POST", "/documents/news/ban", "eve"));
  await refused(on.eve("GET", "/documents/news"), 403, "permission-denied");
  assert.deepEqual((await good(on.eve("GET", "/documents"))).documents, []);
  assert.deepEqual((await good(on.zoe("GET", "/documents"))).documents, ["news"]);
  assert.deepEqual(await good(on.bob("GET", "/documents/news/people")), {
    everybody: true,
    people: ["ada"],
  });
  await refused(
    on.ada("POST", "/documents/news/share", { with: "everybody", as: "writer" }),
    400,
    "subject-not-allowed",
  );
});

test("a link lets in whoever opens it, until it is taken away", async () => {
  await using on = await stage();
  await good(on.ada("POST", "/documents/plan", { title: "The plan" }));
  const id = await good(on.ada("POST", "/documents/plan/links"));
  await refused(on.bob("POST", "/links/guessed"), 404, "unknown-link");
  await refused(on.bob("GET", "/documents/plan"), 403, "permission-denied");
  assert.equal(await good(on.bob("POST", `/links/${id}`)), "plan");
  await good(on.bob("GET", "/documents/plan"));
  assert.deepEqual((await good(on.ada("GET", "/documents/plan/people"))).people, ["ada", "bob"]);
  await good(on.ada("DELETE", `/documents/plan/links?link=${id}`));
  await refused(on.bob("GET", "/documents/plan"), 403, "permission-denied");
});

test("a guest's right ends by itself", async () => {
  await using on = await stage();
  await good(on.ada("POST", "/documents/plan", { title: "The plan" }));
  const share = { with: "user:carl", as: "reader" };
  const until = Date.now() + 1_500;
  await good(on.ada("POST", "/documents/plan/share", { ...share, until }));
  await good(on.carl("GET", "/documents/plan"));
  while (Date.now() <= until) await new Promise((resolve) => setTimeout(resolve, 100));
  await refused(on.carl("GET", "/documents/plan"), 403, "permission-denied");
  assert.deepEqual((await good(on.carl("GET", "/documents"))).documents, []);
});

test("owners see why somebody can read, as a picture in which nothing runs", async () => {
  await using on = await stage();
  await good(on.ada("POST", "/documents/plan", { title: "The plan" }));
  await refused(on.bob("GET", "/documents/plan/why?user=bob"), 403, "permission-denied");
  const svg = await good(on.ada("GET", "/documents/plan/why?user=ada"));
  assert.match(svg, /^<svg .*user:ada reads document:plan: yes/s);
  const evil = encodeURIComponent("<script>alert(1)</script>");
  const answer = await on.ada("GET", `/documents/plan/why?user=${evil}`);
  assert.doesNotMatch(JSON.stringify(answer.value), /<script>/);
});

test("a document that is deleted leaves no right behind", async () => {
  await using on = await stage();
  await good(on.ada("POST", "/documents/plan", { title: "The plan" }));
  await good(on.ada("POST", "/documents/plan/share", { with: "user:bob", as: "writer" }));
  await refused(on.bob("DELETE", "/documents/plan"), 403, "permission-denied");
  await good(on.ada("DELETE", "/documents/plan"));
  const { items } = await on.drive.app.authz.tenant("default").read({});
  assert.deepEqual(items, []);
  await good(on.eve("POST", "/documents/plan", { title: "Another" }));
  await refused(on.bob("GET", "/documents/plan"), 403, "permission-denied");
});

test("who is not known gets nothing; what is not there is 404", async () => {
  await using on = await stage();
  const response = await fetch(`${on.drive.url}/documents`);
  assert.equal(response.status, 401);
  await refused(on.ada("GET", "/elsewhere"), 404, "not-found");
  await refused(on.ada("PUT", "/documents/x", { no: "text" }), 400, "invalid-input");
});

test("everything is there after a restart", async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "drive-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const store = path.join(folder, "drive.db");
  {
    await using on = await stage(store);
    await good(on.ada("POST", "/documents/plan", { title: "The plan" }));
    await good(on.ada("POST", "/documents/plan/share", { with: "user:bob", as: "reader" }));
  }
  await using on = await stage(store);
  assert.equal((await good(on.bob("GET", "/documents/plan"))).title, "The plan");
  await refused(on.eve("GET", "/documents/plan"), 403, "permission-denied");
});

test("what must follow from the schema does, in both dialects", async () => {
  for (const name of ["drive.yaml", "drive.fga.yaml"]) {
    const { passed, problems, outcomes } = await validateFile(path.join(import.meta.dirname, name));
    assert.ok(passed, JSON.stringify({ problems, outcomes }, null, 2));
    assert.ok(outcomes.length >= 10);
  }
});

test("the commands of the README do what it says", async (t) => {
  await using on = await stage();
  const page = await readFile(path.join(import.meta.dirname, "README.md"), "utf8");
  const [, script] = /```sh\n(drive=[\s\S]*?)```/.exec(page) ?? [];
  assert.ok(script !== undefined);
  const folder = await mkdtemp(path.join(os.tmpdir(), "drive-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const commands = script
    .replace(/^drive=.*$/m, `drive=${on.drive.url}`)
    .replaceAll(/^curl /gm, "curl -sS -w '\\n' ");
  const { stdout } = await promisify(execFile)("sh", ["-ec", commands], { cwd: folder });
  assert.deepEqual(
    stdout.split("\n").filter((line) => line !== ""),
    [
      '{"code":"permission-denied","message":"user:bob has no permission read on document:plan"}',
      '{"title":"The plan","text":"first draft"}',
      '{"documents":["plan"],"next":null}',
      '{"everybody":false,"people":["ada","bob"]}',
    ],
  );
  assert.match(await readFile(path.join(folder, "why.svg"), "utf8"), /^<svg/);
});
