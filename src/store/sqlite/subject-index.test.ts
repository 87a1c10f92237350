import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Prng } from "../../std/prng.ts";
import { compareText } from "../order.ts";
import { relationSchema } from "./relation-format.ts";
import type { Cell } from "./rows.ts";
import { SubjectIndex } from "./subject-index.ts";
import { formatSubjectKey, parseSubjectKey, subjectPart } from "./subject-key.ts";

const id = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 6 }),
  fc.constantFrom("a", "a\u0000", "a\u0001b", "a\u0002", "a b", "\u{10ffff}", "\uffff"),
);
const code = fc.oneof(
  fc.integer({ min: 0, max: 3000 }),
  fc.integer({ min: 0x3ff0, max: 0x4010 }),
  fc.integer({ min: 0, max: 10_000_000 }),
);
const key: fc.Arbitrary<Cell[]> = fc
  .tuple(code, id, code, code, id, code, fc.nat())
  .map((cells): Cell[] => cells);

describe("entries of the index by subject", () => {
  test("say what was put into them", () => {
    fc.assert(
      fc.property(fc.nat(), key, (tenant, cells) => {
        assert.deepEqual(parseSubjectKey(formatSubjectKey(tenant, cells)), cells);
      }),
    );
  });

  test("compare as their parts do", () => {
    /** Tenant, subject, resource, relation, revision. */
    const parts = (tenant: number, it: readonly Cell[]): Cell[] => {
      const [resourceType, resourceId, relation, type, subject, subjectRelation, created] = it;
      const cells = [tenant, type, subject, subjectRelation, resourceType, resourceId, relation];
      return [...cells, created].map((cell) => cell ?? null);
    };
    const compare = (a: readonly Cell[], b: readonly Cell[]): number => {
      for (const [i, left] of a.entries()) {
        const right = b[i];
        const order =
          typeof left === "string"
            ? compareText(left, String(right))
            : Number(left) - Number(right);
        if (order !== 0) return Math.sign(order);
      }
      return 0;
    };
    fc.assert(
      fc.property(fc.nat(20), key, fc.nat(20), key, (s, a, t, b) => {
        const order = compareText(formatSubjectKey(s, a), formatSubjectKey(t, b));
        assert.equal(Math.sign(order), compare(parts(s, a), parts(t, b)));
      }),
      { numRuns: 500 },
    );
  });
});

/** Does what a store does with it, and remembers what must be there. */
class Bench {
  readonly db = new DatabaseSync(":memory:");
  readonly expected = new Map<string, number>();
  readonly random: Prng;
  index: SubjectIndex;
  revision = 0;

  constructor(seed: number) {
    this.random = new Prng(seed);
    this.db.exec(relationSchema);
    this.index = new SubjectIndex(this.db, 40);
  }

  commit(count: number): void {
    const revision = ++this.revision;
    const keys = Array.from({ length: count }, (_, i) =>
      formatSubjectKey(1, [1, `d${i}`, 2, 3, `u${this.random.below(30)}`, 0, revision]),
    );
    this.index.step(count);
    this.index.add(1, revision, keys);
    for (const each of keys) this.expected.set(each, revision);
  }

  remove(): void {
    const revision = 1 + this.random.below(this.revision);
    const made = [...this.expected].filter(([, of]) => of === revision);
    const gone = new Set(made.filter(() => this.random.below(2) === 0).map(([text]) => text));
    this.index.remove(1, revision, gone);
    for (const text of gone) this.expected.delete(text);
  }

  check(): void {
    const prefix = subjectPart(1, {});
    const found = this.index.find({ prefix, after: "", limit: 10_000 });
    assert.deepEqual(found, [...this.expected.keys()].sort(compareText));
    const some = subjectPart(1, { type: 3, id: "u3" });
    const of = found.filter((text) => text.startsWith(some));
    assert.deepEqual(this.index.find({ prefix: some, after: "", limit: 10_000 }), of);
    const after = of[1] ?? "";
    const page = this.index.find({ prefix: some, after, limit: 2 });
    assert.deepEqual(page, of.slice(of.indexOf(after) + 1, of.indexOf(after) + 3));
  }

  count(table: string): number {
    return Number(this.db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]);
  }
}

describe("the index by subject", () => {
  test("has all entries once, wherever they lie, whatever happens", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const bench = new Bench(seed);
        for (let i = 0; i < 60; i++) {
          bench.commit(bench.random.below(12));
          if (bench.random.below(3) === 0) bench.remove();
          if (bench.random.below(12) === 0) bench.index = new SubjectIndex(bench.db, 40);
          if (bench.random.below(12) === 0) bench.index.reload();
          bench.check();
        }
        bench.index.sweep(1, 100_000);
        const left = bench.index.find({ prefix: subjectPart(1, {}), after: "", limit: 10_000 });
        assert.ok(left.every((text) => bench.expected.has(text)));
        assert.equal(bench.count("fresh_subjects"), 0);
      }),
      { numRuns: 60 },
    );
  });

  test("keeps few waiting, and their rows no longer than they wait", () => {
    const bench = new Bench(1);
    for (let i = 0; i < 400; i++) bench.commit(10);
    assert.ok(bench.count("by_subject") > 3900, "most have gone over");
    assert.ok(bench.count("fresh_subjects") < 20, "and the rows of those are deleted");
    bench.check();
  });
});
