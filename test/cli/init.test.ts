import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { connect } from "../../src/client/http-client.ts";
import { root, run, start, tempFolder } from "./harness.ts";

test("a new project type-checks, passes its test, and runs", async (t) => {
  const folder = path.join(tempFolder(t), "My Shop!");
  const { code, stdout } = await run(["init", folder, "--json"]);
  assert.equal(code, 0);
  const { files } = JSON.parse(stdout) as { files: string[] };
  assert.ok(files.includes("app.ts") && files.includes("README.md"));
  const manifest: unknown = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  assert.equal((manifest as { name: string }).name, "my-shop");

  // What npm install would do.
  mkdirSync(path.join(folder, "node_modules/@types"), { recursive: true });
  symlinkSync(root, path.join(folder, "node_modules/holdfast"), "junction");
  symlinkSync(
    path.join(root, "node_modules/@types/node"),
    path.join(folder, "node_modules/@types/node"),
    "junction",
  );
  const dev = start(t, ["dev", "app.ts", "--port", "0"], { cwd: folder });
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  const checked = node(folder, tsc, "--customConditions", "holdfast-source");
  assert.equal(checked.status, 0, checked.stdout);
  const tested = node(folder, "--conditions=holdfast-source", "--test");
  assert.equal(tested.status, 0, tested.stdout);

  const port = connect({ url: await dev.url() });
  await port.call({ service: "cart", key: "ada", handler: "add", input: "chair" });
  await port.send({ service: "order", key: "o-1", handler: "run", input: "ada" });
  const { waitingFor } = await port.describe({ service: "order", key: "o-1" });
  assert.ok(waitingFor === null || waitingFor.startsWith("sleep"), waitingFor ?? "");
});

test("a folder that is not empty is refused, and left as it is", async (t) => {
  const folder = tempFolder(t);
  writeFileSync(path.join(folder, "app.ts"), "mine");
  const { code, stderr } = await run(["init", folder]);
  assert.equal(code, 5);
  assert.match(stderr, /\[folder-not-empty\]/);
  assert.equal(readFileSync(path.join(folder, "app.ts"), "utf8"), "mine");
});

function node(cwd: string, ...args: readonly string[]): { status: number | null; stdout: string } {
  const env = { ...process.env };
  delete env["NODE_TEST_CONTEXT"];
  return spawnSync(process.execPath, args, { cwd, env, encoding: "utf8" });
}
