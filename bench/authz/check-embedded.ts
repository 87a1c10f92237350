import type { EmbeddedTenant } from "../../src/authz/port.ts";
import { expectEqual, median, type Outcome, quantile, type Size } from "../harness.ts";
import { type Ask, driveOf, makeQuestions, stageInMemory } from "./stage.ts";

const plan = {
  tiny: { size: 2_000, questions: 2_000, rounds: 1 },
  quick: { size: 1_000_000, questions: 100_000, rounds: 5 },
  full: { size: 1_000_000, questions: 200_000, rounds: 11 },
};
/** One write per so many checks: 1 %. */
const checksPerWrite = 100;
const writesAtOnce = 100;

/** Questions of which most were asked before, with writes between them. */
export async function checkWarm(size: Size): Promise<Outcome> {
  const { size: relationships, questions, rounds } = plan[size];
  const stage = await stageInMemory(driveOf(relationships));
  const { port, tenant } = stage;
  const asks = makeQuestions(relationships, { count: questions, popular: true });
  const writer = makeWriter(port);
  const expected = askAll(port, asks);
  const rates: number[] = [];
  const cache = tenant.view.cache;
  const before = { hits: cache?.hits ?? 0, misses: cache?.misses ?? 0 };
  for (let round = 0; round < rounds; round++) {
    let micros = 0;
    for (let at = 0; at < asks.length; at += checksPerWrite * writesAtOnce) {
      const some = asks.slice(at, at + checksPerWrite * writesAtOnce);
      micros += timed(() => void askAll(port, some));
      await writer.write(writesAtOnce);
    }
    rates.push((asks.length * 1e6) / micros);
  }
  const hits = (cache?.hits ?? 0) - before.hits;
  const misses = (cache?.misses ?? 0) - before.misses;
  const p99 = quantile(latencies(port, asks), 0.99);
  await writer.undo();
  const check = expectEqual("granted", askAll(port, asks), expected);
  await stage.close();
  return {
    figures: [figure("check.warm", median(rates), "checks/s"), figure("check.warm.p99", p99, "us")],
    check,
    notes: [
      `${relationships} relationships, ${writer.written} written between the checks`,
      `found in the cache: ${((100 * hits) / (hits + misses)).toFixed(1)} %`,
      `checks/s by round: ${rates.map(Math.round).join(" ")}`,
    ],
  };
}

/** Every question new, and nothing kept of any answer. */
export async function checkCold(size: Size): Promise<Outcome> {
  const { size: relationships, questions, rounds } = plan[size];
  const stage = await stageInMemory(driveOf(relationships), { cacheBytes: 0 });
  const { port } = stage;
  const rates: number[] = [];
  let granted = 0;
  let last: Ask[] = [];
  for (let round = 0; round < rounds; round++) {
    last = makeQuestions(relationships, { count: questions, popular: false, seed: 10 + round });
    rates.push(
      (questions * 1e6) /
        timed(() => {
          granted = askAll(port, last);
        }),
    );
  }
  const p99 = quantile(latencies(port, last), 0.99);
  const check = expectEqual("granted, asked again", askAll(port, last), granted);
  await stage.close();
  return {
    figures: [figure("check.cold", median(rates), "checks/s"), figure("check.cold.p99", p99, "us")],
    check,
    notes: [
      `${relationships} relationships, ${((100 * granted) / questions).toFixed(0)} % granted`,
      `checks/s by round: ${rates.map(Math.round).join(" ")}`,
    ],
  };
}

function figure(name: string, ours: number, unit: string): Outcome["figures"][number] {
  return { case: name, ours, reference: null, ratio: null, unit };
}

function askAll(port: EmbeddedTenant, asks: readonly Ask[]): number {
  let granted = 0;
  for (const ask of asks) if (port.checkNow(ask) === "yes") granted++;
  return granted;
}

/** Processor time of this thread in microseconds: what else the machine does counts less. */
function timed(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return user + system;
}

function latencies(port: EmbeddedTenant, asks: readonly Ask[]): number[] {
  return asks.map((ask) => {
    const begun = performance.now();
    port.checkNow(ask);
    return (performance.now() - begun) * 1_000;
  });
}

/** Guests of documents who come and go. */
function makeWriter(port: EmbeddedTenant) {
  const guests: { type: string; id: string }[] = [];
  const relationship = (resource: { type: string; id: string }, at: number) => ({
    resource,
    relation: "viewer",
    subject: { type: "user", id: `guest${at}` },
  });
  return {
    written: 0,
    async write(count: number): Promise<void> {
      const updates = Array.from({ length: count }, () => {
        const resource = { type: "document", id: `d${(guests.length * 7_919) % 10_007}` };
        guests.push(resource);
        return {
          operation: "touch" as const,
          relationship: relationship(resource, guests.length - 1),
        };
      });
      this.written += count;
      await port.write({ updates });
    },
    async undo(): Promise<void> {
      for (let at = 0; at < guests.length; at += 500) {
        const updates = guests.slice(at, at + 500).map((resource, index) => ({
          operation: "delete" as const,
          relationship: relationship(resource, at + index),
        }));
        await port.write({ updates });
      }
    },
  };
}
