import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { HoldfastError } from "../model/errors.ts";
import { actor, handler, service, shared, workflow } from "./definition.ts";
import { makeHandlerProxy } from "./proxy.ts";

const noop = (): void => undefined;

/** What a user without a type checker could write. */
// biome-ignore lint/suspicious/noExplicitAny: the point is to pass the compiler by
const loose = { actor, handler, service, shared, workflow } as any;

function refused(make: () => unknown, code: string, says: string): void {
  assert.throws(make, (error) => {
    assert.ok(error instanceof HoldfastError, String(error));
    assert.equal(error.code, code);
    assert.ok(error.message.includes(says), `${error.message}\nlacks ${says}`);
    return true;
  });
}

test("an actor has its handlers, their modes, and the JSON of its initial state", () => {
  const add = (_ctx: unknown, by: number): number => by;
  const counter = actor("counter", {
    state: { count: 0, limit: z.number().default(10), owner: z.string(), nothing: undefined },
    handlers: { add, value: shared((ctx) => ctx.get("count")) },
  });
  assert.equal(counter.kind, "actor");
  assert.equal(counter.handlers["add"]?.mode, "exclusive");
  assert.equal(counter.handlers["add"]?.invoke, add);
  assert.equal(counter.handlers["value"]?.mode, "shared");
  assert.equal(counter.state["count"]?.initial, "0");
  assert.equal(counter.state["limit"]?.initial, "10");
  assert.equal(counter.state["owner"]?.initial, null);
  assert.notEqual(counter.state["owner"]?.schema, undefined);
  assert.equal(counter.state["nothing"]?.initial, null);
  assert.ok(Object.isFrozen(counter) && Object.isFrozen(counter.handlers));
});

test("all handlers of a workflow beside its run are shared", () => {
  const definition = workflow("w", {
    run: handler({ timeout: "1h" }, async () => 1),
    handlers: { plain: noop, marked: shared(noop) },
  });
  const modes = Object.values(definition.handlers).map(({ name, mode }) => `${name} ${mode}`);
  assert.deepEqual(modes, ["run workflow", "plain shared", "marked shared"]);
  assert.equal(definition.handlers["run"]?.options.timeout, "1h");
});

test("a handler's own options win over those of its definition", () => {
  const definition = service("s", {
    retry: { attempts: 3 },
    retention: "1 week",
    handlers: { a: noop, b: handler({ retry: { attempts: 9 } }, noop) },
  });
  assert.deepEqual(definition.handlers["a"]?.options, {
    retry: { attempts: 3 },
    retention: "1 week",
  });
  assert.deepEqual(definition.handlers["b"]?.options, {
    retry: { attempts: 9 },
    retention: "1 week",
  });
});

test("handlers and state are found by own names only", () => {
  const definition = service("s", { handlers: { a: noop } });
  assert.equal(definition.handlers["toString"], undefined);
  assert.equal("__proto__" in definition.handlers, false);
});

test("a wrapped handler is a function of its own, and the user's is left alone", () => {
  const fn = (_ctx: unknown, x: number): number => x + 1;
  const wrapped = handler({ private: true }, fn);
  assert.notEqual(wrapped, fn);
  assert.equal(wrapped({}, 1), 2);
  assert.equal(service("s", { handlers: { wrapped } }).handlers["wrapped"]?.invoke, fn);
});

test("names that cannot be used are refused", () => {
  const named = (name: unknown): unknown => loose.service(name, { handlers: { a: noop } });
  refused(() => named("a/b"), "invalid-id", "slash");
  refused(() => named("_a"), "invalid-id", "underscore");
  refused(() => named(".."), "invalid-id", "folder");
  refused(() => named(""), "invalid-id", "empty or blank");
  refused(() => named("x".repeat(257)), "invalid-id", "257 characters");
  refused(() => named("\ud800"), "invalid-id", "well-formed");
  refused(() => named(undefined), "invalid-id", "not text");
  const handled = (name: string): unknown => service("s", { handlers: { [name]: noop } });
  refused(() => handled("a/b"), "invalid-id", "slash");
  refused(() => handled("then"), "invalid-id", "promise");
  refused(() => actor("a", { state: { _x: 1 }, handlers: { noop } }), "invalid-id", "underscore");
});

test("what is not a definition is refused, and says where it is wrong", () => {
  const make = (spec: unknown): unknown => loose.service("s", spec);
  refused(() => make(undefined), "invalid-argument", "The definition of service s");
  refused(() => make({}), "invalid-argument", "The handlers of service s");
  refused(() => make({ handlers: {} }), "invalid-argument", "no handlers");
  refused(() => make({ handlers: { a: 1 } }), "invalid-argument", "s/a is not acceptable: it is a");
  refused(() => make({ handlers: { a: null } }), "invalid-argument", "it is null");
  refused(() => make({ handlers: { a: noop }, stat: {} }), "invalid-argument", 'no option "stat"');
  refused(() => make({ handlers: { a: noop }, input: 1 }), "invalid-argument", "single handlers");
  refused(() => make({ handlers: { a: shared(noop) } }), "invalid-argument", "no state to share");
  refused(
    () => loose.workflow("w", {}),
    "invalid-argument",
    "w/run is not acceptable: it is missing",
  );
  refused(
    () => loose.workflow("w", { run: noop, handlers: { run: noop } }),
    "duplicate-definition",
    "w/run is defined twice",
  );
  refused(() => loose.workflow("w", { run: shared(noop) }), "invalid-argument", "w/run");
  refused(() => loose.handler({}, undefined), "invalid-argument", "missing, not a function");
  refused(() => loose.shared(shared(noop)), "invalid-argument", "all of them at once");
});

test("options out of bounds are refused", () => {
  const opted = (options: object): unknown =>
    loose.service("s", { handlers: { a: loose.handler(options, noop) } });
  refused(() => opted({ retyr: {} }), "invalid-argument", 'no option "retyr"');
  refused(() => opted({ input: {} }), "invalid-argument", "Standard Schema");
  refused(() => opted({ retry: 3 }), "invalid-argument", "not an object");
  refused(() => opted({ retry: { attempts: 0 } }), "invalid-argument", "less than 1");
  refused(() => opted({ retry: { attempts: 1.5 } }), "invalid-argument", "whole number");
  refused(() => opted({ retry: { factor: 0.5 } }), "invalid-argument", "factor");
  refused(() => opted({ retry: { factor: Number.NaN } }), "invalid-argument", "factor");
  refused(() => opted({ retry: { initial: "soon" } }), "invalid-argument", '"soon"');
  refused(() => opted({ retry: { initial: "2s", max: "1s" } }), "invalid-argument", "max");
  refused(() => opted({ retry: { tries: 3 } }), "invalid-argument", 'no option "tries"');
  refused(() => opted({ timeout: 0 }), "invalid-argument", "zero");
  refused(() => opted({ timeout: -1 }), "invalid-argument", "not a duration");
  refused(() => opted({ timeout: "11000 days" }), "invalid-argument", "longer than the limit");
  refused(() => opted({ retention: {} }), "invalid-argument", "not a duration");
  refused(() => opted({ private: "yes" }), "invalid-argument", "one of true, false");
  refused(() => opted({ durability: "none" }), "invalid-argument", "step, pipelined");
  assert.ok(opted({ retry: { attempts: Number.POSITIVE_INFINITY, max: 0 }, timeout: 1 }));
});

test("initial state has to survive JSON", () => {
  const stated = (value: unknown): unknown =>
    actor("a", { state: { x: value }, handlers: { noop } });
  const loop: unknown[] = [];
  loop.push(loop);
  for (const [value, says] of [
    [new Date(0), "Date"],
    [{ deep: [new Map()] }, "Map"],
    [[() => 1], "function"],
    [Number.NaN, "NaN"],
    [1n, "BigInt"],
    [Symbol("x"), "symbol"],
    [loop, "circular"],
  ] as const) {
    refused(() => stated(value), "not-serialisable", says);
  }
  refused(() => stated("x".repeat(4 * 1024 * 1024)), "too-large", "state entry");
  assert.ok(stated({ list: [1, "a", null, true], nested: { undefined: undefined } }));
});

test("limits: handlers of a service, state entries of an actor", () => {
  const many = (count: number): Record<string, () => void> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, noop]));
  assert.ok(service("s", { handlers: many(1000) }));
  refused(() => service("s", { handlers: many(1001) }), "limit-exceeded", "handlers");
  const entries = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`e${i}`, i]));
  refused(() => actor("a", { state: entries, handlers: { noop } }), "limit-exceeded", "stateKeys");
});

test("an asynchronous state schema has no default", () => {
  const slow = z.unknown().transform(async () => 1);
  const { state } = actor("a", { state: { x: slow }, handlers: { noop } });
  assert.equal(state["x"]?.initial, null);
});

test("a proxy has one method per handler, and nothing else", () => {
  const definition = service("s", { handlers: { add: noop, toString: noop, constructor: noop } });
  const issued: unknown[] = [];
  const proxy = makeHandlerProxy(definition, (name, input) => issued.push([name, input])) as Record<
    string,
    (input?: unknown) => unknown
  >;
  proxy["add"]?.(1);
  proxy["toString"]?.();
  proxy["constructor"]?.("c");
  assert.deepEqual(issued, [
    ["add", 1],
    ["toString", undefined],
    ["constructor", "c"],
  ]);
  assert.equal("then" in proxy, false);
  assert.equal("valueOf" in proxy, false);
  assert.throws(() => {
    proxy["add"] = noop;
  }, TypeError);
});

test("proxies of one definition keep their own targets", () => {
  const definition = service("s", { handlers: { get: noop } });
  const [one, two] = [1, 2].map((n) => makeHandlerProxy(definition, () => n)) as {
    get(): number;
  }[];
  assert.deepEqual([one?.get(), two?.get(), one?.get()], [1, 2, 1]);
});
