import type { Host, Log } from "./host.ts";

/** The real machine. */
export function makeNodeHost(log: Log = silent): Host {
  const word = new Uint32Array(256);
  let left = 0;
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random() {
      if (left === 0) {
        crypto.getRandomValues(word);
        left = word.length;
      }
      return word[--left] as number;
    },
    setTimer(ms, callback) {
      const timer = setTimeout(callback, Math.min(Math.ceil(ms), 0x7fffffff));
      return () => clearTimeout(timer);
    },
    defer: (callback) => void setImmediate(callback),
    // A tick queued from inside a microtask runs only once the microtask queue is empty
    // (process.nextTick documentation, "Event loop order").
    afterMicrotasks: (callback) => queueMicrotask(() => process.nextTick(callback)),
    log,
  };
}

function silent(): void {}
