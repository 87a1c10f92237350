/** Watches the files of an application. */
import { type FSWatcher, unwatchFile, watch, watchFile } from "node:fs";
import path from "node:path";
import type { Host } from "../host/host.ts";
import { describeFile, type SourceFile } from "./application.ts";

/** Editors write in several steps; after the first it waits for the last. */
const settleMs = 50;
const pollMs = 500;

/**
 * Tells when one of the files differs from what was loaded. Folders are watched, and not files, since
 * many editors save by putting a new file in the place of the old.
 */
export class Watcher {
  readonly #host: Pick<Host, "setTimer">;
  readonly #onChange: (files: readonly string[]) => void;
  readonly #files = new Map<string, number>();
  readonly #folders = new Map<string, FSWatcher>();
  readonly #polled = new Set<string>();
  #cancelLook: (() => void) | null = null;

  constructor(host: Pick<Host, "setTimer">, onChange: (files: readonly string[]) => void) {
    this.#host = host;
    this.#onChange = onChange;
  }

  /** Adds a file, or says anew how it was when it was loaded. */
  add({ file, modifiedMs }: SourceFile): void {
    this.#files.set(file, modifiedMs);
    this.#watchFolder(path.dirname(file));
    // It may have changed between loading and now.
    if (describeFile(file).modifiedMs !== modifiedMs) this.#lookSoon();
  }

  /** Forgets all files; the folders stay watched, since most files come back. */
  clear(): void {
    this.#files.clear();
  }

  close(): void {
    this.#cancelLook?.();
    for (const watcher of this.#folders.values()) watcher.close();
    for (const file of this.#polled) unwatchFile(file);
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    try {
      const watcher = watch(folder, () => this.#lookSoon());
      watcher.on("error", () => this.#poll(folder));
      this.#folders.set(folder, watcher);
    } catch {
      this.#poll(folder);
    }
  }

  /** Where the system cannot watch (no such folder yet, or its limit is reached), we look. */
  #poll(folder: string): void {
    for (const file of this.#files.keys()) {
      if (path.dirname(file) !== folder || this.#polled.has(file)) continue;
      this.#polled.add(file);
      watchFile(file, { interval: pollMs }, () => this.#lookSoon());
    }
  }

  #lookSoon(): void {
    this.#cancelLook?.();
    this.#cancelLook = this.#host.setTimer(settleMs, () => this.#look());
  }

  #look(): void {
    this.#cancelLook = null;
    const changed: string[] = [];
    for (const [file, modifiedMs] of this.#files) {
      const now = describeFile(file).modifiedMs;
      if (now === modifiedMs) continue;
      this.#files.set(file, now);
      changed.push(file);
    }
    if (changed.length > 0) this.#onChange(changed);
  }
}
