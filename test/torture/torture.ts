/**
 * Starts a server, loads it over HTTP, kills it at random moments, starts it again, and so on; lets it
 * come to rest; and compares what was acknowledged with what is there.
 */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type Port } from "holdfast/client";
import { Prng } from "../../src/std/prng.ts";
import type { Effect } from "./app.ts";
import { account, type Finding, type Found, Ledger } from "./ledger.ts";
import { Link } from "./link.ts";
import { type ServerFiles, ServerProcess } from "./server-process.ts";
import type { Stage, Workload } from "./workload.ts";
import { chains } from "./workloads/chains.ts";
import { inboxes } from "./workloads/inboxes.ts";
import { makeSagas } from "./workloads/sagas.ts";
import { tallies } from "./workloads/tallies.ts";
import { makeTransfers } from "./workloads/transfers.ts";

export interface TortureOptions {
  readonly kills: number;
  readonly seed: number;
  /** No more kills after so many seconds. */
  readonly seconds?: number;
  readonly progress?: (line: string) => void;
  /** Called with the server at rest and down: a test damages the store, to see that it is found. */
  readonly tamper?: (files: ServerFiles) => void;
}

export interface TortureReport {
  readonly kills: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly steps: { readonly committed: number; readonly repeated: number };
  readonly findings: readonly Finding[];
  /** Where the store lies, if there are findings. */
  readonly folder: string | undefined;
}

const readyWithinMs = 30_000;
/** What waits for a result waits no longer; that it never came is then found in the store. */
const loadEndsWithinMs = 45_000;
const restWithinMs = 45_000;
/** A life under load. */
const longestLifeMs = 800;

export async function torture(options: TortureOptions): Promise<TortureReport> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "holdfast-torture-"));
  const run = new Torture(options, {
    store: path.join(folder, "torture.db"),
    effects: path.join(folder, "effects.jsonl"),
  });
  const report = await run.all();
  if (report.findings.length > 0) return { ...report, folder };
  await rm(folder, { recursive: true });
  return { ...report, folder: undefined };
}

class Torture {
  readonly #options: TortureOptions;
  readonly #files: ServerFiles;
  readonly #workloads: readonly Workload[] = [
    tallies,
    chains,
    inboxes,
    makeSagas(),
    makeTransfers(),
  ];
  readonly #stage: Stage;
  /** Of its own, so that when to kill depends on the seed and not on the load. */
  readonly #random: Prng;
  readonly #findings: Finding[] = [];
  #server: ServerProcess;
  #startMs = 500;
  #kills = 0;
  #ending = false;

  constructor(options: TortureOptions, files: ServerFiles) {
    this.#options = options;
    this.#files = files;
    this.#random = new Prng(options.seed);
    let names = 0;
    this.#stage = {
      link: new Link(),
      ledger: new Ledger(),
      random: new Prng(options.seed + 1),
      next: () => names++,
    };
    this.#server = new ServerProcess(files);
  }

  async all(): Promise<Omit<TortureReport, "folder">> {
    try {
      const load = this.#load();
      await this.#killAgainAndAgain();
      this.#ending = true;
      await Promise.race([load, sleep(loadEndsWithinMs, undefined, { ref: false })]);
      await this.#rest();
      await this.#server.kill();
      this.#options.tamper?.(this.#files);
      return await this.#account();
    } finally {
      this.#ending = true;
      await this.#server.kill();
    }
  }

  async #load(): Promise<void> {
    const rounds = this.#workloads.flatMap((workload) =>
      Array.from({ length: workload.width }, () => this.#repeat(workload)),
    );
    await Promise.all(rounds);
  }

  async #repeat({ name, round }: Workload): Promise<void> {
    while (!this.#ending) {
      try {
        await round(this.#stage);
      } catch (error) {
        const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.#findings.push({ kind: "wrong", what: name, detail });
        if (this.#findings.length > 20) return;
      }
    }
  }

  async #killAgainAndAgain(): Promise<void> {
    const { kills, seconds = Number.POSITIVE_INFINITY } = this.#options;
    const deadline = performance.now() + seconds * 1000;
    for (; this.#kills < kills && performance.now() < deadline; this.#kills++) {
      if (this.#kills % 10 === 0) this.#tell(`${this.#kills} of ${kills} kills`);
      await this.#live();
      await this.#server.kill();
      this.#stage.link.down();
      this.#server = new ServerProcess(this.#files);
    }
    await this.#bringUp();
  }

  /** Until the moment to be killed: while it starts, while it recovers, or under load. */
  async #live(): Promise<void> {
    const random = this.#random;
    const way = random.below(10);
    if (way < 2) {
      await sleep(random.below(this.#startMs));
    } else {
      await this.#bringUp();
      await sleep(way < 3 ? random.below(25) : 100 + random.below(longestLifeMs));
    }
    if (this.#server.fellOver) this.#fallen();
  }

  async #bringUp(): Promise<void> {
    const startedAt = performance.now();
    const url = await this.#address();
    this.#startMs = performance.now() - startedAt;
    this.#stage.link.up(url);
  }

  #fallen(): void {
    const detail = `ended by itself:\n${this.#server.log.join("\n")}`;
    this.#findings.push({ kind: "wrong", what: "the server", detail });
  }

  async #address(): Promise<string> {
    const tooLate = sleep(readyWithinMs, "too late", { ref: false });
    const url = await Promise.race([this.#server.ready, tooLate]);
    if (url !== undefined && url !== "too late") return url;
    throw new Error(`the server does not start:\n${this.#server.log.join("\n")}`);
  }

  /** Nothing is under way any more, and nothing will be. */
  async #rest(): Promise<void> {
    this.#tell("coming to rest");
    const until = performance.now() + restWithinMs;
    for (;;) {
      const { rows } = await this.#stage.link.insist((port) => port.query(restlessSql));
      if (rows.length === 0) return;
      if (performance.now() > until) {
        for (const [id, service, key, status, waitingFor] of rows.slice(0, 20)) {
          const detail = `${id} is ${status} and waits for ${waitingFor}`;
          this.#findings.push({ kind: "missing", what: `${service} ${key}`, detail });
        }
        return;
      }
      await sleep(100);
    }
  }

  async #account(): Promise<Omit<TortureReport, "folder">> {
    this.#tell("accounting");
    this.#server = new ServerProcess(this.#files);
    const port = connect({ url: await this.#address() });
    const { ledger } = this.#stage;
    const found = new Map<string, Found>();
    const steps = { committed: 0, repeated: 0 };
    const view = { port, ledger, effects: readEffects(this.#files.effects) };
    for (const workload of this.#workloads) {
      const part = await workload.find(view);
      for (const [what, one] of part.found) found.set(what, one);
      this.#findings.push(...part.findings);
      steps.committed += part.steps?.committed ?? 0;
      steps.repeated += part.steps?.repeated ?? 0;
    }
    this.#findings.push(...account(ledger, found), ...(await checkJournals(port)));
    const { acknowledged, unknown } = ledger;
    return { kills: this.#kills, acknowledged, unknown, steps, findings: this.#findings };
  }

  #tell(what: string): void {
    const { acknowledged, unknown } = this.#stage.ledger;
    this.#options.progress?.(`${what}; ${acknowledged} acknowledged, ${unknown} not`);
  }
}

const restlessSql = `select id, service, key, status, waiting_for from invocations
  where status not in ('succeeded', 'failed', 'cancelled', 'killed')
  union all select id, kind, key, 'undelivered', destination from messages limit 1000`;

/** A step has one result, and a journal no gaps. */
async function checkJournals(port: Port): Promise<Finding[]> {
  const twice = await port.query(`select id, name, command, count(*) as n from journal
    where kind = 'run' group by number, command having n > 1 limit 20`);
  const gaps = await port.query(`select id, count(*) as n, max(entry) as last from journal
    group by number having n <> last + 1 limit 20`);
  return [
    ...twice.rows.map(
      ([id, name, , n]): Finding => ({
        kind: "double",
        what: `step ${name} of ${id}`,
        detail: `has ${n} results`,
      }),
    ),
    ...gaps.rows.map(
      ([id, n, last]): Finding => ({
        kind: "wrong",
        what: `the journal of ${id}`,
        detail: `has ${n} entries up to ${last}`,
      }),
    ),
  ];
}

/** The last line may have been cut by a kill, and then its step had no result. */
function readEffects(file: string): Effect[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.flatMap((line): Effect[] => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}
