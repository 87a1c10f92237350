import { monitorEventLoopDelay } from "node:perf_hooks";

/** How the process is. */
export interface Vitals {
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly cpuSeconds: number;
  readonly uptimeSeconds: number;
  /** How late timers fired since the last reading, in seconds. */
  readonly loopDelay: { readonly p50: number; readonly p99: number; readonly max: number };
}

export interface VitalsMeter {
  read(): Vitals;
  close(): void;
}

const resolutionMs = 20;
const perSecond = 1e9;

/** Watches the event loop from now on; each reading begins a new span. */
export function openVitals(): VitalsMeter {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  const late = (nanoseconds: number): number =>
    // The monitor counts whole intervals: what is above its own period is the delay.
    Math.max(0, nanoseconds / perSecond - resolutionMs / 1000);
  return {
    read() {
      const { rss, heapUsed } = process.memoryUsage();
      const { user, system } = process.cpuUsage();
      const isEmpty = delay.count === 0;
      const loopDelay = isEmpty
        ? { p50: 0, p99: 0, max: 0 }
        : {
            p50: late(delay.percentile(50)),
            p99: late(delay.percentile(99)),
            max: late(delay.max),
          };
      delay.reset();
      return {
        residentBytes: rss,
        heapBytes: heapUsed,
        cpuSeconds: (user + system) / 1e6,
        uptimeSeconds: process.uptime(),
        loopDelay,
      };
    },
    close: () => void delay.disable(),
  };
}
