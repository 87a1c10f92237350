import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { connect } from "../../src/client/http-client.ts";
import { type Running, start, tempFolder } from "./harness.ts";

interface Project {
  readonly dev: Running;
  write(file: string, text: string): void;
}

/** An application in a folder of its own, where nothing is installed. */
function develop(t: TestContext, files: Readonly<Record<string, string>>): Project {
  const folder = tempFolder(t);
  const write = (file: string, text: string): void => writeFileSync(path.join(folder, file), text);
  for (const [file, text] of Object.entries(files)) write(file, text);
  const dev = start(t, ["dev", "app.ts", "--port", "0"], { cwd: folder });
  return { dev, write };
}

const app = (word: string): string => `
import { workflow } from "holdfast";
import { end } from "./end.ts";

export const trip = workflow("trip", {
  async run(ctx, city: string) {
    const guide = await ctx.signal<string>("guide");
    return \`${word} \${city} with \${guide}\${end}\`;
  },
});
`;
const end = (text: string): string => `export const end = ${JSON.stringify(text)};\n`;

test("a change reloads; what is in flight goes on with the new code", async (t) => {
  const { dev, write } = develop(t, { "app.ts": app("to"), "end.ts": end(".") });
  const port = connect({ url: await dev.url() });
  for (const key of ["a", "b"]) {
    await port.send({ service: "trip", handler: "run", key, input: "Rome" });
  }
  write("app.ts", app("off to"));
  await dev.printed(/app\.ts changed\n/);
  await dev.printed(/reloaded in \d+ ms/);
  await port.signal({ service: "trip", key: "a" }, "guide", "Ada");
  assert.equal(await port.result({ service: "trip", key: "a" }), "off to Rome with Ada.");

  // Also when the file is one that the application imports.
  write("end.ts", end("!"));
  await dev.printed(/end\.ts changed\n/);
  await dev.printed(/(reloaded in \d+ ms[\s\S]*){2}/);
  await port.signal({ service: "trip", key: "b" }, "guide", "Bob");
  assert.equal(await port.result({ service: "trip", key: "b" }), "off to Rome with Bob!");
  assert.equal((await port.describe({ service: "trip", key: "b" })).deployment, "dev");
});

test("code that cannot be loaded is shown, and the code before it keeps running", async (t) => {
  const { dev, write } = develop(t, { "app.ts": app("to"), "end.ts": end(".") });
  const port = connect({ url: await dev.url() });
  write("end.ts", "export const end = {{;\n");
  await dev.printed(/run: end\.ts:1 \[invalid-application\]\nexport const end = \{\{;\n/);
  await dev.printed(/waiting for a change; the code before it keeps running/);
  assert.deepEqual((await port.list()).invocations, []);

  write("end.ts", end("!"));
  await dev.printed(/reloaded in/);
  await port.send({ service: "trip", handler: "run", key: "a", input: "Rome" });
  await port.signal({ service: "trip", key: "a" }, "guide", "Ada");
  assert.equal(await port.result({ service: "trip", key: "a" }), "to Rome with Ada!");
});

test("it waits for an application that is not there yet, or not whole", async (t) => {
  const { dev, write } = develop(t, {});
  await dev.printed(/there is no such file \[invalid-application\][\s\S]*waiting for a change\n/);
  write("app.ts", "export const nothing = 1;\n");
  await dev.printed(/it exports no service, actor or workflow/);
  write("app.ts", app("to"));
  await dev.printed(/Cannot find module .*end\.ts/);
  write("end.ts", end("."));
  const port = connect({ url: await dev.url() });
  assert.deepEqual((await port.list()).invocations, []);
});

test("an application that ends by itself is told, and started by the next change", async (t) => {
  const { dev, write } = develop(t, { "app.ts": app("to"), "end.ts": end(".") });
  await dev.url();
  write("end.ts", `${end(".")}setTimeout(() => process.exit(7), 300);\n`);
  await dev.printed(/the application ended \(exit code 7\); waiting for a change/);
  write("end.ts", end("."));
  await dev.printed(/(Holdfast is ready[\s\S]*){2}/);
});

test("--json tells what happens in one object a line", async (t) => {
  const folder = tempFolder(t);
  writeFileSync(path.join(folder, "app.ts"), "export {};\n");
  const dev = start(t, ["dev", "app.ts", "--port", "0", "--json"], { cwd: folder });
  await dev.printed(/"failed"/);
  writeFileSync(
    path.join(folder, "app.ts"),
    app("to").replace(/import.*end.ts";/, 'const end = "";'),
  );
  await dev.printed(/"ready"/);
  const { stdout } = await dev.kill("SIGINT");
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { event: string });
  assert.deepEqual(
    events.map(({ event }) => event),
    ["failed", "changed", "ready"],
  );
});

test("Ctrl-C ends both processes, with 0", async (t) => {
  const { dev } = develop(t, { "app.ts": app("to"), "end.ts": end(".") });
  const url = await dev.url();
  const { code, stderr } = await dev.kill("SIGINT");
  assert.equal(code, 0, stderr);
  await assert.rejects(connect({ url }).list(), { code: "unreachable" });
});

test("when the process that watches is killed, the application ends as well", async (t) => {
  const { dev } = develop(t, { "app.ts": app("to"), "end.ts": end(".") });
  const port = connect({ url: await dev.url() });
  // Resolves when the child has let go of its output too.
  await dev.kill("SIGKILL");
  await assert.rejects(port.list(), { code: "unreachable" });
});

test("a file that is taken away and comes back is reloaded", async (t) => {
  const folder = tempFolder(t);
  const file = path.join(folder, "app.ts");
  const text = app("to").replace('import { end } from "./end.ts";', 'const end = ".";');
  writeFileSync(file, text);
  const dev = start(t, ["dev", file, "--port", "0", "--store", ":memory:"]);
  await dev.url();
  rmSync(file);
  await dev.printed(/there is no such file[\s\S]*keeps running/);
  writeFileSync(file, text);
  await dev.printed(/reloaded in/);
});
