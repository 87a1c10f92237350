/** What an explanation says besides the verdicts, in the process and over HTTP. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { drawExplanation } from "../../src/authz/picture/picture.ts";
import { explanationText } from "../../src/cli/commands/authz/verdict.ts";
import type { CheckRequest, Explanation, Question, TenantPort } from "../../src/model/authz.ts";
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
