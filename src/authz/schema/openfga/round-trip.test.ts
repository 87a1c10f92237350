import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { suiteFolder, whySkipped } from "../../../../test/suites.ts";
import { defaultLimits as limits } from "../../../model/limits.ts";
import type { Expression, Schema } from "../schema.ts";
import { parseOpenfgaDsl, parseOpenfgaJson } from "./openfga.ts";
import { printOpenfgaDsl } from "./print-dsl.ts";
import { toOpenfgaJson } from "./to-json.ts";

const folder = suiteFolder("openfga");

/** What a schema means: without places, docs, and the order in which the DSL prints things. */
function meaningOf(schema: Schema): unknown {
  return {
    version: schema.version,
    types: [...schema.types.values()].map(({ name, relations }) => ({
      name,
      relations: [...relations.values()].map((relation) => ({
        name: relation.name,
        allowed: relation.allowed,
        rewrite: meaningOfExpression(relation.rewrite),
      })),
    })),
    caveats: [...schema.caveats.values()]
      .map(({ name, expression, parameters }) => ({
        name,
        expression,
        parameters: [...parameters].sort(([a], [b]) => (a < b ? -1 : 1)),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** Brackets are printed first; otherwise the order of operands stays. */
function meaningOfExpression(expression: Expression): unknown {
  if ("operands" in expression) {
    const isDirect = ({ kind }: Expression): boolean => kind === "this";
    const { operands } = expression;
    const inOrder = [...operands.filter(isDirect), ...operands.filter((one) => !isDirect(one))];
    return [expression.kind, ...inOrder.map(meaningOfExpression)];
  }
  if (expression.kind !== "exclusion") return expression;
  const { base, subtract } = expression;
  return ["exclusion", meaningOfExpression(base), meaningOfExpression(subtract)];
}

/** DSL -> schema -> JSON -> schema -> DSL -> schema, and nothing is lost. */
function assertRoundTrip(schema: Schema): void {
  const json = toOpenfgaJson(schema);
  const fromJson = parseOpenfgaJson(JSON.stringify(json), limits);
  assert.deepEqual(fromJson.problems, []);
  assert.deepEqual(toOpenfgaJson(fromJson.schema!), json);
  assert.deepEqual(meaningOf(fromJson.schema!), meaningOf(schema));
  const { text, problems } = printOpenfgaDsl(fromJson.schema!);
  assert.deepEqual(problems, []);
  const fromDsl = parseOpenfgaDsl(text!, limits);
  assert.deepEqual(fromDsl.problems, [], text!);
  assert.deepEqual(meaningOf(fromDsl.schema!), meaningOf(schema));
  assert.equal(printOpenfgaDsl(fromDsl.schema!).text, text);
}

for (const file of ["consolidated_1_1_tests.yaml", "abac_tests.yaml"]) {
  test(`models of ${file} survive all forms`, { skip: whySkipped(folder) }, () => {
    const { tests } = parse(readFileSync(path.join(folder!, file), "utf8"));
    for (const { stages } of tests) {
      for (const { model } of stages) assertRoundTrip(parseOpenfgaDsl(model, limits).schema!);
    }
  });
}

const names = [
  "a",
  "b.c",
  "d/e",
  "_f-g",
  "model",
  "type",
  "relation",
  "schema",
  "extend",
  "module",
];

/** A relation may name those before it, so that there is no cycle and always an entry. */
function rewrite(earlier: readonly string[]): fc.Arbitrary<unknown> {
  const known = fc.constantFrom("member", ...earlier);
  const { tree } = fc.letrec<{ tree: unknown; leaf: unknown; group: unknown }>((tie) => ({
    leaf: fc.oneof(
      known.map((relation) => ({ computedUserset: { relation } })),
      fc.constant({
        tupleToUserset: {
          tupleset: { relation: "parent" },
          computedUserset: { relation: "member" },
        },
      }),
    ),
    group: fc.oneof(
      children(tie("tree")).map((child) => ({ union: { child } })),
      children(tie("tree")).map((child) => ({ intersection: { child } })),
      fc
        .tuple(tie("tree"), tie("tree"))
        .map(([base, subtract]) => ({ difference: { base, subtract } })),
    ),
    tree: fc.oneof({ maxDepth: 4 }, tie("leaf"), tie("group")),
  }));
  return tree;
}

function children(child: fc.Arbitrary<unknown>): fc.Arbitrary<unknown[]> {
  return fc.array(child, { minLength: 2, maxLength: 4 });
}

function relationsOf(chosen: readonly string[]): fc.Arbitrary<Record<string, unknown>> {
  const entries = chosen.map((name, index) =>
    fc.tuple(fc.constant(name), rewrite(chosen.slice(0, index)), fc.boolean()),
  );
  return fc
    .tuple(...entries)
    .map((list) =>
      Object.fromEntries(
        list.map(([name, inner, isDirect]) => [
          name,
          isDirect ? { union: { child: [{ this: {} }, inner] } } : inner,
        ]),
      ),
    );
}

const restrictions = fc.uniqueArray(
  fc.constantFrom<Record<string, unknown>>(
    { type: "user" },
    { type: "user", wildcard: {} },
    { type: "user", condition: "c" },
    { type: "team", relation: "member" },
    { type: "team", relation: "member", condition: "d" },
  ),
  { minLength: 1, selector: (one) => JSON.stringify(one) },
);

const conditions = {
  c: {
    name: "c",
    expression: 'x["k"] < 2 || y in ["}", \'#\']',
    parameters: {
      y: { type_name: "TYPE_NAME_STRING" },
      x: { type_name: "TYPE_NAME_MAP", generic_types: [{ type_name: "TYPE_NAME_INT" }] },
    },
  },
  d: {
    name: "d",
    expression: "ip.in_cidr(\n    net)",
    parameters: {
      ip: { type_name: "TYPE_NAME_IPADDRESS" },
      net: { type_name: "TYPE_NAME_STRING" },
    },
  },
};

const models = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom(...names), { maxLength: 6 }).chain(relationsOf),
    restrictions,
  )
  .map(([relations, allowed]) => {
    const isDirect = (relation: unknown): boolean => JSON.stringify(relation).includes('"this"');
    const all = { member: { this: {} }, parent: { this: {} }, ...relations };
    const details = Object.entries(all).map(([name, relation]) => {
      const types = name === "parent" ? [{ type: "team" }] : isDirect(relation) ? allowed : [];
      return [name, { directly_related_user_types: types }];
    });
    const team = { member: { this: {} } };
    return {
      schema_version: "1.2",
      type_definitions: [
        { type: "user" },
        {
          type: "team",
          relations: team,
          metadata: { relations: { member: { directly_related_user_types: allowed.slice(0, 1) } } },
        },
        { type: "doc", relations: all, metadata: { relations: Object.fromEntries(details) } },
      ],
      conditions,
    };
  });

test("models that are made up survive all forms", () => {
  let valid = 0;
  fc.assert(
    fc.property(models, (model) => {
      const { schema, problems } = parseOpenfgaJson(model, limits);
      if (schema === null || problems.length > 0) return;
      valid++;
      assertRoundTrip(schema);
    }),
    { numRuns: 500 },
  );
  assert.ok(valid > 0, "none was valid");
});
