/** What an explanation says besides the verdicts, in the process and over HTTP. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { labelOf, notesOf } from "../../src/authz/picture/layout.ts";
import { explanationLines, markOf } from "../../src/authz/picture/lines.ts";
import { drawExplanation } from "../../src/authz/picture/picture.ts";
import { explanationText } from "../../src/cli/commands/authz/verdict.ts";
import type { CheckRequest, Explanation, Question, TenantPort } from "../../src/model/authz.ts";
import { ExplainedError } from "../../src/model/denial.ts";
import type { CaveatContext, Relationship } from "../../src/model/relationship.ts";
import { open } from "../../src/server/open.ts";
import { newTenant, onGround } from "./ground.ts";
import { modes } from "./grounds.ts";
import { parseRelationship } from "./relationship-text.ts";

const schema = `
definition user {}
definition group {
  relation member: user | group#member
}
definition document {
  relation viewer: user | group#member
  relation owner: user
  permission view = viewer + owner
}
`;

const there = [
  "document:1#viewer@group:a#member",
  "group:a#member@group:b#member",
  "group:b#member@user:x",
  "document:1#owner@user:o",
];

/** Whether a ground has cached answers and flattened groups. */
const hasBoth = (mode: string) => mode !== "memory, no cache, no index";

/** Where a graph is larger than memory, it depends on what was loaded. */
const certain = modes.filter(({ name }) => !name.includes("larger"));

function each(title: string, body: (tenant: TenantPort, mode: string) => Promise<void>): void {
  for (const { name, open } of certain) {
    test(`${title} (${name})`, () =>
      onGround(open, async (ground) => {
        const tenant = await newTenant(ground);
        await tenant.writeSchema({ dialect: "native", text: schema });
        await write(tenant, there);
        await body(tenant, name);
      }));
  }
}

async function write(tenant: TenantPort, texts: readonly string[]): Promise<void> {
  const updates = texts.map((text) => {
    return { operation: "touch" as const, relationship: parseRelationship(text) };
  });
  await tenant.write({ updates });
}

function asked(text: string, question: Question = {}): CheckRequest {
  const { resource, relation, subject } = parseRelationship(text);
  return { resource, permission: relation, subject, ...question };
}

async function explain(tenant: TenantPort, text: string, question?: Question) {
  const { explanation } = await tenant.check({ ...asked(text, question), explain: true });
  assert.ok(explanation);
  return explanation;
}

function nodesOf(root: Explanation): readonly Explanation[] {
  return [root, ...root.children.flatMap(nodesOf)];
}

/** What has the flag. */
function flagged(root: Explanation, flag: "cached" | "indexed"): readonly string[] {
  return nodesOf(root)
    .filter((node) => node[flag] === true)
    .map(({ what }) => what);
}

each("cached: what was asked before and still holds is told as such", async (tenant, mode) => {
  const text = "document:1#view@user:o";
  assert.deepEqual(flagged(await explain(tenant, text), "cached"), []);
  // Explaining leaves nothing behind, asking does.
  assert.deepEqual(flagged(await explain(tenant, text), "cached"), []);
  await tenant.check(asked(text));
  const again = await explain(tenant, text);
  assert.deepEqual(flagged(again, "cached"), hasBoth(mode) ? ["document:1#view"] : []);
  assert.ok(nodesOf(again).some(({ what }) => what === "document:1#owner@user:o"));
  // The part as well, where it was asked for itself.
  await tenant.check(asked("document:1#owner@user:o"));
  const both = flagged(await explain(tenant, text), "cached");
  assert.deepEqual(both, hasBoth(mode) ? ["document:1#view", "document:1#owner"] : []);
  await write(tenant, ["document:1#owner@user:p"]);
  await write(tenant, ["document:1#viewer@user:o"]);
  assert.deepEqual(flagged(await explain(tenant, text), "cached"), []);
});

each("cached: of another subject, or with what a question brings, nothing is", async (tenant) => {
  await tenant.check(asked("document:1#view@user:o"));
  assert.deepEqual(flagged(await explain(tenant, "document:1#view@user:x"), "cached"), []);
  const contextual = [parseRelationship("document:1#viewer@user:z")];
  const brought = await explain(tenant, "document:1#view@user:o", { contextual });
  assert.deepEqual(flagged(brought, "cached"), []);
});

each("indexed: where flattened groups would have told", async (tenant, mode) => {
  const granted = await explain(tenant, "document:1#view@user:x");
  const expected = ["document:1#viewer", "group:a#member"];
  assert.deepEqual(flagged(granted, "indexed"), hasBoth(mode) ? expected : []);
  // The way is told all the same, and told once.
  const ways = nodesOf(granted).filter(({ kind }) => kind === "relationship");
  assert.deepEqual(
    ways.map(({ what }) => what),
    ["document:1#viewer@group:a#member", "group:a#member@group:b#member", "group:b#member@user:x"],
  );
  // What the question brings is walked.
  const contextual = [parseRelationship("group:b#member@user:z")];
  const brought = await explain(tenant, "document:1#view@user:x", { contextual });
  assert.deepEqual(flagged(brought, "indexed"), []);
});

test("both stand in text, in JSON and in the picture", async () => {
  const [mode] = modes;
  assert.ok(mode);
  await onGround(mode.open, async (ground) => {
    const tenant = await newTenant(ground);
    await tenant.writeSchema({ dialect: "native", text: schema });
    await write(tenant, there);
    await tenant.check(asked("document:1#view@user:x"));
    const explanation = await explain(tenant, "document:1#view@user:x");
    const text = explanationText(explanation);
    assert.match(text, /document:1#view .*permission, cached/);
    assert.match(text, /group:a#member .*relation, indexed/);
    assert.match(JSON.stringify(explanation), /"verdict":"yes","cached":true,"micros"/);
    const svg = drawExplanation(explanation);
    assert.match(svg, /document:1#view \(cached\): yes/);
    assert.match(svg, />relation · indexed/);
  });
});

test("what was come upon before and what goes round are told as such", async () => {
  const [mode] = modes;
  assert.ok(mode);
  await onGround(mode.open, async (ground) => {
    const tenant = await newTenant(ground);
    const text = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type document
  relations
    define viewer: [group#member]
    define editor: [group#member]
    define view: viewer or editor`;
    await tenant.writeSchema({ dialect: "openfga", text });
    await write(tenant, [
      "document:1#viewer@group:a#member",
      "document:1#editor@group:a#member",
      "group:a#member@group:b#member",
      "group:b#member@group:a#member",
    ]);
    const nodes = nodesOf(await explain(tenant, "document:1#view@user:x"));
    const noted = nodes.flatMap(({ what, note, verdict }) =>
      note === "cycle" || note === "told-above" ? [`${what} ${note} ${verdict}`] : [],
    );
    assert.deepEqual(noted, ["group:a#member cycle no", "group:a#member told-above no"]);
  });
});

/** The tree as lines, without times. */
function treeOf(root: Explanation): readonly string[] {
  return explanationLines(root).map(({ branch, node }) => {
    const notes = notesOf(node);
    const more = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
    return `${branch}${markOf(node)} ${labelOf(node)}${more}`;
  });
}

async function explainedError(work: Promise<unknown>): Promise<ExplainedError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof ExplainedError, String(error));
    return error;
  }
  assert.fail("it was answered");
}

const chainOf = (length: number): string[] =>
  Array.from({ length }, (_, at) => `group:${at}#member@group:${at + 1}#member`);

each("what check answers by flattened groups is explained, however deep", async (tenant, mode) => {
  await write(tenant, ["document:deep#viewer@group:0#member", ...chainOf(70)]);
  await write(tenant, ["group:70#member@user:far", "group:3#member@user:near"]);
  if (!hasBoth(mode)) {
    const error = await explainedError(explain(tenant, "document:deep#view@user:far"));
    assert.equal(error.code, "depth-exceeded");
    return;
  }
  for (const [user, verdict] of [
    ["far", "yes"],
    ["near", "yes"],
    ["nobody", "no"],
  ] as const) {
    const text = `document:deep#view@user:${user}`;
    assert.equal((await tenant.check(asked(text))).verdict, verdict);
    const answer = await tenant.check({ ...asked(text), explain: true });
    assert.equal(answer.verdict, verdict);
    assert.deepEqual(answer.missing, []);
    assert.ok(answer.explanation);
    assert.equal(answer.explanation.verdict, verdict);
    const nodes = nodesOf(answer.explanation);
    const viewer = nodes.find(({ what }) => what === "document:deep#viewer");
    assert.deepEqual([viewer?.verdict, viewer?.indexed], [verdict, true]);
    const cut = nodes.filter(({ note }) => note === "too-deep").length;
    assert.equal(cut, user === "near" ? 0 : 1, user);
    // A way that is within the depth is told.
    const way = nodes.some(({ what }) => what === "group:3#member@user:near");
    assert.equal(way, user === "near");
  }
});

each("a circle is named, with the way to where it closes", async (tenant) => {
  await write(tenant, ["document:round#viewer@group:c1#member"]);
  await write(tenant, ["group:c1#member@group:c2#member", "group:c2#member@group:c1#member"]);
  const question = asked("document:round#view@user:u");
  const named = /^group:c1#member goes deeper than 50 levels, or in a circle$/;
  await assert.rejects(tenant.check(question), { code: "depth-exceeded", message: named });
  const error = await explainedError(tenant.check({ ...question, explain: true }));
  assert.equal(error.code, "depth-exceeded");
  assert.match(error.message, named);
  assert.ok(error.explanation);
  assert.deepEqual(treeOf(error.explanation), [
    "? document:round#view",
    "└─ ? union",
    "   ├─ ? document:round#viewer",
    "   │  ├─ ✓ document:round#viewer@group:c1#member",
    "   │  └─ ? group:c1#member",
    "   │     ├─ ✓ group:c1#member@group:c2#member",
    "   │     └─ ? group:c2#member",
    "   │        ├─ ✓ group:c2#member@group:c1#member",
    "   │        └─ ? group:c1#member (cycle)",
    "   └─ ✗ document:round#owner (no-relationship)",
  ]);
});

test("where the work ends, the way until then is told", async () => {
  const app = await open({ services: [], store: ":memory:", limits: { authzWork: 100 } });
  try {
    const tenant = await newTenant(app);
    await tenant.writeSchema({ dialect: "native", text: conditions });
    const folders = Array.from({ length: 200 }, (_, at) => `document:1#parent@folder:${at}`);
    await write(tenant, folders);
    const error = await explainedError(explain(tenant, "document:1#inherited@user:u"));
    assert.equal(error.code, "work-exceeded");
    assert.equal(error.explanation?.note, "cut-off");
    assert.ok(nodesOf(error.explanation).length > 5);
  } finally {
    await app.close();
  }
});

const conditions = `
caveat office(net string, ip ipaddress, day string) {
  ip.in_cidr(net)
    && day != "sunday"
}
definition user {}
definition folder {
  relation viewer: user
  permission view = viewer
}
definition document {
  relation parent: folder
  relation viewer: user | user with office
  relation owner: user
  relation banned: user
  permission view = viewer - banned
  permission inherited = parent->view
  permission any = owner + viewer + inherited
}
`;

function eachCondition(title: string, body: (tenant: TenantPort) => Promise<void>): void {
  for (const { name, open: openMode } of certain) {
    test(`${title} (${name})`, () =>
      onGround(openMode, async (ground) => {
        const tenant = await newTenant(ground);
        await tenant.writeSchema({ dialect: "native", text: conditions });
        await body(tenant);
      }));
  }
}

const office = (user: string, context: CaveatContext): Relationship => ({
  ...parseRelationship(`document:1#viewer@user:${user}`),
  caveat: { name: "office", context },
});

eachCondition("a caveat is told with its expression and with what it was given", async (tenant) => {
  const stored = office("u", { net: "10.0.0.0/8" });
  await tenant.write({ updates: [{ operation: "touch", relationship: stored }] });
  const caveatOf = async (question: Question, user = "u") => {
    const root = await explain(tenant, `document:1#viewer@user:${user}`, question);
    const [node] = nodesOf(root).filter(({ kind }) => kind === "caveat");
    assert.ok(node);
    return node;
  };
  const open = await caveatOf({ context: { ip: "10.1.1.1", net: "0.0.0.0/0", other: 1 } });
  assert.equal(open.what, 'office: ip.in_cidr(net) && day != "sunday"');
  assert.equal(open.verdict, "conditional");
  assert.deepEqual(open.caveat, {
    name: "office",
    expression: 'ip.in_cidr(net)\n    && day != "sunday"',
    // What is stored wins.
    context: { net: "10.0.0.0/8", ip: "10.1.1.1" },
    missing: ["day"],
  });
  const notes = ['net = "10.0.0.0/8"', 'ip = "10.1.1.1"', "missing: day"];
  assert.deepEqual(notesOf(open), notes);
  const no = await caveatOf({ context: { ip: "11.1.1.1" } });
  assert.deepEqual([no.verdict, no.caveat?.missing], ["no", []]);
  // What a question brings has its caveat told as well, and what is long is cut.
  const brought = office("v", { net: "10.0.0.0/8", day: "x".repeat(2_000) });
  const contextual = { contextual: [brought], context: { ip: "11.1.1.1" } };
  const long = await caveatOf(contextual, "v");
  assert.equal(String(long.caveat?.context["day"]).length, 256);
  const root = await explain(tenant, "document:1#viewer@user:v", contextual);
  assert.ok(nodesOf(root).some(({ note }) => note === "contextual, caveat office is false"));
});

eachCondition("what is taken away is marked, evaluated or not", async (tenant) => {
  await write(tenant, ["document:1#viewer@user:u", "document:1#banned@user:u"]);
  const banned = await explain(tenant, "document:1#view@user:u");
  assert.deepEqual(treeOf(banned), [
    "✗ document:1#view",
    "└─ ✗ exclusion",
    "   ├─ ✓ document:1#viewer",
    "   │  └─ ✓ document:1#viewer@user:u",
    "   └─ ✓ − document:1#banned (subtracted)",
    "      └─ ✓ document:1#banned@user:u",
  ]);
  assert.match(
    drawExplanation(banned),
    /<title>document:1#banned \(subtracted\): yes<.*− document/,
  );
  assert.match(explanationText(banned), /✓ − document:1#banned .*subtracted/);
  const nobody = await explain(tenant, "document:1#view@user:x");
  const [last] = nodesOf(nobody).slice(-1);
  assert.deepEqual(last, {
    what: "document:1#banned",
    kind: "relation",
    verdict: "no",
    note: "not-evaluated",
    subtracted: true,
    micros: 0,
    children: [],
  });
});

eachCondition("what was not evaluated has its object, a bare arrow its note", async (tenant) => {
  const bare = await explain(tenant, "document:1#inherited@user:u");
  assert.deepEqual(treeOf(bare), ["✗ document:1#inherited", "└─ ✗ parent->view (no-relationship)"]);
  await write(tenant, ["document:1#owner@user:u"]);
  assert.deepEqual(treeOf(await explain(tenant, "document:1#any@user:u")), [
    "✓ document:1#any",
    "└─ ✓ union",
    "   ├─ ✓ document:1#owner",
    "   │  └─ ✓ document:1#owner@user:u",
    "   ├─ – document:1#viewer (not-evaluated)",
    "   └─ – document:1#inherited (not-evaluated)",
  ]);
  // The subject is a part itself: there is one node for it all the same.
  assert.deepEqual(treeOf(await explain(tenant, "document:1#any@document:1#owner")), [
    "✓ document:1#any",
    "└─ ✓ union",
    "   ├─ ✓ document:1#owner (itself)",
    "   ├─ – document:1#viewer (not-evaluated)",
    "   └─ – document:1#inherited (not-evaluated)",
  ]);
});

eachCondition("a caveat that fails is told with its relationship", async (tenant) => {
  const good = office("p", { net: "10.0.0.0/8", day: "monday" });
  const bad = office("q", { net: "garbage", day: "monday" });
  await tenant.write({
    updates: [good, bad].map((relationship) => ({ operation: "touch", relationship })),
  });
  const context = { ip: "10.1.1.1" };
  const message =
    'Caveat office of document:1#viewer@user:q could not be evaluated: "garbage" is no network (CIDR)';
  const lookup = {
    resource: { type: "document", id: "1" },
    permission: "viewer",
    subjectType: "user",
    context,
  };
  await assert.rejects(tenant.lookupSubjects(lookup), { code: "caveat-failed", message });
  const question = { ...asked("document:1#viewer@user:q"), context };
  await assert.rejects(tenant.check(question), { code: "caveat-failed", message });
  const error = await explainedError(tenant.check({ ...question, explain: true }));
  assert.equal(error.message, message);
  const notes = nodesOf(error.explanation!).map(({ note }) => note);
  assert.ok(notes.includes("caveat office failed"));
  // What the question brings is named as well.
  const brought = { ...asked("document:1#viewer@user:r"), context };
  const contextual = [office("r", { net: "rubbish", day: "monday" })];
  await assert.rejects(tenant.check({ ...brought, contextual }), {
    message: /^Caveat office of document:1#viewer@user:r could/,
  });
});
