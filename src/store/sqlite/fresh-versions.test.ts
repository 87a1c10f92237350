import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Prng } from "../../std/prng.ts";
import { compareText } from "../order.ts";
import { FreshVersions } from "./fresh-versions.ts";
import { relationSchema } from "./relation-format.ts";
import type { Cell, Row } from "./rows.ts";
import { keyLength, writtenColumns } from "./tuple-rows.ts";
import {
  formatResourceKey,
  formatSubjectKey,
  parseResourceKey,
  parseSubjectKey,
  subjectPart,
} from "./version-key.ts";

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

describe("keys of versions", () => {
  test("say what was put into them", () => {
    fc.assert(
      fc.property(fc.nat(), key, (tenant, cells) => {
        assert.deepEqual(parseSubjectKey(formatSubjectKey(tenant, cells)), cells);
        const text = `${formatResourceKey(tenant, cells)}rest`;
        assert.deepEqual(parseResourceKey(text), { tenant, key: cells, rest: "rest" });
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

/** Does what a store does with them, and remembers what must be there. */
class Bench {
  readonly db = new DatabaseSync(":memory:");
  /** By key with the subject first. */
  readonly expected = new Map<string, Row>();
  readonly random: Prng;
  fresh: FreshVersions;
  revision = 0;

  constructor(seed: number) {
    this.random = new Prng(seed);
    this.db.exec(relationSchema);
    this.fresh = new FreshVersions(this.db, 40);
  }

  commit(count: number): void {
    const revision = ++this.revision;
    const rest = (i: number): Cell[] => (i % 5 === 0 ? [4, '{"a":1}', 17] : [0, null, null]);
    const rows = Array.from({ length: count }, (_, i): Row => {
      const resource = `d${this.random.below(50)}-${i}`;
      return [1, resource, 2, 3, `u${this.random.below(30)}`, 0, revision, ...rest(i)];
    });
    this.fresh.step(count);
    const at = 1_000 + revision;
    this.fresh.add(1, { revision, at }, rows);
    for (const row of rows) this.expected.set(formatSubjectKey(1, row), [...row, null, at]);
  }

  /** Some of the versions of a transaction. */
  pick(): Row[] {
    const revision = 1 + this.random.below(this.revision);
    const made = [...this.expected.values()].filter((row) => row[6] === revision);
    return made.filter(() => this.random.below(2) === 0);
  }

  remove(): void {
    const gone = this.pick();
    const at = "resource_id = ? AND subject_id = ? AND created = ?";
    for (const [, id, , , subject, , created] of gone) {
      this.db.prepare(`DELETE FROM tuples WHERE ${at}`).run(id!, subject!, created!);
    }
    this.fresh.remove(1, gone.map(keyOf));
    for (const row of gone) this.expected.delete(formatSubjectKey(1, row));
  }

  /** Some versions end, for which they must be in the table. */
  end(): void {
    const ended = this.pick().filter((row) => row[10] === null);
    this.fresh.promote(1, ended.map(keyOf));
    const at = "resource_id = ? AND subject_id = ? AND created = ? AND deleted IS NULL";
    for (const row of ended) {
      const [, id, , , subject, , created] = row;
      const run = this.db.prepare(`UPDATE tuples SET deleted = 999 WHERE ${at}`);
      assert.equal(run.run(id!, subject!, created!).changes, 1);
      this.expected.set(formatSubjectKey(1, row), [...row.slice(0, 10), 999, ...row.slice(11)]);
    }
  }

  check(): void {
    const prefix = subjectPart(1, {});
    const found = this.fresh.findBySubject({ prefix, after: "", limit: 10_000 });
    assert.deepEqual(found, [...this.expected.keys()].sort(compareText));
    const some = subjectPart(1, { type: 3, id: "u3" });
    const of = found.filter((text) => text.startsWith(some));
    assert.deepEqual(this.fresh.findBySubject({ prefix: some, after: "", limit: 10_000 }), of);
    const after = of[1] ?? "";
    const page = this.fresh.findBySubject({ prefix: some, after, limit: 2 });
    assert.deepEqual(page, of.slice(of.indexOf(after) + 1, of.indexOf(after) + 3));
    this.checkVersions();
  }

  /** Each is in the table or waits; where it is in both, both say the same. */
  checkVersions(): void {
    const placed = this.placed();
    const waiting = this.fresh.waitingOf(1);
    const all = new Map([...waiting, ...placed].map((row) => [formatSubjectKey(1, row), row]));
    assert.deepEqual(sorted(all.values()), sorted(this.expected.values()));
    for (const row of waiting) {
      assert.deepEqual(
        row,
        this.expected.get(formatSubjectKey(1, row)),
        "what ended waits no more",
      );
    }
    const resource = { type: 1, id: waiting[0]?.[1] ?? "" };
    assert.deepEqual(
      sorted(
        [...this.fresh.findByResource(subjectPart(1, resource)), ...placed]
          .filter((row) => row[1] === resource.id)
          .map(asVersion),
      ).filter((text, i, list) => text !== list[i - 1]),
      sorted([...this.expected.values()].filter((row) => row[1] === resource.id).map(asVersion)),
    );
  }

  placed(): Row[] {
    const ask = this.db.prepare(`SELECT ${writtenColumns} FROM tuples`);
    ask.setReturnArrays(true);
    return ask.all() as unknown as Row[];
  }

  count(table: string): number {
    return Number(this.db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]);
  }
}

function keyOf(row: Row): Row {
  return row.slice(0, keyLength);
}

/** Without when it was written. */
function asVersion(row: Row): string {
  return JSON.stringify(row.slice(0, 11));
}

function sorted<T>(rows: Iterable<T>): T[] {
  const text = (it: T): string => (typeof it === "string" ? it : JSON.stringify(it));
  return [...rows].sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

describe("versions that wait for their places", () => {
  test("are there once, wherever they lie, whatever happens", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const bench = new Bench(seed);
        for (let i = 0; i < 60; i++) {
          bench.commit(bench.random.below(12));
          if (bench.random.below(3) === 0) bench.remove();
          if (bench.random.below(3) === 0) bench.end();
          if (bench.random.below(8) === 0) bench.fresh.place(bench.random.below(30));
          if (bench.random.below(12) === 0) bench.fresh = new FreshVersions(bench.db, 40);
          if (bench.random.below(12) === 0) bench.fresh.reload();
          bench.check();
        }
        bench.fresh.sweep(1, 100_000);
        assert.deepEqual(bench.fresh.waitingOf(1), []);
        assert.equal(bench.count("fresh_versions"), 0);
      }),
      { numRuns: 60 },
    );
  });

  test("are few, and their rows stay no longer than they wait", () => {
    const bench = new Bench(1);
    for (let i = 0; i < 400; i++) bench.commit(10);
    assert.ok(bench.count("by_subject") > 3900, "most have gone over");
    assert.ok(bench.count("tuples") > 3900);
    assert.ok(bench.count("fresh_versions") < 20, "and the rows of those are deleted");
    bench.check();
  });

  test("have their places at once when they are asked for there", () => {
    const bench = new Bench(2);
    for (let i = 0; i < 5; i++) bench.commit(7);
    while (bench.fresh.place(4));
    assert.equal(bench.count("tuples"), 35);
    assert.equal(bench.count("by_subject"), 35);
    assert.deepEqual(bench.fresh.waitingOf(1), []);
    bench.check();
  });
});
