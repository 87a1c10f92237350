import assert from "node:assert/strict";
import { test } from "node:test";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { isStandardSchema, jsonSchemaOf, type StandardSchema } from "./standard-schema.ts";
import { validateInput, validateOutput } from "./validate.ts";

const schemas: Readonly<Record<string, StandardSchema>> = {
  zod: z.object({ items: z.array(z.object({ price: z.number() })) }),
  valibot: v.object({ items: v.array(v.object({ price: v.number() })) }),
  arktype: type({ items: type({ price: "number" }).array() }),
};

for (const [name, schema] of Object.entries(schemas)) {
  test(`${name}: a value passes, another is refused with its path`, () => {
    assert.ok(isStandardSchema(schema));
    const good = { items: [{ price: 1 }] };
    assert.deepEqual(validateInput(schema, good, "shop/buy"), good);
    assert.throws(() => validateInput(schema, { items: [{ price: "1" }] }, "shop/buy"), {
      code: "invalid-input",
      message: /^The input of shop\/buy was refused by its schema: items\[0\]\.price: /,
    });
    assert.throws(() => validateInput(schema, undefined, "shop/buy"), { code: "invalid-input" });
  });
}

test("the value is what the schema gives", () => {
  assert.equal(validateInput(z.coerce.number(), "12", "t"), 12);
  assert.deepEqual(validateInput(z.object({ a: z.number().default(1) }), {}, "t"), { a: 1 });
});

test("an asynchronous schema is waited for", async () => {
  const even = z.number().refine(async (n) => n % 2 === 0, "not even");
  assert.equal(await validateInput(even, 2, "t"), 2);
  await assert.rejects(async () => validateInput(even, 3, "t"), {
    code: "invalid-input",
    message: /not even/,
  });
});

test("keys that are no names are quoted; many issues are cut", () => {
  const schema = z.record(z.string(), z.number());
  const bad = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`key ${i}`, "x"]));
  assert.throws(() => validateInput(schema, bad, "t"), {
    message: /: \["key 0"\]: .*; and 3 more$/,
  });
});

test("a schema that throws, or rejects, refuses", async () => {
  const standard = (validate: () => never | Promise<never>): StandardSchema => ({
    "~standard": { version: 1, vendor: "test", validate },
  });
  const thrower = standard(() => {
    throw new Error("oh");
  });
  assert.throws(() => validateInput(thrower, 1, "t"), { code: "invalid-input", message: /oh/ });
  const rejecter = standard(() => Promise.reject(new Error("no")));
  await assert.rejects(async () => validateInput(rejecter, 1, "t"), { code: "invalid-input" });
});

test("a refused result is the handler's fault", () => {
  assert.throws(() => validateOutput(z.string(), 1, "shop/buy"), {
    code: "handler-failed",
    message: /shop\/buy failed: its schema refused the result: /,
  });
});

test("JSON Schema where the schema can tell, and nothing otherwise", () => {
  const schema = jsonSchemaOf(z.object({ a: z.string() }), "input");
  assert.deepEqual(schema?.["properties"], { a: { type: "string" } });
  assert.equal(jsonSchemaOf(z.date(), "input"), undefined);
  assert.equal(jsonSchemaOf(v.string(), "input"), undefined);
});
