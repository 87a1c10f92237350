/** The engine in every form in which it must give the same answers. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { AdjustableClock } from "../../src/host/adjustable-clock.ts";
import { type OpenOptions, open } from "../../src/server/open.ts";
import type { TimedGround } from "./differential.ts";

export interface TimedMode {
  readonly name: string;
  readonly open: () => Promise<TimedGround>;
}

export const memoryMode: TimedMode = { name: "memory", open: () => openGround({}) };

export const modes: readonly TimedMode[] = [memoryMode, { name: "SQLite", open: openOnSqlite }];

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

/** Whatever a timer began has a chance to go on. */
async function atRest(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise<void>((done) => setImmediate(done));
}

async function openOnSqlite(): Promise<TimedGround> {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-authz-"));
  const ground = await openGround({ store: path.join(folder, "holdfast.db") });
  return {
    ...ground,
    close: async () => {
      await ground.close();
      rmSync(folder, { recursive: true });
    },
  };
}
