/**
 * The command lines of docs/guide/authorization-moving.md, as they stand there. In the place of the
 * tools of SpiceDB and OpenFGA stand scripts that know those commands alone, and write what those
 * tools write.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { OpenFgaClient } from "@openfga/sdk";
import { parse } from "yaml";
import { printRelationship } from "../../src/authz/relationship-text.ts";
import { parseOpenfgaDsl } from "../../src/authz/schema/openfga/openfga.ts";
import { toOpenfgaJson } from "../../src/authz/schema/openfga/to-json.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import { root, tempFolder } from "../cli/harness.ts";
import { serveForTest, type TestServer } from "../gateway/server.ts";

let server: TestServer;
before(async () => {
  server = await serveForTest();
});
after(() => server.close());

const page = readFileSync(path.join(root, "docs/guide/authorization-moving.md"), "utf8");

/** The shell block of the page that has this in it. */
function blockWith(text: string): string {
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
  const found = blocks.find((block) => block.includes(text));
  assert(found !== undefined, `no block of the page has ${text}`);
  return found;
}

/** Runs it in a folder, with these commands before all others; null when it went well. */
async function runBlock(
  block: string,
  { folder, commands }: { readonly folder: string; readonly commands: Record<string, string> },
): Promise<string | null> {
  const main = path.join(root, "src/cli/main.ts");
  const npx = `shift; exec "${process.execPath}" --conditions=holdfast-source "${main}" "$@"`;
  for (const [name, script] of Object.entries({ ...commands, npx })) {
    const file = path.join(folder, name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }
  const env = {
    ...process.env,
    PATH: `${folder}:${process.env["PATH"]}`,
    HOLDFAST_URL: server.url,
    STORE: "01HVMMBCMGZNT3SED4CT2KA89Q",
  };
  const child = spawn("sh", ["-eu", "-c", block], { cwd: folder, env });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const code = await new Promise((resolve) => child.once("close", resolve));
  return code === 0 ? null : output;
}

/** A script that answers these command lines, and refuses all others. */
function answers(lines: Readonly<Record<string, string>>): string {
  const cases = Object.entries(lines).map(([line, script]) => `  '${line}') ${script} ;;`);
  return `case "$*" in\n${cases.join("\n")}\n  *) echo "unknown: $*" >&2; exit 1 ;;\nesac`;
}

async function relationshipsOf(tenant: string): Promise<string[]> {
  const { items } = await server.authz.tenant(tenant).read({ limit: 100 });
  return items.map(printRelationship).sort();
}

test("what zed prints of a backup is taken over: caveats, usersets and expirations too", async (t) => {
  const folder = tempFolder(t);
  writeFileSync(
    path.join(folder, "schema.txt"),
    `use expiration

caveat from(net string, ip ipaddress) {
	ip.in_cidr(net)
}

definition user {}

definition group {
	relation member: user | group#member
}

definition document {
	relation viewer: user | user:* | group#member | user with from | user with expiration
	permission view = viewer
}
`,
  );
  writeFileSync(
    path.join(folder, "rels.txt"),
    `document:1 viewer group:eng#member
document:1 viewer user:bob[from:{"net":"10.0.0.0/8"}]
document:2 viewer user:*
document:a/b=c viewer user:carl[expiration:2099-01-02T03:04:05.123456789Z]
group:eng member group:ops#member
group:ops member user:ada
`,
  );
  const failed = await runBlock(blockWith("zed backup create"), {
    folder,
    commands: {
      zed: answers({
        "backup create backup.zedbackup": "touch backup.zedbackup",
        "backup parse-schema backup.zedbackup": "test -f backup.zedbackup; cat schema.txt",
        "backup parse-relationships backup.zedbackup": "test -f backup.zedbackup; cat rels.txt",
      }),
    },
  });
  assert.equal(failed, null);
  const tenant = server.authz.tenant("acme");
  assert.equal((await relationshipsOf("acme")).length, 6);
  const item = (id: string, user: string) => ({
    resource: { type: "document", id },
    permission: "view",
    subject: { type: "user", id: user },
  });
  const context = { ip: "10.1.2.3" };
  assert.equal((await tenant.check(item("1", "ada"))).verdict, "yes");
  assert.equal((await tenant.check({ ...item("1", "bob"), context })).verdict, "yes");
  assert.equal((await tenant.check(item("2", "eve"))).verdict, "yes");
  assert.equal((await tenant.check(item("a/b=c", "carl"))).verdict, "yes");
  assert.equal((await tenant.check(item("1", "eve"))).verdict, "no");
});

const model = `model
  schema 1.1

type user

type group
  relations
    define member: [user, group#member]

type document
  relations
    define viewer: [user, user:*, group#member, user with office]

condition office(ip: ipaddress, net: string) {
  ip.in_cidr(net)
}
`;

/** As `fga store export` writes it. */
const storeFile = `name: Documents
model: |
${model.replaceAll(/^(?=.)/gm, "    ")}
tuples:
    - user: group:eng#member
      relation: viewer
      object: document:1
    - user: user:bob
      relation: viewer
      object: document:1
      condition:
        name: office
        context:
            net: 10.0.0.0/8
    - user: user:*
      relation: viewer
      object: document:2
    - user: user:ada
      relation: member
      object: group:eng
tests:
    - name: Tests
      check:
        - user: user:ada
          object: document:1
          assertions:
            viewer: true
        - user: user:eve
          object: document:1
          assertions:
            viewer: false
`;

test("a store file of fga is right for Holdfast, and its import goes through the API", async (t) => {
  const folder = tempFolder(t);
  writeFileSync(path.join(folder, "export.yaml"), storeFile);
  const store = "01HVMMBCMGZNT3SED4CT2KA89Q";
  const exported = `store export --store-id ${store} --max-tuples 1000000 --output-file store.fga.yaml`;
  const imported = "store import --file store.fga.yaml --api-url http://127.0.0.1:7400";
  const failed = await runBlock(blockWith("fga store export"), {
    folder,
    commands: {
      fga: answers({ [exported]: "cp export.yaml store.fga.yaml", [imported]: "touch imported" }),
    },
  });
  assert.equal(failed, null);
  // What the import does: a store, its model, its tuples in chunks, its assertions.
  const apiUrl = server.url;
  const { name, tuples, tests, model: text } = parse(storeFile);
  const { id } = await new OpenFgaClient({ apiUrl }).createStore({ name });
  const client = new OpenFgaClient({ apiUrl, storeId: id });
  const { schema } = parseOpenfgaDsl(text, defaultLimits);
  assert(schema !== null);
  const written = await client.writeAuthorizationModel(toOpenfgaJson(schema) as never);
  const transaction = { disable: true, maxPerChunk: 1, maxParallelRequests: 4 };
  const { writes } = await client.write({ writes: tuples }, { transaction });
  assert(writes.every(({ status }) => status === "success"));
  const assertions = tests[0].check.map((each: Record<string, unknown>) => ({
    user: each["user"],
    object: each["object"],
    relation: "viewer",
    expectation: (each["assertions"] as { viewer: boolean }).viewer,
  }));
  const authorizationModelId = written.authorization_model_id;
  await client.writeAssertions(assertions, { authorizationModelId });
  const check = async (user: string, ip?: string) => {
    const context = ip === undefined ? {} : { context: { ip } };
    return (await client.check({ user, relation: "viewer", object: "document:1", ...context }))
      .allowed;
  };
  assert.equal(await check("user:ada", "1.1.1.1"), true);
  assert.equal(await check("user:bob", "10.1.1.1"), true);
  assert.equal(await check("user:bob", "1.1.1.1"), false);
});

const hasJq = spawnSync("jq", ["--version"]).status === 0;

test("model and tuples that fga prints are taken over", { skip: !hasJq }, async (t) => {
  const folder = tempFolder(t);
  writeFileSync(path.join(folder, "model.txt"), model);
  const tuples = JSON.stringify(parse(storeFile).tuples, null, 2);
  writeFileSync(path.join(folder, "tuples.txt"), tuples);
  const store = "--store-id 01HVMMBCMGZNT3SED4CT2KA89Q";
  const block = blockWith("fga tuple read").replaceAll("acme", "from-openfga");
  const failed = await runBlock(block, {
    folder,
    commands: {
      fga: answers({
        [`model get ${store}`]: "cat model.txt",
        [`tuple read ${store} --max-pages 0 --output-format simple-json`]: "cat tuples.txt",
      }),
    },
  });
  assert.equal(failed, null);
  assert.deepEqual(await relationshipsOf("from-openfga"), [
    "document:1#viewer@group:eng#member",
    'document:1#viewer@user:bob[office:{"net":"10.0.0.0/8"}]',
    "document:2#viewer@user:*",
    "group:eng#member@user:ada",
  ]);
});
