import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { connect } from "../../src/client/http-client.ts";
import type { Port } from "../../src/model/port.ts";
import { type Running, run, start, tempFolder } from "./harness.ts";

interface Place {
  readonly store: string;
  readonly effects: string;
}

function makePlace(t: TestContext): Place {
  const folder = tempFolder(t);
  return { store: path.join(folder, "store.db"), effects: path.join(folder, "effects.txt") };
}

function serve(t: TestContext, { store, effects }: Place, ...more: readonly string[]): Running {
  const args = ["serve", "test/cli/app.ts", "--port", "0", "--store", store, ...more];
  return start(t, args, { env: { EFFECTS: effects } });
}

async function portOf(server: Running): Promise<Port> {
  return connect({ url: await server.url() });
}

function readEffects({ effects }: Place): string[] {
  return readFileSync(effects, "utf8").trim().split("\n").sort();
}

test("killed in the middle and started again, everything finishes exactly once", async (t) => {
  const place = makePlace(t);
  const keys = Array.from({ length: 40 }, (_, i) => `t${String(i).padStart(2, "0")}`);
  let server = serve(t, place);
  let port = await portOf(server);
  for (const key of keys) {
    await port.send({ service: "trip", handler: "run", key, input: "Rome" });
  }
  // Half of them are on their way to the end when it is killed.
  for (const key of keys.slice(0, 20)) await port.signal({ service: "trip", key }, "guide", "Ada");
  assert.equal((await server.kill("SIGKILL")).signal, "SIGKILL");

  server = serve(t, place);
  port = await portOf(server);
  for (const key of keys.slice(20)) await port.signal({ service: "trip", key }, "guide", "Ada");
  const results = await Promise.all(keys.map((key) => port.result({ service: "trip", key })));
  assert.deepEqual(new Set(results), new Set(["Rome with Ada, true"]));
  // Calls between keys happen exactly once. A step does at least once: its effect may have come
  // about when the kill kept its result from being recorded.
  assert.deepEqual(await port.readState("counter", "trips"), { count: keys.length });
  const wanted = [...keys.map((key) => `flight ${key}`), ...keys.map((key) => `hotel ${key}`)];
  assert.deepEqual([...new Set(readEffects(place))], wanted);
});

test("SIGTERM lets a request in flight be answered, and ends with 0", async (t) => {
  const place = makePlace(t);
  const server = serve(t, place);
  const url = await server.url();
  const answer = fetch(`${url}/call/greeter/slow`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "300",
  });
  const port = connect({ url });
  while ((await port.list({ service: "greeter" })).invocations.length === 0);
  const ended = await server.kill("SIGTERM");
  assert.equal(await (await answer).text(), '"done"');
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stderr, /"message":"draining","signal":"SIGTERM"/);
  assert.match(ended.stderr, /"message":"closed"/);
});

test("the log of a server that is not on a terminal is JSON, one object a line", async (t) => {
  const server = serve(t, makePlace(t));
  await server.url();
  const { stdout, stderr } = await server.kill("SIGINT");
  assert.equal(stdout, "");
  const lines = stderr.trim().split("\n");
  const messages = lines.map((line) => (JSON.parse(line) as { message: string }).message);
  assert.deepEqual(messages, ["ready", "draining", "closed"]);
});

test("a second process on one store is refused at once, and told who holds it", async (t) => {
  const place = makePlace(t);
  const first = serve(t, place);
  await first.url();
  const { code, stderr } = await run(
    ["serve", "test/cli/app.ts", "--port", "0", "--store", place.store],
    {},
  );
  assert.equal(code, 1);
  assert.match(stderr, /\[store-in-use\]/);
  assert.ok(stderr.includes(`process ${first.child.pid}`), stderr);
});

test("a port that is taken is refused, with what to do", async (t) => {
  const first = serve(t, makePlace(t));
  const { port } = new URL(await first.url());
  const { code, stderr } = await run([
    ...["serve", "test/cli/app.ts", "--port", port, "--store", ":memory:"],
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /\[address-in-use\][\s\S]*--port/);
});

test("an address that others reach needs tokens", async () => {
  const { code, stderr } = await run([
    ...["serve", "test/cli/app.ts", "--port", "0", "--store", ":memory:", "--host", "0.0.0.0"],
  ]);
  assert.equal(code, 2);
  assert.match(stderr, /\[address-refused\]/);
});

test("a limit is given on the command line, and a slip of the pen is named", async (t) => {
  const at = ["serve", "test/cli/app.ts", "--port", "0", "--store", ":memory:"];
  const slip = await run([...at, "--limit", "authzBudgett=5"]);
  assert.equal(slip.code, 2);
  assert.match(slip.stderr, /Did you mean "authzBudget"/);
  const server = start(t, [...at, "--limit", "authzTenants=1", "--limit", "authzWork=9"]);
  const url = await server.url();
  const create = (id: string) => run(["authz", "tenants", "create", id, "--url", url]);
  assert.equal((await create("one")).code, 0);
  assert.match((await create("two")).stderr, /authzTenants/);
});

test("with tokens, whoever has none is refused", async (t) => {
  const server = start(t, ["serve", "test/cli/app.ts", "--port", "0", "--store", ":memory:"], {
    env: { HOLDFAST_TOKENS: "ops:s3cret, ci:other" },
  });
  const url = await server.url();
  const [without, wrong, services, byFlag, byEnv] = await Promise.all([
    run(["ls", "--url", url]),
    run(["ls", "--url", url, "--token", "guess"]),
    run(["ls", "--services", "--url", url]),
    run(["ls", "--url", url, "--token", "s3cret"]),
    run(["ls", "--services", "--url", url], { env: { HOLDFAST_TOKEN: "other" } }),
  ]);
  for (const refused of [without, wrong, services]) {
    assert.equal(refused.code, 6);
    assert.match(refused.stderr, /\[unauthorized\]/);
  }
  assert.equal(byFlag.code, 0, byFlag.stderr);
  assert.equal(byEnv.code, 0, byEnv.stderr);
});

const settings: readonly (readonly [name: string, value: string])[] = [
  ["HOLDFAST_TOKENS", "no-colon"],
  ["HOLDFAST_TOKENS", "ops:one,ops:two"],
  ["HOLDFAST_PORT", "seven"],
  ["HOLDFAST_LOG", "loud"],
];

test("settings that cannot be used are named, and secrets are not shown", async () => {
  await Promise.all(
    settings.map(async ([name, value]) => {
      const { code, stderr } = await run(["serve", "test/cli/app.ts", "--store", ":memory:"], {
        env: { HOLDFAST_PORT: "0", [name]: value },
      });
      assert.equal(code, 2, stderr);
      assert.ok(stderr.includes(`The configuration ${name} cannot be used`), stderr);
      assert.equal(stderr.includes("no-colon"), false);
    }),
  );
});

test("errors that user code lets escape are told, and harm nobody else", async (t) => {
  const server = serve(t, makePlace(t));
  const port = await portOf(server);
  await port.call({ service: "greeter", handler: "careless" });
  await server.printed(/nobody awaits this/);
  await server.printed(/nobody catches this/);
  assert.equal(
    await port.call({ service: "greeter", handler: "hello", input: "Ada" }),
    "Hello Ada",
  );
});

test("metrics say what happened", async (t) => {
  const server = serve(t, makePlace(t));
  const url = await server.url();
  const port = connect({ url });
  await port.call({ service: "greeter", handler: "hello", input: "Ada" });
  await assert.rejects(port.call({ service: "greeter", handler: "refuse" }));
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^holdfast_invocations_started_total 2$/m);
  assert.match(metrics, /^holdfast_invocations_ended_total\{outcome="failed"\} 1$/m);
  assert.match(metrics, /^holdfast_commits_total [1-9]/m);
  assert.match(metrics, /^holdfast_event_loop_delay_seconds\{quantile="0.99"\} [\d.e-]+$/m);
  assert.match(metrics, /^process_resident_memory_bytes [1-9]\d{6}/m);
});

test("start runs the wallet with transfers flowing, and says what to try", async (t) => {
  const store = path.join(tempFolder(t), "wallet.db");
  const server = start(t, ["start", "--port", "0", "--store", store]);
  const url = await server.url();
  await server.printed(/curl .*\/call\/transfer\/t-1\/run/);
  await server.printed(/transfers\/s/);
  const port = connect({ url });
  const flowed = { service: "transfer", status: "succeeded" } as const;
  while ((await port.list(flowed)).invocations.length < 3);
  assert.equal((await server.kill("SIGINT")).code, 0);

  // The transfers end with the server, also when it is killed: else its output would stay open.
  const again = start(t, ["start", "--port", "0", "--store", store]);
  await again.printed(/transfers\/s/);
  await again.kill("SIGKILL");
});
