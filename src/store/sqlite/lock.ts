import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { DatabaseSync } from "node:sqlite";
import type { Host } from "../../host/host.ts";
import { fail } from "../../model/errors.ts";
import { primaryCode, resultCodes } from "./faults.ts";

/** Held as long as the store is open. */
export interface FileLock {
  /** Whether this call made the lock file: then a refused store takes it away again. */
  readonly made: boolean;
  release(): void;
  /** Releases, and removes what this call made. */
  undo(): void;
}

/**
 * Keeps every other process, and every other store of this one, off the file.
 *
 * The lock is an exclusive transaction, never committed, on an empty SQLite file beside the store:
 * an operating system's lock, which ends with its process however that ends, so it is never stale.
 * Who holds it is written to a text file, which alone decides nothing.
 *
 * @throws `store-in-use`, naming the holder.
 */
export function lockFile(path: string, host: Host): FileLock {
  const lockPath = `${path}-lock`;
  const holderPath = `${path}-holder`;
  const made = !exists(lockPath);
  const db = new DatabaseSync(lockPath, { timeout: 0 });
  try {
    // In memory: the transaction is never committed, so nothing of it ever reaches the file.
    db.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (primaryCode(error) !== resultCodes.busy) throw error;
    throw fail("store-in-use", { path, holder: readHolder(holderPath) }, error);
  }
  writeHolder(holderPath, host);
  const release = (): void => {
    rmSync(holderPath, { force: true });
    db.close();
  };
  return {
    made,
    release,
    undo: () => {
      release();
      if (made) rmSync(lockPath, { force: true });
    },
  };
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function writeHolder(path: string, host: Host): void {
  const since = new Date(host.now()).toISOString();
  try {
    writeFileSync(path, `process ${process.pid} on ${hostname()} since ${since}\n`);
  } catch {
    // A full disk: the lock holds all the same, only its holder stays unnamed.
    emptyFile(path);
  }
}

function emptyFile(path: string): void {
  try {
    closeSync(openSync(path, "w"));
  } catch {
    // Nothing more can be done, and nothing depends on it.
  }
}

/** The text may be missing for an instant, between taking the lock and writing it. */
function readHolder(path: string): string {
  try {
    return readFileSync(path, "utf8").trim() || "another process";
  } catch {
    return "another process";
  }
}
