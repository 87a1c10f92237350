import assert from "node:assert/strict";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { makeStage } from "../../test/gateway/stage.ts";
import { actor, handler, service, workflow } from "../sdk/definition.ts";
import type { Definition } from "../sdk/handler.ts";

interface Tree {
  z: number;
  branches: Tree[];
}

const tree: z.ZodType<Tree> = z.object({
  z: z.number(),
  get branches(): z.ZodArray<z.ZodType<Tree>> {
    return z.array(tree);
  },
});

const definitions: Definition[] = [
  service("greeter", {
    handlers: {
      hello: handler(
        { input: z.object({ name: z.string() }), output: z.string() },
        async (_ctx, { name }) => name,
      ),
      plain: async () => 1,
      hidden: handler({ private: true }, async () => 1),
      count: handler({ input: type({ n: "number" }) }, async () => 1),
      when: handler({ input: z.date() }, async () => 1),
      valibot: handler({ input: v.object({ a: v.string() }) }, async () => 1),
      grow: handler({ input: tree }, async () => 1),
    },
  }),
  actor("odd näme {x}", { handlers: { "a b": async () => 1 } }),
  workflow("order", { run: async () => 1, handlers: { status: async () => 1 } }),
];

interface Operation {
  readonly requestBody: {
    readonly content: Record<string, { readonly schema: { readonly $ref?: string } }>;
  };
  readonly parameters: readonly { readonly name: string }[];
}

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, unknown> };
}

async function readDocument(): Promise<Document> {
  await using stage = await makeStage({ definitions });
  const response = await stage.fetch("/openapi.json");
  return (await response.json()) as Document; // checked by the first test
}

test("it is valid under a public validator", async () => {
  const result = await new Validator().validate(JSON.parse(JSON.stringify(await readDocument())));
  assert.deepEqual(result.errors ?? [], []);
  assert.equal(result.valid, true);
});

test("all references lead somewhere", async () => {
  const document = await readDocument();
  const references = JSON.stringify(document).matchAll(/"\$ref":"#([^"]*)"/g);
  for (const [, pointer = ""] of references) {
    const place = pointer
      .split("/")
      .slice(1)
      .reduce<unknown>((at, name) => {
        const key = decodeURIComponent(name).replaceAll("~1", "/").replaceAll("~0", "~");
        return (at as Record<string, unknown> | undefined)?.[key]; // undefined shows below
      }, document);
    assert.notEqual(place, undefined, pointer);
  }
});

test("operation ids are unique", async () => {
  const { paths } = await readDocument();
  const ids = Object.values(paths)
    .flatMap((path) => Object.values(path))
    .map((operation) => (operation as unknown as { operationId: string }).operationId);
  assert.equal(new Set(ids).size, ids.length);
});

test("each public handler has its paths", async () => {
  const { paths } = await readDocument();
  for (const path of [
    "/call/greeter/hello",
    "/send/greeter/hello",
    "/call/order/{key}/run",
    "/call/order/{key}/status",
    "/call/odd%20n%C3%A4me%20%7Bx%7D/{key}/a%20b",
  ]) {
    assert.ok(paths[path]?.["post"] !== undefined, path);
  }
  assert.equal(paths["/call/greeter/hidden"], undefined);
});

test("schemas come from the validators that know theirs", async () => {
  const { paths, components } = await readDocument();
  const schemaOf = (name: string): unknown => {
    const body = paths[`/call/greeter/${name}`]?.["post"]?.requestBody;
    const schema = body?.content["application/json"]?.schema;
    const pointer = schema?.$ref?.split("/").at(-1);
    return pointer === undefined ? schema : components.schemas[pointer];
  };
  assert.deepEqual(schemaOf("hello"), {
    type: "object",
    properties: { name: { type: "string" } },
    required: ["name"],
  });
  assert.deepEqual(schemaOf("count"), {
    type: "object",
    properties: { n: { type: "number" } },
    required: ["n"],
  });
  for (const name of ["plain", "when", "valibot"]) assert.deepEqual(schemaOf(name), {}, name);
  assert.match(JSON.stringify(schemaOf("grow")), /#\/components\/schemas\/greeter.grow.input/);
});

test("Zod's own method is used where the extension is missing", async () => {
  const { toJsonSchema } = await import("./json-schema.ts");
  const schema = {
    "~standard": { version: 1, vendor: "zod", validate: (value: unknown) => ({ value }) },
    toJSONSchema: ({ io }: { io: string }) => ({ $schema: "x", title: io }),
  } as const;
  assert.deepEqual(toJsonSchema(schema, "output"), { title: "output" });
});
