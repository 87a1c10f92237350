/** Concurrent histories: recorded, and explained by an order of the writes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Consistency, TenantPort } from "../../src/model/authz.ts";
import { Prng } from "../../src/std/prng.ts";
import { newTenant, onGround } from "./ground.ts";
import { modes } from "./grounds.ts";
import { type Bits, faultOf, type ReadRecord, type Recorded, type WriteRecord } from "./history.ts";

const schema = `
definition user {}
definition group {
  relation member: user
}
definition document {
  relation viewer: user | group#member
  permission view = viewer
}
`;

const seed = Number(process.env["HOLDFAST_SEED"] ?? Date.now() % 1_000_000_000);
const things = 6;
const ada = { type: "user", id: "ada" };

function document(thing: number) {
  return { type: "document", id: `${thing}` };
}

/** Writers and readers of one tenant, each at its own pace. */
class Recording {
  readonly #tenant: TenantPort;
  readonly #random: Prng;
  readonly writes: WriteRecord[] = [];
  readonly reads: ReadRecord[] = [];
  readonly #initial: string;
  #clock = 0;

  constructor(tenant: TenantPort, { random, initial }: { random: Prng; initial: string }) {
    this.#tenant = tenant;
    this.#random = random;
    this.#initial = initial;
  }

  get recorded(): Recorded {
    return { initial: this.#initial, writes: this.writes, reads: this.reads };
  }

  async writer(count: number): Promise<void> {
    for (let left = count; left > 0; left--) {
      await this.#pause();
      let puts: Bits = 0;
      let removes: Bits = 0;
      for (let thing = 0; thing < things; thing++) {
        const form = this.#random.below(4);
        if (form === 0) puts |= 1 << thing;
        if (form === 1) removes |= 1 << thing;
      }
      if ((puts | removes) === 0) puts = 1;
      const start = this.#clock++;
      const zookie = await this.#write(puts, removes);
      this.writes.push({ start, end: this.#clock++, zookie, puts, removes });
    }
  }

  async reader(count: number): Promise<void> {
    for (let left = count; left > 0; left--) {
      await this.#pause();
      const known = this.writes.at(-1 - this.#random.below(3))?.zookie ?? this.#initial;
      const wanted = [
        { kind: "latest" } as const,
        { kind: "latest" } as const,
        { kind: "at-least", zookie: known } as const,
        { kind: "exactly", zookie: known } as const,
      ][this.#random.below(4)]!;
      const start = this.#clock++;
      const { zookie, seen } = await this.#read(this.#consistency(wanted));
      this.reads.push({ start, end: this.#clock++, zookie, wanted, seen });
    }
  }

  async #write(puts: Bits, removes: Bits): Promise<string> {
    const updates = Array.from({ length: things }, (_, thing) => thing)
      .filter((thing) => ((puts | removes) >> thing) & 1)
      .map((thing) => ({
        operation: (puts >> thing) & 1 ? ("touch" as const) : ("delete" as const),
        relationship: { resource: document(thing), relation: "viewer", subject: ada },
      }));
    return (await this.#tenant.write({ updates })).zookie;
  }

  async #read(consistency: Consistency): Promise<{ zookie: string; seen: Bits }> {
    const question = { consistency, permission: "view", subject: ada };
    if (this.#random.below(2) === 0) {
      const found = await this.#tenant.lookupResources({ ...question, resourceType: "document" });
      const bits = found.items.map(({ id }) => 1 << Number(id));
      return { zookie: found.zookie, seen: bits.reduce((a, b) => a | b, 0) };
    }
    const items = Array.from({ length: things }, (_, thing) => {
      return { resource: document(thing), permission: "view", subject: ada };
    });
    const answer = await this.#tenant.checkMany({ consistency, items });
    const bits = answer.items.map((item, thing) => {
      return "verdict" in item && item.verdict === "yes" ? 1 << thing : 0;
    });
    return { zookie: answer.zookie, seen: bits.reduce((a, b) => a | b, 0) };
  }

  #consistency(wanted: ReadRecord["wanted"]): Consistency {
    if (wanted.kind === "at-least") return { kind: "at-least-as-fresh", zookie: wanted.zookie };
    if (wanted.kind === "exactly") return { kind: "exact-snapshot", zookie: wanted.zookie };
    return { kind: this.#random.below(2) === 0 ? "minimize-latency" : "fully-consistent" };
  }

  async #pause(): Promise<void> {
    for (let turns = this.#random.below(4); turns > 0; turns--) {
      await new Promise<void>((done) => setImmediate(done));
    }
  }
}

for (const mode of modes) {
  test(`every answer of a concurrent history has its place in one order of writes, on ${mode.name}`, async (t) => {
    t.diagnostic(`seed ${seed}`);
    const random = new Prng(seed);
    let answers = 0;
    await onGround(mode.open, async (ground) => {
      for (let round = 0; round < 10; round++) {
        const tenant = await newTenant(ground);
        const { zookie: initial } = await tenant.writeSchema({ dialect: "native", text: schema });
        const recording = new Recording(tenant, { random, initial });
        const writers = Array.from({ length: 4 }, () => recording.writer(15));
        const readers = Array.from({ length: 6 }, () => recording.reader(30));
        await Promise.all([...writers, ...readers]);
        answers += recording.reads.length;
        assert.equal(faultOf(recording.recorded), null, JSON.stringify(recording.recorded));
      }
    });
    t.diagnostic(`${answers} answers explained`);
  });
}

describe("the checker itself", () => {
  const write = (start: number, end: number, of: Partial<WriteRecord>): WriteRecord => {
    return { start, end, zookie: `z${start}`, puts: 0, removes: 0, ...of };
  };
  const read = (start: number, end: number, of: Partial<ReadRecord>): ReadRecord => {
    return { start, end, zookie: "z0", wanted: { kind: "latest" }, seen: 0, ...of };
  };
  const of = (writes: readonly WriteRecord[], reads: readonly ReadRecord[]) =>
    faultOf({ initial: "z", writes, reads });
  const first = write(0, 1, { puts: 1 });
  const second = write(2, 3, { puts: 2 });
  const exactly = (zookie: string) => ({ zookie, wanted: { kind: "exactly", zookie } }) as const;

  test("takes what is right", () => {
    const overlapping = write(0, 3, { zookie: "other", removes: 1 });
    assert.equal(of([], []), null);
    assert.equal(of([first, second], [read(4, 5, { zookie: "z2", seen: 3 })]), null);
    assert.equal(of([first, second], [read(0.5, 5, { zookie: "z0", seen: 1 })]), null);
    assert.equal(of([first, overlapping], [read(4, 5, { zookie: "other", seen: 0 })]), null);
    assert.equal(of([first, overlapping], [read(4, 5, { zookie: "z0", seen: 1 })]), null);
    assert.equal(of([first, second], [read(4, 5, { ...exactly("z0"), seen: 1 })]), null);
  });

  for (const [what, writes, reads] of [
    ["an answer that misses a write", [first], [read(2, 3, { seen: 0 })]],
    ["an answer that sees what is not there", [first], [read(2, 3, { seen: 3 })]],
    [
      "an answer older than what had ended",
      [first, second],
      [read(4, 5, { zookie: "z0", seen: 1 })],
    ],
    [
      "an answer from the future",
      [first, write(9, 10, { puts: 2 })],
      [read(2, 3, { zookie: "z9", seen: 3 })],
    ],
    [
      "two answers at one zookie that differ",
      [first, second],
      [read(0, 9, { zookie: "z2", seen: 3 }), read(0, 9, { zookie: "z2", seen: 2 })],
    ],
    [
      "the new enemy: the later write without the earlier",
      [first, second],
      [read(4, 5, { ...exactly("z2"), seen: 2 })],
    ],
    [
      "less fresh than was asked",
      [write(0, 9, { zookie: "a", puts: 1 }), write(0, 9, { zookie: "b", puts: 2 })],
      [
        read(10, 11, { ...exactly("a"), seen: 1 }),
        read(10, 11, { zookie: "a", wanted: { kind: "at-least", zookie: "b" }, seen: 1 }),
      ],
    ],
    [
      "another snapshot than was asked",
      [first, second],
      [read(4, 5, { zookie: "z2", wanted: { kind: "exactly", zookie: "z0" }, seen: 3 })],
    ],
    ["a zookie that nobody gave", [first], [read(2, 3, { zookie: "q", seen: 1 })]],
    [
      "one read after another that goes back",
      [write(0, 99, { zookie: "a", puts: 1 }), write(0, 99, { zookie: "b", removes: 1 })],
      [
        read(1, 2, { zookie: "b", seen: 0 }),
        read(3, 4, { zookie: "a", seen: 1 }),
        read(5, 6, { zookie: "b", seen: 0 }),
      ],
    ],
    [
      "one zookie for two writes that were both there, and only one was seen",
      [first, write(2, 3, { zookie: "z0", puts: 2 })],
      [read(4, 5, { zookie: "z0", seen: 1 })],
    ],
  ] as readonly (readonly [string, readonly WriteRecord[], readonly ReadRecord[]])[]) {
    test(`refuses ${what}`, () => assert.notEqual(of(writes, reads), null));
  }
});
