// What users get: the package is built, packed, looked at by publint and arethetypeswrong, installed
// in an empty folder, and used there.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

const root: string = path.resolve(import.meta.dirname, "..");

interface Run {
  readonly ok: boolean;
  readonly output: string;
}

/** Runs npm, npx or node in `cwd`, as a user would: knowing nothing of the npm that runs us. */
function run(cwd: string, command: string, ...args: readonly string[]): Run {
  const inherited = Object.entries(process.env).filter(
    ([key]) =>
      !/^(npm_(package|lifecycle|command|config_local)|INIT_CWD|NODE_TEST_CONTEXT)/.test(key),
  );
  const env = Object.fromEntries(inherited);
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  return { ok: status === 0, output: error?.message ?? `${stdout}${stderr}` };
}

function assertRuns(...call: Parameters<typeof run>): string {
  const { ok, output } = run(...call);
  assert.ok(ok, `${call.slice(1).join(" ")} failed:\n${output}`);
  return output;
}

describe("the package", () => {
  let folder = "";
  let tarball = "";
  let user = "";

  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), "holdfast-package-"));
    assertRuns(root, process.execPath, "tools/build.ts");
    const packed = assertRuns(
      root,
      "npm",
      "pack",
      "--ignore-scripts",
      "--json",
      "--loglevel=error",
      "--pack-destination",
      folder,
    );
    const name = /"filename": "([^"]+)"/.exec(packed)?.[1];
    assert.ok(name !== undefined, `npm pack named no file:\n${packed}`);
    tarball = path.join(folder, name);

    user = path.join(folder, "user");
    mkdirSync(user);
    writeFileSync(path.join(user, "package.json"), '{ "private": true, "type": "module" }\n');
    assertRuns(user, "npm", "install", tarball, "--no-audit", "--no-fund", "--loglevel=error");
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  test("publint has nothing to say", async () => {
    const data = readFileSync(tarball);
    const { messages, pkg } = await publint({
      pack: { tarball: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) },
      strict: true,
    });
    assert.deepEqual(
      messages.map((message) => formatMessage(message, pkg, { color: false })),
      [],
    );
  });

  test("its types resolve for users of ES modules", () => {
    const attw = path.join(root, "node_modules/@arethetypeswrong/cli/dist/index.js");
    assertRuns(
      root,
      process.execPath,
      attw,
      tarball,
      "--profile",
      "esm-only",
      "--no-emoji",
      "--no-color",
    );
  });

  test("every entry can be imported", () => {
    const manifest: unknown = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    const { exports } = manifest as { readonly exports: Readonly<Record<string, unknown>> };
    const entries = Object.keys(exports).filter((entry) => !entry.endsWith(".json"));
    const imports = entries.map((entry) => `await import("holdfast${entry.slice(1)}");`).join("\n");
    assertRuns(user, process.execPath, "--input-type=module", "--eval", imports);
  });

  test("authorization stands by itself, in the process and from the command line", () => {
    const program = `import { openAuthz, parseCheckItem, parseRelationship } from "holdfast/authz";
      await using authz = await openAuthz({ store: "authz.db", tenants: ["acme"] });
      const acme = authz.tenant("acme");
      const text = "definition user {}\\ndefinition doc {\\n relation viewer: user\\n}";
      await acme.writeSchema({ dialect: "native", text });
      const relationship = parseRelationship("doc:1#viewer@user:ada");
      await acme.write({ updates: [{ operation: "touch", relationship }] });
      console.log(acme.checkNow(parseCheckItem("doc:1#viewer@user:ada")));`;
    const args = ["--input-type=module", "--eval", program];
    assert.equal(assertRuns(user, process.execPath, ...args), "yes\n");
    const question = ["doc:1#viewer@user:ada", "--store", "authz.db", "--tenant", "acme"];
    assert.equal(assertRuns(user, "npx", "holdfast", "authz", "check", ...question), "yes\n");
  });

  test("no test, simulation or source map of ours is in it", () => {
    const files = assertRuns(folder, "tar", "-tzf", tarball).trim().split("\n");
    assert.deepEqual(
      files.filter((file) => /\.(test|bench)\.|conformance|(?<!\.d)\.ts$|\.map$/.test(file)),
      [],
    );
  });

  test("npx holdfast --help ends with 0", () => {
    assert.match(assertRuns(user, "npx", "holdfast", "--help"), /holdfast/i);
  });

  test("npx holdfast makes a project, serves it, and answers questions about it", async (t) => {
    assertRuns(user, "npx", "holdfast", "init", "shop");
    const bin = path.join(user, "node_modules/.bin/holdfast");
    const args = ["serve", "shop/app.ts", "--port", "0", "--store", "shop.db"];
    const server = spawn(bin, args, { cwd: user, stdio: ["ignore", "ignore", "pipe"] });
    t.after(() => server.kill("SIGKILL"));
    let log = "";
    for await (const text of server.stderr.setEncoding("utf8")) {
      log += text;
      if (log.includes('"ready"')) break;
    }
    const url = /"url":"(.*?)"/.exec(log)?.[1];
    assert.ok(url !== undefined, log);
    const at = ["--url", url];
    assert.equal(assertRuns(user, bin, "call", "cart/ada/add", '"chair"', ...at), "1\n");
    const query = "select handler from invocations";
    assert.equal(assertRuns(user, bin, "sql", query, "--csv", ...at), "handler\r\nadd\n");
  });
});
