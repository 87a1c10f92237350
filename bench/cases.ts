import type { Case } from "./harness.ts";

/** Every case by name, in the order in which they run. Each loads what it needs when it runs. */
export const cases: Readonly<Record<string, () => Promise<Case>>> = {
  "wf10.embedded": async () => (await import("./wf10-embedded.ts")).wf10Embedded,
  "hot.embedded": async () => (await import("./hot-embedded.ts")).hotEmbedded,
  "wf10.latency": async () => (await import("./wf10-latency.ts")).wf10Latency,
  recover: async () => (await import("./recover.ts")).recover,
  long: async () => (await import("./long.ts")).long,
  sleepers: async () => (await import("./sleepers.ts")).sleepers,
  "slow-disk": async () => (await import("./slow-disk.ts")).slowDisk,
  start: async () => (await import("./start.ts")).start,
};
