import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../std/prng.ts";
import { AnswerCache } from "./answer-cache.ts";
import { Evaluator } from "./evaluator.ts";
import { resourceSlot, subjectSlot } from "./slots.ts";
import { no, yes } from "./verdict.ts";

/** An evaluation that has come to an answer which rests on these objects and its subject. */
function ended(revision: number, subject: number, restsOn: readonly number[] = []): Evaluator {
  const evaluation = new Evaluator();
  evaluation.revision = revision;
  evaluation.subjectObject = subject;
  evaluation.subjectKey = 65_536;
  evaluation.expiresAt = Number.POSITIVE_INFINITY;
  evaluation.dependOnSubject(subject, 0);
  for (const object of restsOn) evaluation.dependOn(object);
  return evaluation;
}

test("an answer counts until something that it rests on changes, however much else does", () => {
  const cache = new AnswerCache(1 << 20);
  const random = new Prng(5);
  const pick = (count: number): number => random.uint32() % count;
  /** By subject: what its answer rests on, and whether nothing of that has changed. */
  const kept = new Map<number, { objects: readonly number[]; good: boolean }>();
  let found = 0;
  let revision = 1;
  for (let step = 0; step < 60_000; step++) {
    const subject = 1 + pick(50);
    const known = kept.get(subject);
    const evaluation = ended(revision, subject, known?.objects);
    const value = cache.find(evaluation, 7, 1);
    if (known === undefined || !known.good) {
      assert.equal(value, -1, `step ${step}: what has changed is not given`);
      const objects = Array.from({ length: pick(6) }, () => 100 + pick(3_000));
      const fresh = ended(revision, subject, objects);
      cache.put(fresh, 7, { uid: 1, value: subject % 2 === 0 ? yes : no });
      kept.set(subject, { objects, good: true });
    } else if (value >= 0) {
      assert.equal(value, subject % 2 === 0 ? yes : no);
      found++;
    } else {
      cache.put(evaluation, 7, { uid: 1, value: subject % 2 === 0 ? yes : no });
    }
    revision++;
    for (let change = pick(4); change > 0; change--) {
      const object = 100 + pick(1_000_000);
      cache.stamp(resourceSlot(object), revision);
      for (const entry of kept.values()) if (entry.objects.includes(object)) entry.good = false;
    }
    if (pick(100) !== 0) continue;
    const changed = 1 + pick(50);
    cache.stamp(subjectSlot(changed, 0), revision);
    const entry = kept.get(changed);
    if (entry !== undefined) entry.good = false;
  }
  assert.ok(found > 55_000, `given ${found} times: a few fall together with what changed`);
});

test("revisions that were taken back and are given again do not make an old answer good", () => {
  const cache = new AnswerCache(1 << 16);
  cache.stamp(resourceSlot(100), 9);
  cache.clear();
  cache.put(ended(3, 1, [200]), 7, { uid: 1, value: yes });
  assert.equal(cache.find(ended(3, 1), 7, 1), yes);
  cache.stamp(resourceSlot(200), 4);
  assert.equal(cache.find(ended(4, 1), 7, 1), -1);
});

test("an answer for one type of subject is none for another that has its number", () => {
  const cache = new AnswerCache(1 << 16);
  cache.put(ended(3, 1), 7, { uid: 1, value: yes });
  const other = ended(3, 1);
  other.subjectKey = 2 * 65_536;
  assert.equal(cache.find(other, 7, 1), -1);
  assert.equal(cache.find(ended(3, 1), 7, 2), -1);
  assert.equal(cache.find(ended(3, 1), 8, 1), -1);
  assert.equal(cache.find(ended(2, 1), 7, 1), -1, "nor for a revision before it");
});

test("a cache is small until much is asked, and never larger than it may be", () => {
  const most = 1 << 20;
  const cache = new AnswerCache(most);
  const first = cache.bytes;
  assert.ok(first < 250_000, `${first} bytes`);
  const ask = (subject: number): number => cache.find(ended(1, subject), 7, 1);
  const put = (subject: number): void => cache.put(ended(1, subject), 7, { uid: 1, value: yes });
  for (let subject = 1; subject <= 200; subject++) put(subject);
  for (let subject = 1; subject <= 200; subject++) assert.equal(ask(subject), yes);
  assert.equal(cache.bytes, first);
  for (let round = 0; round < 3; round++) {
    for (let subject = 1; subject <= 4_000; subject++) if (ask(subject) < 0) put(subject);
  }
  let found = 0;
  for (let subject = 1; subject <= 4_000; subject++) if (ask(subject) === yes) found++;
  assert.ok(found > 3_800, `${found} of 4000 are kept`);
  for (let subject = 1; subject <= 40_000; subject++) put(subject);
  assert.ok(cache.bytes > most / 2 && cache.bytes <= most, `${cache.bytes} bytes`);
});

test("what changed before a cache grew, ahead of its answers, is not forgotten", () => {
  const cache = new AnswerCache(1 << 20);
  const { bytes } = cache;
  cache.put(ended(8, 1, [100]), 7, { uid: 1, value: yes });
  cache.stamp(resourceSlot(100), 9);
  for (let object = 101; cache.bytes === bytes; object++) cache.stamp(resourceSlot(object), 9);
  cache.put(ended(8, 2, [100]), 7, { uid: 1, value: yes });
  for (const subject of [1, 2]) assert.equal(cache.find(ended(9, subject), 7, 1), -1);
  cache.put(ended(9, 1, [100]), 7, { uid: 1, value: yes });
  assert.equal(cache.find(ended(9, 1), 7, 1), yes);
});
