/**
 * A length of time: milliseconds as a number, or text such as `"250ms"`, `"1.5s"`, `"10m"`, `"2h"`,
 * `"7d"`, `"1w"`, also with words and in sums: `"1 hour 30 minutes"`.
 */
export type Duration = number | string;

const units: Record<string, number> = {
  ms: 1,
  millisecond: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
};

/** Milliseconds of a duration, or `undefined` when it is not one (negative, not finite, no unit). */
export function parseDuration(duration: Duration): number | undefined {
  if (typeof duration === "number") {
    return Number.isFinite(duration) && duration >= 0 ? Math.round(duration) : undefined;
  }
  const text = duration.trim().toLowerCase();
  const part = /\s*(\d+(?:\.\d+)?)\s*([a-z]+)/y;
  let total = 0;
  if (text === "") return undefined;
  while (part.lastIndex < text.length) {
    const found = part.exec(text);
    if (found === null) return undefined;
    const name = found[2] as string;
    const unit = units[name] ?? (name.endsWith("s") ? units[name.slice(0, -1)] : undefined);
    if (unit === undefined) return undefined;
    total += Number(found[1]) * unit;
  }
  return Number.isFinite(total) ? Math.round(total) : undefined;
}

/** The shortest readable text of a duration: `"0ms"`, `"350ms"`, `"1.2s"`, `"3m 5s"`, `"2d 4h"`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${Math.round(ms / 100) / 10}s`;
  const seconds = Math.round(ms / 1000);
  const pairs: readonly [number, string][] = [
    [86_400, "d"],
    [3600, "h"],
    [60, "m"],
    [1, "s"],
  ];
  const first = pairs.findIndex(([size]) => seconds >= size);
  const [size, unit] = pairs[first] as [number, string];
  const whole = Math.floor(seconds / size);
  const next = pairs[first + 1];
  const rest = next === undefined ? 0 : Math.floor((seconds % size) / next[0]);
  return rest > 0 && next !== undefined ? `${whole}${unit} ${rest}${next[1]}` : `${whole}${unit}`;
}
