/** The engine in every form in which it must give the same answers. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { connectAuthz } from "../../src/client/authz-client.ts";
import { AdjustableClock } from "../../src/host/adjustable-clock.ts";
import { type OpenOptions, open } from "../../src/server/open.ts";
import { serveForTest } from "../gateway/server.ts";
import type { TimedGround } from "./differential.ts";

export interface TimedMode {
  readonly name: string;
  readonly open: () => Promise<TimedGround>;
}

export const memoryMode: TimedMode = { name: "memory", open: () => openGround({}) };

/** Every answer is worked out anew. */
const plain = { cacheBytes: 0, indexPairs: 0 };

/** Next to nothing stays in memory. */
const tight = { residentMax: 0, windowMax: 8 };

const allModes: readonly TimedMode[] = [
  memoryMode,
  { name: "memory, no cache, no index", open: () => openGround({ authz: plain }) },
  { name: "SQLite", open: () => openOnSqlite({}) },
  { name: "SQLite, larger than memory", open: () => openOnSqlite({ authz: tight }) },
  { name: "over HTTP", open: openOverHttp },
];

/** All of them, or the one that `HOLDFAST_GROUND` names. */
const only = process.env["HOLDFAST_GROUND"];
export const modes: readonly TimedMode[] = allModes.filter(
  ({ name }) => only === undefined || name === only,
);

async function openGround(options: Partial<OpenOptions>): Promise<TimedGround> {
  const clock = new AdjustableClock();
  const app = await open({ services: [], store: ":memory:", host: clock.host, ...options });
  return {
    authz: app.authz,
    now: () => clock.host.now(),
    advance: (ms) => clock.advance(ms, atRest),
    close: () => app.close(),
  };
}

async function openOverHttp(): Promise<TimedGround> {
  const clock = new AdjustableClock(() => {});
  const server = await serveForTest({ host: clock.host });
  return {
    authz: connectAuthz({ url: server.url }),
    now: () => clock.host.now(),
    advance: (ms) => clock.advance(ms, atRest),
    close: () => server.close(),
  };
}

/** Whatever a timer began has a chance to go on. */
async function atRest(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise<void>((done) => setImmediate(done));
}

async function openOnSqlite(options: Partial<OpenOptions>): Promise<TimedGround> {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-authz-"));
  const ground = await openGround({ ...options, store: path.join(folder, "holdfast.db") });
  return {
    ...ground,
    close: async () => {
      await ground.close();
      rmSync(folder, { recursive: true });
    },
  };
}
