import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { defaultLimits } from "../model/limits.ts";
import { checkDefinitions, collectDefinitions, deploymentHash } from "./application.ts";
import { actor, handler, service, shared, workflow } from "./definition.ts";
import { message, schedule } from "./schedule.ts";

const mail = service("mail", { handlers: { send: async (_ctx, to: string) => to } });
const counter = actor("counter", { state: { n: 0 }, handlers: { add: (ctx) => ctx.set("n", 1) } });
const nightly = schedule("nightly", { cron: "@daily", target: message(mail).send("x") });

test("definitions are found among the exports of a module, each once", () => {
  const exports = {
    mail,
    again: mail,
    all: [counter, nightly],
    helper: () => 1,
    config: { kind: "service", name: 5 },
    nothing: null,
    text: "actor",
  };
  assert.deepEqual(collectDefinitions(exports), {
    definitions: [mail, counter],
    schedules: [nightly],
  });
});

test("a whole application is checked", () => {
  const twin = service("mail", { handlers: { other: async () => {} } });
  const check = (definitions: readonly (typeof mail | typeof twin | typeof counter)[]): void =>
    checkDefinitions({ definitions, schedules: [] });
  check([mail, counter]);
  assert.throws(() => check([mail, twin]), {
    code: "duplicate-definition",
    message: "The service mail is defined twice",
  });
  assert.throws(
    () => checkDefinitions({ definitions: [mail], schedules: [nightly, { ...nightly }] }),
    { code: "duplicate-definition", message: "The schedule nightly is defined twice" },
  );
});

test("a schedule needs a target that is there", () => {
  const check = (target: typeof nightly.target): void =>
    checkDefinitions({ definitions: [mail, counter], schedules: [{ ...nightly, target }] });
  check({ service: "counter", handler: "add", key: "k" });
  const code = "invalid-schedule";
  assert.throws(() => check({ service: "fax", handler: "send" }), { code, message: /service fax/ });
  assert.throws(() => check({ service: "mail", handler: "x" }), { code, message: /no handler x/ });
  assert.throws(() => check({ service: "mail", handler: "send", key: "k" }), { code });
  assert.throws(() => check({ service: "counter", handler: "add" }), { code, message: /a key/ });
});

test("limits: services, schedules, handlers", () => {
  const application = { definitions: [mail, counter], schedules: [nightly] };
  for (const limit of ["services", "schedules", "handlers"] as const) {
    assert.throws(() => checkDefinitions(application, { ...defaultLimits, [limit]: 0 }), {
      code: "limit-exceeded",
      message: new RegExp(limit),
    });
  }
});

test("a deployment's name depends on everything that is defined, and on nothing else", () => {
  const make = (change: { n?: number; by?: string; mode?: "shared"; schema?: z.ZodType } = {}) => {
    const add = change.by === "two" ? () => 2 : () => 1;
    const options = { input: change.schema ?? z.unknown() };
    return actor("a", {
      state: { n: change.n ?? 0 },
      handlers: {
        add: change.mode === "shared" ? shared(options, add) : handler(options, add),
        more: () => 0,
      },
    });
  };
  const hash = deploymentHash([make(), mail]);
  assert.match(hash, /^[0-9a-z]{14}$/);
  assert.equal(deploymentHash([mail, make()]), hash);
  const run = workflow("w", { run: async () => 1 });
  const others = [
    [make()],
    [make(), mail, run],
    [make({ n: 1 }), mail],
    [make({ by: "two" }), mail],
    [make({ mode: "shared" }), mail],
    [make({ schema: z.string() }), mail],
    [make({ schema: z.number() }), mail],
  ].map((definitions) => deploymentHash(definitions));
  assert.equal(new Set([hash, ...others]).size, others.length + 1);
});
