import type { Case } from "./harness.ts";

type Cases = Readonly<Record<string, () => Promise<Case>>>;

/** Cases by name, in the order in which they run. Each loads what it needs when it runs. */
const engine: Cases = {
  "wf10.embedded": async () => (await import("./wf10-embedded.ts")).wf10Embedded,
  "hot.embedded": async () => (await import("./hot-embedded.ts")).hotEmbedded,
  "wf10.latency": async () => (await import("./wf10-latency.ts")).wf10Latency,
  recover: async () => (await import("./recover.ts")).recover,
  long: async () => (await import("./long.ts")).long,
  sleepers: async () => (await import("./sleepers.ts")).sleepers,
  "slow-disk": async () => (await import("./slow-disk.ts")).slowDisk,
  start: async () => (await import("./start.ts")).start,
};

const authz: Cases = {
  "check.warm": async () => (await import("./authz/check-embedded.ts")).checkWarm,
  "check.cold": async () => (await import("./authz/check-embedded.ts")).checkCold,
  "check.deep": async () => (await import("./authz/check-deep.ts")).checkDeep,
  "check.http": async () => (await import("./authz/check-http.ts")).checkHttp,
  lookup: async () => (await import("./authz/lookup.ts")).lookup,
  write: async () => (await import("./authz/write.ts")).write,
  load: async () => (await import("./authz/load.ts")).load,
};

/** What `npm run bench -- <name>` runs. */
export const families: Readonly<Record<string, Cases>> = { engine, authz };

export const cases: Cases = { ...engine, ...authz };
