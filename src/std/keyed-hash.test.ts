import assert from "node:assert/strict";
import { test } from "node:test";
import { keyedHash } from "./keyed-hash.ts";

test("texts that differ in anything differ in their hash, but for a few", () => {
  const texts = new Set<string>();
  for (let i = 0; i < 50_000; i++)
    texts
      .add(`u${i}`)
      .add(String.fromCharCode(i))
      .add("x".repeat(i % 300));
  const hashes = new Set([...texts].map((text) => keyedHash(text, 12_345)));
  // 100,000 of 4 billion: one or two pairs fall together by chance.
  assert.ok(texts.size - hashes.size < 12, `${texts.size - hashes.size} fall together`);
});

test("what falls together under one key does not under another", () => {
  const byLowBits = new Map<number, string[]>();
  for (let i = 0; i < 20_000; i++) {
    const place = keyedHash(`id-${i}`, 1) & 0x3fff;
    byLowBits.set(place, [...(byLowBits.get(place) ?? []), `id-${i}`]);
  }
  const crowd = [...byLowBits.values()].filter((ids) => ids.length >= 3).flat();
  const spread = new Set(crowd.map((id) => keyedHash(id, 2) & 0x3fff));
  assert.ok(crowd.length > 1_000);
  assert.ok(spread.size > crowd.length * 0.8, `${spread.size} places for ${crowd.length} ids`);
});

test("neighbouring ids are spread over the low bits", () => {
  const counts = new Uint32Array(1_024);
  for (let i = 0; i < 102_400; i++) {
    const place = keyedHash(`d${i}`, 99) & 1_023;
    counts[place] = (counts[place] as number) + 1;
  }
  assert.ok(Math.max(...counts) < 160 && Math.min(...counts) > 50);
});
