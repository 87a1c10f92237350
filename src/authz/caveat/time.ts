import { Duration, Failure, Timestamp } from "./value.ts";

/** Reading, writing and taking apart times, as Go does, which both products are written in. */

const second = 1_000_000_000n;
const firstMoment = -62_135_596_800n * second; // 0001-01-01T00:00:00Z
const lastMoment = 253_402_300_800n * second - 1n; // 9999-12-31T23:59:59.999999999Z

const unitNanos: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  "\u00b5s": 1_000n,
  "\u03bcs": 1_000n,
  ms: 1_000_000n,
  s: second,
  m: 60n * second,
  h: 3600n * second,
};

export function makeTimestamp(nanos: bigint): Timestamp | Failure {
  if (nanos >= firstMoment && nanos <= lastMoment) return new Timestamp(nanos);
  return new Failure("timestamp overflow: only years 1 to 9999 exist");
}

export function makeDuration(nanos: bigint): Duration | Failure {
  if (BigInt.asIntN(64, nanos) === nanos) return new Duration(nanos);
  return new Failure("duration overflow: about 292 years are the most");
}

/** `1h30m`, `-1.5s`, `0`. undefined when it is none, or too long. */
export function parseDuration(text: string): Duration | undefined {
  const body = text.replace(/^[+-]/, "");
  if (text.length > 256) return undefined;
  if (body === "0") return new Duration(0n);
  if (!/^((\d+\.?\d*|\.\d+)[a-z\u00b5\u03bc]+)+$/.test(body)) return undefined;
  let total = 0n;
  for (const [, number = "", unit = ""] of body.matchAll(/([\d.]+)([a-z\u00b5\u03bc]+)/g)) {
    const scale = Object.hasOwn(unitNanos, unit) ? unitNanos[unit] : undefined;
    if (scale === undefined) return undefined;
    const [whole = "", fraction = ""] = number.split(".");
    total += BigInt(whole || "0") * scale;
    total += (BigInt(fraction || "0") * scale) / 10n ** BigInt(fraction.length);
  }
  const duration = makeDuration(text.startsWith("-") ? -total : total);
  return duration instanceof Duration ? duration : undefined;
}

/** In seconds: `5400s`, `-1.5s`. */
export function formatDuration({ nanos }: Duration): string {
  const size = nanos < 0n ? -nanos : nanos;
  return `${nanos < 0n ? "-" : ""}${size / second}${formatFraction(size % second)}s`;
}

const rfc3339 =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** RFC 3339, to the nanosecond. undefined when it is none, or no such day exists. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = text.length > 256 ? null : rfc3339.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, seconds = 0] = match
    .slice(1, 7)
    .map(Number);
  if (hour > 23 || minute > 59 || seconds > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const [offsetHour, offsetMinute] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (offsetHour > 23 || offsetMinute > 59) return undefined;
  const offset = (offsetHour * 60 + offsetMinute) * (match[8] === "-" ? -60 : 60);
  const total = date.getTime() / 1000 + hour * 3600 + minute * 60 + seconds - offset;
  const fraction = BigInt((match[7] ?? "").slice(0, 9).padEnd(9, "0"));
  const made = makeTimestamp(BigInt(total) * second + fraction);
  return made instanceof Timestamp ? made : undefined;
}

export function formatTimestamp(timestamp: Timestamp): string {
  const { date, rest } = split(timestamp);
  return `${date.toISOString().slice(0, 19)}${formatFraction(rest)}Z`;
}

export type TimestampPart =
  | "getFullYear"
  | "getMonth"
  | "getDate"
  | "getDayOfMonth"
  | "getDayOfWeek"
  | "getDayOfYear"
  | "getHours"
  | "getMinutes"
  | "getSeconds"
  | "getMilliseconds";

/** What the accessors of timestamps tell, by their names. */
const parts: Readonly<Record<TimestampPart, (date: Date) => number>> = {
  getFullYear: (date: Date) => date.getUTCFullYear(),
  getMonth: (date: Date) => date.getUTCMonth(),
  getDate: (date: Date) => date.getUTCDate(),
  getDayOfMonth: (date: Date) => date.getUTCDate() - 1,
  getDayOfWeek: (date: Date) => date.getUTCDay(),
  getDayOfYear: dayOfYear,
  getHours: (date: Date) => date.getUTCHours(),
  getMinutes: (date: Date) => date.getUTCMinutes(),
  getSeconds: (date: Date) => date.getUTCSeconds(),
  getMilliseconds: (date: Date) => date.getUTCMilliseconds(),
};

export const timestampParts: readonly TimestampPart[] = Object.keys(parts) as TimestampPart[]; // its own keys

/** In UTC, or in a zone: `America/New_York`, `+05:30`. */
export function timestampPart(
  timestamp: Timestamp,
  part: TimestampPart,
  { zone }: { readonly zone?: string },
): bigint | Failure {
  const milliseconds = Number((timestamp.nanos - mod(timestamp.nanos, 1_000_000n)) / 1_000_000n);
  const offset = zone === undefined ? 0 : zoneOffset(zone, milliseconds);
  if (offset === undefined) return new Failure(`there is no time zone ${JSON.stringify(zone)}`);
  return BigInt(parts[part](new Date(milliseconds + offset)));
}

const durationUnits: Readonly<Record<string, bigint>> = {
  getHours: 3600n * second,
  getMinutes: 60n * second,
  getSeconds: second,
  getMilliseconds: 1_000_000n,
};

/** The whole of it in hours, minutes, …; undefined for parts that only timestamps have. */
export function durationPart(duration: Duration, part: TimestampPart): bigint | undefined {
  const unit = durationUnits[part];
  return unit === undefined ? undefined : duration.nanos / unit;
}

function dayOfYear(date: Date): number {
  const start = new Date(date);
  start.setUTCMonth(0, 1);
  return Math.round((date.getTime() - start.getTime()) / 86_400_000);
}

function split({ nanos }: Timestamp): { readonly date: Date; readonly rest: bigint } {
  const rest = mod(nanos, second);
  return { date: new Date(Number((nanos - rest) / 1_000_000n)), rest };
}

/** Rounds down, where `%` rounds to zero. */
function mod(value: bigint, by: bigint): bigint {
  return ((value % by) + by) % by;
}

function formatFraction(nanos: bigint): string {
  return nanos === 0n ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;
}

/** Few zones are used, and making a format is slow; beyond the bound all are made anew. */
const formats = new Map<string, Intl.DateTimeFormat | null>();

/** How far local time is ahead of UTC, in milliseconds; undefined when there is no such zone. */
function zoneOffset(zone: string, milliseconds: number): number | undefined {
  if (zone === "" || zone === "UTC") return 0;
  const fixed = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (fixed !== null) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3]);
    return minutes * (fixed[1] === "-" ? -60_000 : 60_000);
  }
  const format = formatOf(zone);
  if (format === null) return undefined;
  const name = format.formatToParts(milliseconds).find(({ type }) => type === "timeZoneName");
  const match = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(name?.value ?? "");
  if (match === null) return undefined;
  const [hours, minutes, seconds] = [match[2], match[3], match[4]].map((digits) =>
    Number(digits ?? 0),
  );
  const size = ((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0);
  return size * (match[1] === "-" ? -1000 : 1000);
}

function formatOf(zone: string): Intl.DateTimeFormat | null {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  if (formats.size >= 1000) formats.clear();
  const format = tryFormat(zone);
  formats.set(zone, format);
  return format;
}

function tryFormat(timeZone: string): Intl.DateTimeFormat | null {
  if (!/^[A-Za-z][\w/+-]{0,63}$/.test(timeZone)) return null;
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  } catch {
    return null; // a RangeError says that there is no such zone
  }
}
