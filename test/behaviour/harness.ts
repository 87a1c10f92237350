/**
 * The ground on which behaviours are tested: a world with a clock of its own, in which Holdfast is
 * opened, restarted and crashed. Every behaviour holds in every residency, with and without outbox.
 */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { type Duration, type Holdfast, HoldfastError, type OpenOptions, open } from "holdfast";
import { parseDuration } from "../../src/std/duration.ts";
import { MemoryDisk } from "../../src/store/memory/memory-disk.ts";
import { type MemoryOptions, openMemoryStore } from "../../src/store/memory/memory-store.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite-store.ts";
import type { Store } from "../../src/store/store.ts";
import { FakeClock, type LogLine, Machine } from "./clock.ts";

export interface Mode {
  readonly name: string;
  readonly residency: "keep" | "evict";
  readonly outboxAlways: boolean;
  readonly store: "memory" | "sqlite";
}

const memoryModes: readonly Mode[] = [
  { name: "keep", residency: "keep", outboxAlways: false, store: "memory" },
  { name: "evict", residency: "evict", outboxAlways: false, store: "memory" },
  { name: "keep, outbox", residency: "keep", outboxAlways: true, store: "memory" },
  { name: "evict, outbox", residency: "evict", outboxAlways: true, store: "memory" },
];

const sqliteModes: readonly Mode[] = [
  { name: "keep, SQLite", residency: "keep", outboxAlways: false, store: "sqlite" },
  { name: "evict, outbox, SQLite", residency: "evict", outboxAlways: true, store: "sqlite" },
];

const patienceMs = 4_000;

type Body = (world: World) => Promise<void>;

/** A behaviour, tested in every residency, with and without outbox. */
export function each(title: string, body: Body): void {
  run(title, memoryModes, body);
}

/** A behaviour that outlives the process: tested on SQLite as well. */
export function eachStore(title: string, body: Body): void {
  run(title, [...memoryModes, ...sqliteModes], body);
}

function run(title: string, modes: readonly Mode[], body: Body): void {
  test(title, async (t) => {
    for (const mode of modes) {
      await t.test(mode.name, { timeout: patienceMs * 2 }, async () => {
        const world = new World(mode);
        try {
          await body(world);
        } finally {
          await world.end();
        }
      });
    }
  });
}

type Settings = Omit<OpenOptions, "services" | "store" | "host" | "residency" | "outboxAlways">;

export class World {
  readonly mode: Mode;
  readonly clock: FakeClock = new FakeClock();
  readonly log: LogLine[] = [];
  /** What goes wrong with the disk in memory, from the next opening on. */
  memory: MemoryOptions = {};
  /** Put around the store, from the next opening on. */
  wrap: (store: Store) => Store = (store) => store;
  #disk: MemoryDisk | null = null;
  #folder: string | null = null;
  #file: string | null = null;
  #copies = 0;
  #seed = 1;
  #machine: Machine | null = null;
  #app: Holdfast | null = null;
  #services: OpenOptions["services"] = [];
  #settings: Settings = {};
  readonly #left: Store[] = [];

  constructor(mode: Mode) {
    this.mode = mode;
  }

  get app(): Holdfast {
    assert(this.#app !== null, "the world is open");
    return this.#app;
  }

  /** Opens Holdfast on the disk of this world. */
  async open(services: OpenOptions["services"], settings: Settings = {}): Promise<Holdfast> {
    this.#services = services;
    this.#settings = settings;
    const machine = new Machine(this.clock, this.log, this.#seed++);
    this.#machine = machine;
    const { residency, outboxAlways } = this.mode;
    const host = machine;
    const store = this.wrap(await this.#openStore(machine));
    this.#app = await open({ ...settings, services, store, host, residency, outboxAlways });
    return this.#app;
  }

  /** Closes in good order, and opens again: the same application, or a changed one. */
  async restart(
    services: OpenOptions["services"] = this.#services,
    settings: Settings = this.#settings,
  ): Promise<Holdfast> {
    await this.close();
    return this.open(services, settings);
  }

  async close(): Promise<void> {
    const { app } = this;
    const closing = app.close();
    await Promise.race([closing, this.#passUntil(closing)]);
    this.#app = null;
  }

  /** The power fails: what was not durable is gone, and nobody says goodbye. Then it comes back. */
  async crash(
    services: OpenOptions["services"] = this.#services,
    settings: Settings = this.#settings,
  ): Promise<Holdfast> {
    this.fail();
    return this.open(services, settings);
  }

  /** The power fails, and stays off. */
  fail(): void {
    const { app } = this;
    if (this.#machine !== null) this.#machine.on = false;
    this.#left.push(app.store);
    this.#disk?.crash(0);
    if (this.#file !== null) this.#copyFile(this.#file);
    this.#app = null;
  }

  /** Waits until nothing moves by itself. */
  async rest(): Promise<void> {
    if (this.#app === null) return;
    for (let round = 0; round < 2; round++) {
      await within(this.#app.engine.settled(), patienceMs, "coming to rest");
      await tick();
    }
  }

  /** Lets time pass; everything that is due on the way happens at its time. */
  async pass(duration: Duration): Promise<void> {
    const ms = parseDuration(duration);
    assert(ms !== undefined, `${duration} is a duration`);
    const settle = async (): Promise<void> => {
      await tick();
      await this.#app?.engine.settled();
    };
    await this.clock.pass(
      ms,
      () => this.rest(),
      () => within(settle(), patienceMs, "settling"),
    );
  }

  /** The file of a world on SQLite. */
  get file(): string {
    assert(this.#file !== null, "the world is on SQLite");
    return this.#file;
  }

  async end(): Promise<void> {
    if (this.#machine !== null) this.#machine.on = false;
    for (const store of [...this.#left, ...(this.#app === null ? [] : [this.#app.store])]) {
      // A memory disk that crashed answers nothing any more, and needs no closing.
      if (this.mode.store === "sqlite") await within(store.close(), patienceMs, "closing");
    }
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  }

  async #openStore(machine: Machine): Promise<Store> {
    if (this.mode.store === "memory") {
      this.#disk ??= new MemoryDisk(machine);
      return openMemoryStore(this.#disk, this.memory);
    }
    this.#folder ??= mkdtempSync(path.join(tmpdir(), "holdfast-behaviour-"));
    this.#file ??= path.join(this.#folder, "store.db");
    return openSqliteStore({ path: this.#file, host: machine });
  }

  /** What a crash leaves is what lies on the disk: the file and its log, as they are now. */
  #copyFile(from: string): void {
    const to = path.join(path.dirname(from), `store-${++this.#copies}.db`);
    for (const suffix of ["", "-wal"]) {
      if (existsSync(from + suffix)) cpSync(from + suffix, to + suffix);
    }
    this.#file = to;
  }

  async #passUntil(done: Promise<unknown>): Promise<void> {
    let over = false;
    const stop = (): void => {
      over = true;
    };
    done.then(stop, stop);
    while (!over) {
      await tick();
      await this.clock.pass(50, tick);
    }
  }
}

/** Waits for a condition, and no longer than is reasonable. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await condition())) {
    assert(performance.now() < end, `waited in vain for ${condition.toString()}`);
    await tick();
  }
}

/** Lets everything that is ready now go on. */
export function tick(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Something that a test opens when it wants to: a step waits at it. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function makeGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** Matches an error of Holdfast by its code. */
export function coded(code: string): (error: unknown) => boolean {
  return (error) => {
    const found = error instanceof Error && "code" in error ? error.code : undefined;
    assert.equal(found, code, `expected ${code}, got ${String(error)}`);
    return true;
  };
}

/** Refused with a code of the table, by Holdfast and not by the handler. */
export function refused(code: string): (error: unknown) => boolean {
  return (error) => coded(code)(error) && error instanceof HoldfastError;
}

/** Keeps the rejection of a promise that is looked at later from counting as unhandled. */
export function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Kinds of the entries of a journal, in order. */
export async function kinds(handle: {
  journal(): Promise<readonly { readonly kind: string }[]>;
}): Promise<string[]> {
  return (await handle.journal()).map((entry) => entry.kind);
}
