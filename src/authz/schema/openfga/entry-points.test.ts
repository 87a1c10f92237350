import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cycles, type EntryPoint, entryPoints, type TypeMap, typeMapOf } from "./entry-points.ts";
import { type ModelRelation, nowhere, type Restriction, type Rewrite } from "./model.ts";

// The definition, as OpenFGA walks it: along every path, which may not come by the same relation
// twice. Exponential, and so only good for small models.
function walk(
  types: TypeMap,
  place: { readonly type: string; readonly relation: ModelRelation; readonly rewrite: Rewrite },
  before: ReadonlySet<ModelRelation>,
): EntryPoint {
  const { type, relation, rewrite } = place;
  const path = new Set([...before, relation]);
  const none = { has: false, loop: false };
  const some = { has: true, loop: false };
  const into = (name: string, of: string): EntryPoint | undefined => {
    const next = types.get(of)?.get(name);
    if (next === undefined || path.has(next)) return undefined;
    return walk(types, { type: of, relation: next, rewrite: next.rewrite }, path);
  };
  const within = (inner: Rewrite): EntryPoint => walk(types, { ...place, rewrite: inner }, before);
  const all = (parts: readonly Rewrite[]): EntryPoint =>
    parts.map(within).find(({ has }) => !has) ?? some;
  switch (rewrite.kind) {
    case "this": {
      const { restrictions } = relation;
      const begins = restrictions.some((one) => one.relation === null || one.wildcard);
      return begins || restrictions.some((one) => into(one.relation!, one.type)?.has) ? some : none;
    }
    case "computed": {
      const next = types.get(type)?.get(rewrite.relation);
      if (next === undefined) return none;
      return into(rewrite.relation, type) ?? { has: false, loop: true };
    }
    case "from": {
      const parents = types.get(type)?.get(rewrite.tupleset.text)?.restrictions ?? [];
      return parents.some((parent) => into(rewrite.relation, parent.type)?.has) ? some : none;
    }
    case "union": {
      const parts = rewrite.children.map(within);
      if (parts.some(({ has }) => has)) return some;
      return { has: false, loop: parts.some(({ loop }) => loop) };
    }
    case "intersection":
      return all(rewrite.children);
    case "difference":
      return all([rewrite.base, rewrite.subtract]);
  }
}

const typeNames = ["t", "u"];
const relationNames = ["a", "b", "c", "d"];
const typeName = fc.constantFrom(...typeNames);
const relationName = fc.constantFrom(...relationNames);

function named(text: string): ModelRelation["name"] {
  return { text, at: nowhere };
}

const rewrites: fc.Arbitrary<Rewrite> = fc.letrec<{ tree: Rewrite }>((tie) => {
  const pair = fc.array(tie("tree"), { minLength: 2, maxLength: 3 });
  return {
    tree: fc.oneof(
      { maxDepth: 3 },
      fc.constant(null).map((): Rewrite => ({ kind: "this", at: nowhere })),
      relationName.map((relation): Rewrite => ({ kind: "computed", relation, at: nowhere })),
      fc.tuple(relationName, relationName).map(
        ([relation, over]): Rewrite => ({
          kind: "from",
          relation,
          tupleset: named(over),
          at: nowhere,
        }),
      ),
      pair.map((children): Rewrite => ({ kind: "union", children })),
      pair.map((children): Rewrite => ({ kind: "intersection", children })),
      fc
        .tuple(tie("tree"), tie("tree"))
        .map(([base, subtract]): Rewrite => ({ kind: "difference", base, subtract })),
    ),
  };
}).tree;

// Mostly usersets, so that not everything has an entry at once.
const restriction: fc.Arbitrary<Restriction> = fc
  .tuple(typeName, fc.option(relationName, { freq: 6 }))
  .map(([type, relation]) => ({ at: nowhere, type, relation, wildcard: false, condition: null }));

const typeMaps: fc.Arbitrary<TypeMap> = fc
  .tuple(
    ...typeNames.map(() =>
      fc.tuple(
        ...relationNames.map((name) =>
          fc.tuple(fc.array(restriction, { maxLength: 2 }), rewrites).map(
            ([restrictions, rewrite]): ModelRelation => ({
              name: named(name),
              doc: null,
              restrictions,
              rewrite,
            }),
          ),
        ),
      ),
    ),
  )
  .map((list) =>
    typeMapOf(
      list.map((relations, index) => ({
        name: named(typeNames[index]!),
        doc: null,
        extends: false,
        relations,
      })),
    ),
  );

test("entry points and loops are those that walking all paths finds", () => {
  const seen = { entries: 0, loops: 0, neither: 0 };
  fc.assert(
    fc.property(typeMaps, (types) => {
      const entryPointOf = entryPoints(types);
      for (const [type, relations] of types) {
        for (const relation of relations.values()) {
          const expected = walk(types, { type, relation, rewrite: relation.rewrite }, new Set());
          const { has, loop } = entryPointOf(relation);
          assert.deepEqual({ has, loop }, expected, `${type}#${relation.name.text}`);
          seen[has ? "entries" : loop ? "loops" : "neither"]++;
        }
      }
    }),
    { numRuns: 1_000 },
  );
  assert.ok(Math.min(seen.entries, seen.loops, seen.neither) > 100, JSON.stringify(seen));
});

test("a cycle has the relations on it, and not those that lead to it or away from it", () => {
  const computed = (relation: string): Rewrite => ({ kind: "computed", relation, at: nowhere });
  const relation = (name: string, ...children: readonly string[]): ModelRelation => ({
    name: named(name),
    doc: null,
    restrictions: [],
    rewrite: { kind: "union", children: children.map(computed) },
  });
  const relations = [
    relation("to", "x"),
    relation("x", "y"),
    relation("y", "x", "from"),
    relation("from"),
    relation("self", "self"),
  ];
  const types = typeMapOf([{ name: named("t"), doc: null, extends: false, relations }]);
  assert.deepEqual(
    [...cycles(types)].map(({ name }) => name.text),
    ["x", "y", "self"],
  );
});
