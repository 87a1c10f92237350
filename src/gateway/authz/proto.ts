import { fail } from "../../model/errors.ts";

/**
 * A protobuf message as the JSON mapping of protobuf has it: a field that is absent or null has its
 * default, unknown fields are passed over, a number may be text, and names may be in camel case or as
 * they stand in the definition, though not both at once. Whatever has another type than its field is
 * `invalid-argument`.
 */
export class Message {
  readonly fields: Readonly<Record<string, unknown>>;
  /** Name of the message type, for refusals. */
  readonly type: string;

  constructor(value: unknown, type: string) {
    const given = value ?? {};
    if (typeof given !== "object" || Array.isArray(given)) {
      throw misfit(type, "it is not an object");
    }
    this.fields = given as Record<string, unknown>; // parsed JSON
    this.type = type;
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  text(name: string): string {
    const value = this.#get(name);
    if (value === undefined) return "";
    if (typeof value !== "string") throw this.#wrong("string", name);
    if (!value.isWellFormed()) throw misfit(`${this.type}.${name}`, "invalid UTF-8");
    return value;
  }

  flag(name: string): boolean {
    const value = this.#get(name);
    if (value === undefined) return false;
    if (typeof value !== "boolean") throw this.#wrong("bool", name);
    return value;
  }

  /** A whole number of at most 32 bits, not negative; 0 when absent. */
  count(name: string): number {
    const value = this.#get(name);
    if (value === undefined) return 0;
    const number = typeof value === "string" && /^\d{1,10}$/.test(value) ? Number(value) : value;
    const isCount = typeof number === "number" && Number.isInteger(number);
    if (!isCount || number < 0 || number > 0xffff_ffff) throw this.#wrong("uint32", name);
    return number;
  }

  message(name: string, type: string): Message | undefined {
    const value = this.#get(name);
    return value === undefined ? undefined : new Message(value, type);
  }

  messages(name: string, type: string): Message[] {
    return this.list(name).map((each) => new Message(each, type));
  }

  list(name: string): readonly unknown[] {
    const value = this.#get(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw this.#wrong("repeated", name);
    return value;
  }

  texts(name: string): string[] {
    return this.list(name).map((each) => {
      if (typeof each !== "string" || !each.isWellFormed()) throw this.#wrong("string", name);
      return each;
    });
  }

  /** `google.protobuf.Struct`: any JSON object. */
  struct(name: string): Readonly<Record<string, unknown>> | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.#wrong("google.protobuf.Struct", name);
    }
    return value as Record<string, unknown>; // parsed JSON
  }

  /** An enum, by name or by number; the first of `names` when absent. */
  choice<T extends string>(name: string, names: readonly [T, ...T[]]): T {
    const value = this.#get(name);
    if (value === undefined) return names[0];
    const found = findChoice(value, names);
    if (found === undefined) throw this.#wrong("enum", name);
    return found;
  }

  /** A list of enums, without those that are unknown. */
  choices<T extends string>(name: string, names: readonly T[]): T[] {
    return this.list(name).flatMap((each) => findChoice(each, names) ?? []);
  }

  /** `google.protobuf.Timestamp`, in milliseconds since 1970. */
  time(name: string): number | undefined {
    // Text without anything in it is no time: taken for none, it would let live for ever.
    if (!this.has(name)) return undefined;
    const [, year, month, day, hour] = timestamp.exec(this.text(name)) ?? [];
    const at = hour === undefined || Number(hour) > 23 ? Number.NaN : Date.parse(this.text(name));
    const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
    if (Number.isNaN(at) || Number(day) > lastDay) {
      throw this.#wrong("google.protobuf.Timestamp", name);
    }
    return at;
  }

  #get(name: string): unknown {
    const { fields } = this;
    const other = name.includes("_") ? toCamel(name) : toSnake(name);
    const isOther = other !== name && Object.hasOwn(fields, other);
    if (!Object.hasOwn(fields, name)) return isOther ? (fields[other] ?? undefined) : undefined;
    if (isOther) throw misfit(`${this.type}.${name}`, `duplicate field ${name}`);
    return fields[name] ?? undefined;
  }

  #wrong(kind: string, name: string): Error {
    return misfit(`${this.type}.${name}`, `invalid value for ${kind} field ${name}`);
  }
}

/** `google.protobuf.Timestamp` as JSON. */
export function printTime(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

const timestamp = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

function findChoice<T extends string>(value: unknown, names: readonly T[]): T | undefined {
  return typeof value === "number" ? names[value] : names.find((each) => each === value);
}

const misfits = new WeakSet<Error>();

/** Whether a message was refused for its form already, before anybody asked what it says. */
export function isMisfit(error: Error): boolean {
  return misfits.has(error);
}

function misfit(what: string, reason: string): Error {
  const error = fail("invalid-argument", { what, reason });
  misfits.add(error);
  return error;
}

const camel = new Map<string, string>();
const snake = new Map<string, string>();

// Both are only asked for names that stand in the code, so that these maps stay small.
function toCamel(name: string): string {
  let known = camel.get(name);
  if (known === undefined) {
    known = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    camel.set(name, known);
  }
  return known;
}

function toSnake(name: string): string {
  let known = snake.get(name);
  if (known === undefined) {
    known = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    snake.set(name, known);
  }
  return known;
}
