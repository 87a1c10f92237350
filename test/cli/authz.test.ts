// `holdfast authz …`, against a server and against a file.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { leavesOf } from "../../src/cli/command.ts";
import { authzRows } from "../../src/cli/commands/authz/table.ts";
import { reportFailure } from "../../src/cli/failure.ts";
import { fail } from "../../src/model/errors.ts";
import { type Ended, Running, type RunOptions, run, start, tempFolder } from "./harness.ts";

const schema = `use expiration
caveat office(ip ipaddress) { ip.in_cidr("10.0.0.0/8") }
definition user {}
definition group {
  relation member: user | group#member
}
definition document {
  relation viewer: user | group#member | user with office | user with expiration
  relation owner: user
  permission edit = owner
  permission view = viewer + edit
}
`;

let server: Running;
let url = "";

before(async () => {
  server = new Running(["serve", "test/cli/app.ts", "--port", "0", "--store", ":memory:"]);
  url = await server.url();
});

after(() => server.kill("SIGKILL"));

type Authz = (...args: readonly string[]) => Promise<Ended>;

/** A tenant of its own on the server, with the schema. */
async function onServer(tenant: string): Promise<Authz> {
  const env = { HOLDFAST_URL: url, HOLDFAST_TENANT: tenant };
  const authz: Authz = (...args) => run(["authz", ...args], { env });
  assert.equal((await authz("tenants", "create", tenant)).stdout, `${tenant}\n`);
  const options: RunOptions = { env, input: schema };
  const { code, stderr } = await run(["authz", "schema", "write", "-"], options);
  assert.equal(code, 0, stderr);
  return authz;
}

async function ok(ended: Promise<Ended>): Promise<string> {
  const { code, stdout, stderr } = await ended;
  assert.equal(code, 0, stdout + stderr);
  return stdout.trimEnd();
}

describe("questions", () => {
  let authz: Authz;
  before(async () => {
    authz = await onServer("questions");
    await ok(
      authz(
        "relate",
        "document:1#viewer@group:eng#member",
        "group:eng#member@user:ada",
        "document:1#viewer@user:bob[office]",
        "document:1#owner@user:carl",
        "document:2#viewer@user:dora[expiration:2001-01-01T00:00:00Z]",
        "document:3#viewer@user:ada",
      ),
    );
  });

  test("what goes too deep is no mistake of the command line", () => {
    const details = { what: "document:1#view", max: 50 };
    assert.equal(reportFailure(fail("depth-exceeded", details), { json: true }), 9);
    assert.equal(reportFailure(fail("too-many"), { json: true }), 2);
  });

  test("check answers by its exit code: yes 0, no 1, conditional 8, errors above 1", async () => {
    const [yes, no, conditional, given, unknown, malformed, away] = await Promise.all([
      authz("check", "document:1#view@user:ada"),
      authz("check", "document:2#view@user:dora"),
      authz("check", "document:1#view@user:bob"),
      authz("check", "document:1#view@user:bob", "--context", '{"ip": "10.1.2.3"}'),
      authz("check", "document:1#veiw@user:ada"),
      authz("check", "document:1"),
      authz("check", "document:1#view@user:ada", "--url", "http://127.0.0.1:9"),
    ]);
    assert.deepEqual([yes.code, yes.stdout], [0, "yes\n"]);
    assert.deepEqual([no.code, no.stdout], [1, "no\n"]);
    assert.deepEqual(
      [conditional.code, conditional.stdout],
      [8, "conditional (it depends on ip)\n"],
    );
    assert.deepEqual([given.code, given.stdout], [0, "yes\n"]);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /no relation or permission veiw \[unknown-relation\]\n.*"view"\?/);
    assert.equal(malformed.code, 2);
    assert.equal(away.code, 3);
  });

  test("check takes relationships that hold for the question alone, and prints JSON", async () => {
    const [mallory, plain] = await Promise.all([
      authz("check", "document:1#view@user:eve", "--with", "group:eng#member@user:eve", "--json"),
      authz("check", "document:1#view@user:eve"),
    ]);
    assert.equal(JSON.parse(mallory.stdout).verdict, "yes");
    assert.equal(plain.code, 1);
  });

  test("--with takes one value each time, and so leaves the question alone", async () => {
    const more = ["--with", "group:eng#member@user:eve", "--with", "group:x#member@user:eve"];
    assert.equal((await authz("check", ...more, "document:1#view@user:eve")).code, 0);
  });

  test("what cannot be asked about, or is no object, is told as that", async () => {
    const [everybody, subject, object] = await Promise.all([
      authz("check", "document:1#view@user:*"),
      authz("permissions", "document:1", "user"),
      authz("delete", "--object", "document"),
    ]);
    assert.match(everybody.stderr, /user:\* cannot be asked about: .*\[wildcard-asked\]/);
    assert.match(subject.stderr, /"user" cannot be used as an object: .*type:id/);
    assert.match(object.stderr, /"document" cannot be used as an object: .*type:id/);
  });

  test("explain prints a tree whose columns line up", async () => {
    const text = await ok(authz("explain", "document:1#view@user:ada"));
    const [verdict, root, ...tree] = text.split("\n");
    assert.equal(verdict, "yes");
    assert.match(root ?? "", /^✓ document:1#view +permission(, cached)? +\d/);
    assert.match(text, /└─ ✓ group:eng#member@user:ada +relationship/);
    const columns = tree.map((line) => line.search(/(?<= {2})(relation|relationship|arrow)\b/));
    assert.equal(new Set(columns.filter((column) => column >= 0)).size, 1, text);
  });

  test("explain draws, and ends with the verdict", async (t) => {
    const file = path.join(tempFolder(t), "why.svg");
    const { code } = await authz("explain", "document:1#view@user:eve", "--svg", file);
    assert.equal(code, 1);
    assert.match(readFileSync(file, "utf8"), /^<svg .*document:1#view@user:eve: no/s);
    const { stdout } = await authz("explain", "document:1#view@user:eve", "--svg", "-");
    assert.match(stdout, /^<svg .*<\/svg>\n$/s);
  });

  test("permissions, lookup and expand", async () => {
    const [permissions, resources, all, subjects, groups, expand, deep] = await Promise.all([
      ok(authz("permissions", "document:1", "user:bob")),
      ok(authz("lookup", "resources", "document", "view", "user:ada", "--limit", "1")),
      ok(authz("lookup", "resources", "document", "view", "user:ada", "--all")),
      ok(authz("lookup", "subjects", "document:1", "view", "user")),
      ok(authz("lookup", "subjects", "document:1", "view", "group#member", "--json")),
      ok(authz("expand", "document:1#view")),
      ok(authz("expand", "document:1#view", "--deep")),
    ]);
    assert.match(permissions, /^view +conditional +ip$/m);
    assert.match(permissions, /^edit +no$/m);
    assert.equal(resources, "document:1");
    assert.equal(all, "document:1\ndocument:3");
    assert.equal(subjects, "user:ada\nuser:bob  if ip\nuser:carl");
    assert.deepEqual(JSON.parse(groups).items[0].id, "eng");
    assert.match(expand, /computed\n. {2}└─ document:1#viewer\n/);
    assert.match(deep, /└─ user:ada\n/);
  });
});

describe("relationships", () => {
  test("are written, read by filters, deleted, and listed as changes", async () => {
    const authz = await onServer("relationships");
    await ok(authz("relate", "document:1#viewer@user:ada", "document:2#owner@user:ada"));
    const twice = await authz("relate", "--create", "document:1#viewer@user:ada");
    assert.equal(twice.code, 5);
    const zookie = await ok(authz("relate", "group:x#member@user:bob"));
    assert.equal(await ok(authz("read", "--resource", "document:1")), "document:1#viewer@user:ada");
    assert.equal(await ok(authz("read", "--resource", "document:2*")), "document:2#owner@user:ada");
    assert.equal(await ok(authz("read", "--subject", "user:bob")), "group:x#member@user:bob");
    await ok(authz("unrelate", "group:x#member@user:bob"));
    const again = await authz("unrelate", "group:x#member@user:bob");
    assert.match(again.stderr, /nothing to delete/);
    const slip = await authz("unrelate", "group:x#membre@user:bob");
    assert.match(slip.stderr, /did you mean "member"/);
    assert.notEqual(slip.code, 0);
    assert.notEqual((await authz("delete", "--object", "nosuch:1")).code, 0);
    assert.equal(await ok(authz("read", "--subject", "user:bob")), "");
    const past = await ok(authz("read", "--subject", "user:bob", "--at", zookie));
    assert.equal(past, "group:x#member@user:bob");
    const deleted = await ok(authz("delete", "--subject", "user:ada", "--json"));
    assert.equal(JSON.parse(deleted).deleted, 2);
    const { stderr: end } = await authz("changes");
    assert.doesNotMatch(end, /^more/m);
    assert.match((await authz("changes", "--limit", "2")).stderr, /^more: --after \S+$/m);
    const changes = await ok(authz("changes", "--all"));
    const kinds = changes.split("\n").map((line) => line.slice(20, 21));
    assert.equal(kinds.join(""), "s+++---");
    assert.equal((await authz("delete")).code, 2);
  });

  test("a file of them is imported, again from where it stopped, and exported as it was", async (t) => {
    const authz = await onServer("files");
    const folder = tempFolder(t);
    const file = path.join(folder, "relationships.txt");
    const lines = Array.from({ length: 2_500 }, (_, n) => `group:g${n}#member@user:u${n % 7}`);
    lines.splice(
      10,
      0,
      "",
      "// a comment",
      '{"resource":{"type":"group","id":"j"},"relation":"member","subject":{"type":"user","id":"j"}}',
    );
    const broken = [...lines];
    broken.splice(2_200, 0, "group:bad#nothing@user:x");
    writeFileSync(file, broken.join("\n"));
    const first = await authz("import", file);
    assert.equal(first.code, 2);
    assert.match(first.stderr, /Line 2201, group:bad#nothing@user:x: Type group has no .*nothing/);
    const [, from] = /2,000 are written; go on with: .* --from (\d+)/.exec(first.stderr) ?? [];
    writeFileSync(file, lines.join("\n"));
    const rest = await ok(authz("import", file, "--from", from ?? "", "--json"));
    assert.equal(JSON.parse(rest).written, 501);
    const text = (await ok(authz("export"))).split("\n");
    assert.equal(text.length, 2_501);
    assert.ok(text.includes("group:j#member@user:j"));
    const json = await ok(authz("export", "--json", "--resource", "group:j"));
    assert.equal(JSON.parse(json).subject.id, "j");
    const again = path.join(folder, "again.txt");
    writeFileSync(again, `${text.join("\n")}\n`);
    const other = await onServer("files-again");
    await ok(other("import", again));
    assert.deepEqual((await ok(other("export"))).split("\n").sort(), text.toSorted());
  });

  test("an import that failed says the line, and repeats what was given to go on", async (t) => {
    const authz = await onServer("refused-lines");
    const file = path.join(tempFolder(t), "its lines.txt");
    const broken = async (line: string, ...args: string[]): Promise<Ended> => {
      const good = [1, 2, 3, 4].map((n) => `group:g${n}#member@user:u`);
      writeFileSync(file, [...good, line, "group:g5#member@user:u"].join("\n"));
      return authz("import", file, "--batch", "2", ...args);
    };
    const syntax = await broken("nonsense");
    assert.match(syntax.stderr, /^✗ Line 5: "nonsense" is not a relationship/);
    assert.doesNotMatch(syntax.stderr, /nothing was changed/);
    assert.match(
      syntax.stderr,
      /4 are written; go on with: holdfast authz import '.*its lines\.txt' --batch 2 --from 5\n$/,
    );
    const shape = await broken('{"resource":{"type":"group"},"relation":"member"}');
    assert.match(
      shape.stderr,
      /^✗ Line 5: .* resource\.id: it is not text \[invalid-relationship\]/,
    );
    const json = await broken("group:x#nothing@user:u", "--json");
    const { error, written, from } = JSON.parse(json.stderr);
    assert.deepEqual([error.details.line, written, from], [5, 4, 5]);
    const twice = await broken("group:x#member@user:u", "--create");
    assert.deepEqual([twice.code, /Line 1: .*is there already/.test(twice.stderr)], [5, true]);
    for (const [option, value] of [
      ["--batch", "0"],
      ["--from", "0"],
      ["--from", "99"],
    ] as const) {
      const { code, stderr } = await authz("import", file, option, value);
      assert.equal(code, 2);
      assert.match(stderr, /`holdfast authz import --help`/);
    }
    const past = await authz("import", file, "--from", "99");
    assert.match(past.stderr, /has 6 lines, and is to be begun with line 99/);
    const relate = await authz("relate", `@${file}`, "--create");
    assert.match(relate.stderr, /its lines\.txt:1: group:g1#member@user:u is there already/);
    const missing = await authz("relate", "@nothing.txt");
    assert.match(missing.stderr, /file nothing\.txt cannot be read: there is no such file/);
    assert.doesNotMatch(missing.stderr, /ENOENT|nothing was changed/);
  });

  test("an import whose server is lost says how to go on", async (t) => {
    const file = path.join(tempFolder(t), "lines.txt");
    writeFileSync(file, "group:g#member@user:u");
    const lost = createServer((request) => request.socket.destroy());
    await new Promise<void>((resolve) => lost.listen(0, "127.0.0.1", resolve));
    t.after(() => lost.close());
    const address = `http://127.0.0.1:${(lost.address() as AddressInfo).port}`;
    const { code, stderr } = await run(
      ["authz", "import", file, "--create", "--tenant", "acme", "--url", address, "--token", "s3"],
      {},
    );
    assert.equal(code, 3);
    assert.match(
      stderr,
      /0 are written; go on with: .* --tenant acme --url \S+ --from 1 --token …\n/,
    );
    assert.match(stderr, /Without --create/);
    assert.doesNotMatch(stderr, /s3/);
  });

  test("watch tells changes as they happen, and where to go on", async (t) => {
    const authz = await onServer("watched");
    const env = { HOLDFAST_URL: url, HOLDFAST_TENANT: "watched" };
    const watching = start(t, ["authz", "watch"], { env });
    await watching.printed(/watching/);
    await ok(authz("relate", "group:x#member@user:ada"));
    await watching.printed(/\+ group:x#member@user:ada/);
    const { code, stderr } = await watching.kill("SIGINT");
    assert.equal(code, 0);
    const [, zookie = ""] = /go on with: --after (\S+)/.exec(stderr) ?? [];
    await ok(authz("unrelate", "group:x#member@user:ada"));
    const again = start(t, ["authz", "watch", "--json", "--after", zookie], { env });
    await again.printed(/"operation":"delete"/);
  });

  test("a watch whose server is lost goes on by itself, and says so; of no type it is refused", async (t) => {
    const authz = await onServer("watched-types");
    const unknown = await authz("watch", "--type", "documnt");
    assert.match(unknown.stderr, /no type documnt \[unknown-type\]\n.*"document"\?/);
    const asked: string[] = [];
    const flaky = createServer((request, response) => {
      asked.push(request.url ?? "");
      if (asked.length !== 1 && asked.length < 4) request.socket.destroy();
      else response.write(`{"kind":"heartbeat","zookie":"z${asked.length}"}\n`);
      if (asked.length === 1) setTimeout(() => response.destroy(), 50);
    });
    await new Promise<void>((resolve) => flaky.listen(0, "127.0.0.1", resolve));
    t.after(() => flaky.closeAllConnections());
    t.after(() => flaky.close());
    const address = `http://127.0.0.1:${(flaky.address() as AddressInfo).port}`;
    const watching = start(t, ["authz", "watch", "--tenant", "acme", "--url", address]);
    await watching.printed(
      /trying again in 500ms\n[\s\S]*trying again in 1s\n[\s\S]*watching again/,
    );
    assert.match(asked[3] ?? "", /after=z1/);
    const { code, stderr } = await watching.kill("SIGINT");
    assert.equal(code, 0);
    assert.match(stderr, /go on with: --after z4\n$/);
  });
});

describe("schemas", () => {
  test("one that orphans what is stored is refused, tried dry, and forced", async (t) => {
    const authz = await onServer("schemas");
    const file = path.join(tempFolder(t), "new.zed");
    writeFileSync(
      file,
      schema.replace("  relation owner: user\n", "").replace("= owner", "= viewer"),
    );
    await ok(authz("relate", "document:1#owner@user:ada"));
    const refused = await authz("schema", "write", file);
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /document:1#owner@user:ada.*\n.*--keep-orphans/);
    const dry = await authz("schema", "write", file, "--dry-run");
    assert.equal(dry.code, refused.code);
    assert.match(dry.stderr, /1 relationship has no place in it:\n {2}document:1#owner@user:ada/);
    assert.doesNotMatch(dry.stderr, /it is valid/);
    assert.equal((await authz("schema", "diff", file, "--exit-code")).code, 1);
    const diff = await ok(authz("schema", "diff", file));
    assert.equal(diff, "- relation document#owner\n~ document#edit = owner → viewer");
    await ok(authz("schema", "write", file, "--keep-orphans"));
    assert.match(await ok(authz("schema", "read")), /permission edit = viewer/);
    assert.equal((await ok(authz("schema", "read", "--list"))).split("\n").length, 3);
    assert.match(await ok(authz("types")), /readonly permissions: "edit" \| "view";/);
  });

  test("one that is wrong is told as compilers do, all of it", async (t) => {
    const file = path.join(tempFolder(t), "bad.zed");
    writeFileSync(
      file,
      "definition user {}\ndefinition doc {\n  relation one: usr\n  relation two: usr\n}\n",
    );
    const { code, stderr } = await run(["authz", "schema", "lint", file]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /bad\.zed:3:17: error: .*\. Did you mean "user"\? \[[a-z-]+\]\n.*bad\.zed:4:17: error/,
    );
  });

  test("all that is wrong is told by a write, as by lint, and in parts with --json", async (t) => {
    const authz = await onServer("wrong-schemas");
    const file = path.join(tempFolder(t), "bad.zed");
    writeFileSync(
      file,
      "definition user {}\ndefinition doc {\n  relation one: usr\n  relation two: usr\n}",
    );
    const { code, stderr } = await authz("schema", "write", file);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /bad\.zed:3:17: error: .*\. Did you mean "user"\?.*\n.*bad\.zed:4:17: error/,
    );
    for (const word of ["write", "lint"]) {
      const json = await authz("schema", word, file, "--json");
      const { problems } = JSON.parse(json.stderr).error;
      const places = problems.map((one: { line: number; column: number }) => [
        one.line,
        one.column,
      ]);
      assert.deepEqual(
        places,
        [
          [3, 17],
          [4, 17],
        ],
        word,
      );
    }
    writeFileSync(file, "");
    for (const word of ["write", "lint"]) {
      const empty = await authz("schema", word, file);
      assert.deepEqual([empty.code, /bad\.zed is empty/.test(empty.stderr)], [2, true], word);
    }
  });

  test("lint tells what is probably not meant; --strict ends with 1", async (t) => {
    const file = path.join(tempFolder(t), "odd.zed");
    writeFileSync(
      file,
      "definition user {}\ndefinition doc {\n  relation none: doc\n  permission view = none - none\n}\n",
    );
    const { code, stdout } = await run(["authz", "schema", "lint", file, "--strict"]);
    assert.equal(code, 1);
    assert.match(stdout, /odd\.zed:\d:\d+: warning: .*\[subtract-itself\]/);
  });
});

describe("without a server", () => {
  test("a file is opened itself; one that is not there is made only by tenants create", async (t) => {
    const store = path.join(tempFolder(t), "authz.db");
    const missing = await run(["authz", "tenants", "--store", store]);
    assert.equal(missing.code, 2);
    assert.ok(!existsSync(store));
    const at = ["--store", store];
    assert.equal(await ok(run(["authz", "tenants", "create", "acme", ...at])), "acme");
    await ok(run(["authz", "schema", "write", "-", "--tenant", "acme", ...at], { input: schema }));
    await ok(run(["authz", "relate", "group:x#member@user:a", "--tenant", "acme", ...at]));
    const { code } = await run([
      "authz",
      "check",
      "group:x#member@user:a",
      "--tenant",
      "acme",
      ...at,
    ]);
    assert.equal(code, 0);
    assert.match(await ok(run(["authz", "tenants", ...at])), /^acme +acme/m);
    const limit = (value: string) => ["--limit", `authzBudget=${value}`, ...at];
    await ok(run(["authz", "tenants", "set", "acme", ...limit("5"), "--limit", "authzWork=7"]));
    await ok(run(["authz", "tenants", "set", "acme", ...limit("default")]));
    const got = JSON.parse(await ok(run(["authz", "tenants", "get", "acme", "--json", ...at])));
    assert.deepEqual(got.limits, { authzWork: 7 });
    const slip = await run(["authz", "tenants", "set", "acme", "--limit", "authzWrok=7", ...at]);
    assert.equal(slip.code, 2);
    assert.match(slip.stderr, /Did you mean "authzWork"/);
    assert.equal((await run(["authz", "tenants", "delete", "acme", ...at])).code, 2);
    await ok(run(["authz", "tenants", "delete", "acme", "--yes", ...at]));
    assert.equal(await ok(run(["authz", "tenants", "--json", ...at])), "[]");
  });

  test("validate prints a table with lines, why, and ends with 1 where something failed", async (t) => {
    const folder = tempFolder(t);
    const good = path.join(folder, "good.yaml");
    const bad = path.join(folder, "bad.yaml");
    writeFileSync(path.join(folder, "s.zed"), schema);
    const text = `schemaFile: s.zed
relationships: |-
  document:1#owner@user:ada
assertions:
  assertTrue:
    - document:1#view@user:ada
`;
    writeFileSync(good, text);
    writeFileSync(bad, `${text}    - document:1#view@user:eve\n`);
    const passed = await run(["authz", "validate", good, "--verbose"], { cwd: folder });
    assert.equal(passed.code, 0, passed.stderr);
    assert.match(passed.stdout, /✓ \S*good\.yaml {2}1 passed {2}SpiceDB's form/);
    const failed = await run(["authz", "validate", good, bad]);
    assert.equal(failed.code, 1);
    assert.match(failed.stdout, /✗ \S*bad\.yaml {2}1 passed, 1 failed/);
    assert.match(
      failed.stdout,
      /\n {5}7 {2}✗ {2}assertTrue {2}document:1#view@user:eve {2}yes {7}no\n/,
    );
    assert.match(failed.stdout, /line 7: document:1#view@user:eve\n {2}✗ document:1#view/);
    const json = await run(["authz", "validate", bad, "--json"]);
    assert.equal(JSON.parse(json.stdout).passed, false);
    assert.equal((await run(["authz", "validate", "nothing.yaml"])).code, 2);
  });
});

describe("a server with tokens", () => {
  test("says which token it lacks, and which right a key lacks", async (t) => {
    const tokens = "all:a1,reader[acme=check]:r1";
    const closed = start(t, ["serve", "test/cli/app.ts", "--port", "0", "--store", ":memory:"], {
      env: { HOLDFAST_TOKENS: tokens },
    });
    const env = { HOLDFAST_URL: await closed.url(), HOLDFAST_TENANT: "acme" };
    const none = await run(["authz", "read"], { env });
    assert.equal(none.code, 6);
    assert.match(none.stderr, /needed, and none was given .*\n.*--token, or HOLDFAST_TOKEN/);
    const wrong = await run(["authz", "read", "--token", "x"], { env });
    assert.match(wrong.stderr, /needed, and the one given is not known/);
    const reader = await run(["authz", "read", "--token", "r1"], { env });
    assert.match(
      reader.stderr,
      /reader has no permission read on tenant acme, where it has only check/,
    );
  });
});

test("a call that is refused says why, to those who may know", async (t) => {
  const guarded = start(t, ["serve", "test/guarded/app.ts", "--port", "0", "--store", ":memory:"], {
    env: { HOLDFAST_TOKENS: "ada:a1,bob:b1" },
  });
  const env = { HOLDFAST_URL: await guarded.url() };
  await ok(run(["call", "page/home/create", "--token", "a1"], { env }));
  const refused = await run(["call", "page/home/write", '"x"', "--token", "b1"], { env });
  assert.equal(refused.code, 6);
  assert.match(
    refused.stderr,
    /user:bob has no permission write .*\n.*\n✗ page:home#write .*\n.*owner/,
  );
});

describe("help", () => {
  test("every command has a summary, examples and its options", async () => {
    for (const { path: words } of leavesOf(authzRows)) {
      const { code, stdout } = await run(["authz", ...words.split(" "), "--help"]);
      assert.equal(code, 0, words);
      assert.match(stdout, new RegExp(`Usage: holdfast authz ${words} `));
      assert.match(stdout, /Examples:\n/);
      assert.match(stdout, /--json/);
    }
  });

  test("a name with commands below it prints their list", async () => {
    assert.match(await ok(run(["authz"])), /Commands:[\s\S]*check .*whether/);
    assert.match(await ok(run(["help", "authz", "schema"])), /write +check a schema/);
    assert.match(await ok(run(["help", "authz", "schema", "write"])), /--dry-run/);
    const unknown = await run(["authz", "chekc"]);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /unknown command 'chekc'.*Did you mean check/s);
  });
});
