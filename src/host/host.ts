/**
 * Everything the engine may know of the machine it runs on. Nobody else touches the real clock,
 * randomness or timers, so a simulated host makes a run exact and repeatable from one seed.
 */
export interface Host {
  /** Wall clock in milliseconds since 1970. May jump in both directions. */
  now(): number;
  /** Milliseconds from an arbitrary start, never going back. For measuring, never for deciding. */
  monotonic(): number;
  /** 32 random bits. */
  random(): number;
  /** Calls back once, not before `ms` have passed; the function returned calls it off. */
  setTimer(ms: number, callback: () => void): () => void;
  /** Calls back after the I/O that is ready now has been taken in. */
  defer(callback: () => void): void;
  /** Calls back when the microtask queue has run empty, before any I/O. */
  afterMicrotasks(callback: () => void): void;
  readonly log: Log;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Structured log lines. Never given secrets, inputs or results. */
export type Log = (
  level: LogLevel,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;
