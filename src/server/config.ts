import type { AccessToken } from "../gateway/door.ts";
import { type Grant, type Operation, operations } from "../gateway/rights.ts";
import { isLogThreshold, type LogThreshold } from "../host/log-lines.ts";
import { fail, type HoldfastError, reasonOf } from "../model/errors.ts";
import { type Limits, makeLimits } from "../model/limits.ts";

/** What the environment says about a server. Whatever is absent has its default elsewhere. */
export interface Config {
  readonly tokens?: readonly AccessToken[];
  readonly store?: string;
  readonly hostname?: string;
  readonly port?: number;
  readonly publicUrl?: string;
  readonly limits?: Partial<Limits>;
  readonly log: LogThreshold;
  readonly logFormat?: "text" | "json";
}

/** The one table of settings, from which the help of the CLI and the reference are made. */
export const settingTable: readonly { readonly name: string; readonly meaning: string }[] = [
  {
    name: "HOLDFAST_TOKENS",
    meaning:
      "who may come in, as name:token,name:token, each of whom may do everything; name[…]:token confines a token to what it says, with ; between: calls (call and send to handlers), on-behalf (the same, for whom x-holdfast-caller names), tenant=check+read or *=check (authorization: check, read, write, schema, admin)",
  },
  { name: "HOLDFAST_STORE", meaning: "path of the SQLite file, or :memory:" },
  { name: "HOLDFAST_HOST", meaning: "address to listen on (default 127.0.0.1)" },
  { name: "HOLDFAST_PORT", meaning: "port to listen on (default 7400; 0 takes a free one)" },
  {
    name: "HOLDFAST_PUBLIC_URL",
    meaning: "where clients reach the server, where that is not where it listens",
  },
  {
    name: "HOLDFAST_LIMITS",
    meaning:
      "single limits, as name=value,name=value: those in docs/reference/limits.md, in bytes and milliseconds",
  },
  {
    name: "HOLDFAST_LOG",
    meaning: "debug, info, warn, error or silent; with ,json or ,text to choose the form",
  },
];

/** Reads the settings; `invalid-configuration` names the one that cannot be used. */
export function readConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const given = (name: string): string | undefined => env[name]?.trim() || undefined;
  const tokens = given("HOLDFAST_TOKENS");
  const store = given("HOLDFAST_STORE");
  const hostname = given("HOLDFAST_HOST");
  const port = given("HOLDFAST_PORT");
  const publicUrl = given("HOLDFAST_PUBLIC_URL");
  const limits = given("HOLDFAST_LIMITS");
  return {
    ...(limits === undefined ? {} : { limits: parseLimits(limits.split(","), "HOLDFAST_LIMITS") }),
    ...(tokens === undefined ? {} : { tokens: parseTokens(tokens) }),
    ...(store === undefined ? {} : { store }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(port === undefined ? {} : { port: parsePort(port, "HOLDFAST_PORT") }),
    ...(publicUrl === undefined ? {} : { publicUrl: parsePublicUrl(publicUrl) }),
    ...parseLog(given("HOLDFAST_LOG") ?? "info"),
  };
}

/** @param name of the setting, for the refusal. */
export function parsePort(text: string, name: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 0 && port <= 65_535) return port;
  throw refuse(name, `${JSON.stringify(text)} is not a port between 0 and 65535`);
}

function parsePublicUrl(text: string): string {
  const url = URL.parse(text);
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  if (url !== null && isHttp && url.search === "" && url.hash === "" && url.username === "") {
    return url.href.replace(/\/+$/, "");
  }
  const reason = `${JSON.stringify(text)} is not an http: or https: URL without query`;
  throw refuse("HOLDFAST_PUBLIC_URL", reason);
}

/**
 * @param texts each `name=value`.
 * @param name of the setting, for the refusal.
 */
export function parseLimits(texts: readonly string[], name: string): Partial<Limits> {
  const limits: Record<string, number> = {};
  for (const text of texts) {
    const [, limit, value] = /^\s*(\w+)\s*=\s*(\d{1,15})\s*$/.exec(text) ?? [];
    if (limit === undefined) {
      throw refuse(name, `${JSON.stringify(text)} is not name=value, with a whole number`);
    }
    limits[limit] = Number(value);
  }
  try {
    makeLimits(limits);
  } catch (error) {
    throw refuse(name, reasonOf(error));
  }
  return limits;
}

function parseTokens(text: string): AccessToken[] {
  return text.split(",").map((pair, index) => {
    // The pair itself is not shown: it is a secret.
    const ordinal = `entry ${index + 1}`;
    const [, name = "", rights, rest] =
      /^([^:[]*)(?:\[([^\]]*)\]\s*)?:(.*)$/s.exec(pair.trim()) ?? [];
    if (name.trim() === "" || rest === undefined) {
      throw refuse("HOLDFAST_TOKENS", `${ordinal} is not name:token`);
    }
    const token = rest.trim();
    const known = `${ordinal} (${name.trim()})`;
    if (token === "") throw refuse("HOLDFAST_TOKENS", `${known} has an empty token`);
    const access = { name: name.trim(), token };
    return rights === undefined ? access : { ...access, ...parseRights(rights, known) };
  });
}

/** `calls;acme=check+read;*=check`. */
function parseRights(text: string, entry: string): Omit<AccessToken, "name" | "token"> {
  const parts = text.split(";").map((part) => part.trim());
  const words = new Set<string>(parts.filter((part) => part === "calls" || part === "on-behalf"));
  return {
    rights: parts.filter((part) => !words.has(part)).map((part) => parseGrant(part, entry)),
    ...(words.has("calls") ? { calls: true } : {}),
    ...(words.has("on-behalf") ? { onBehalf: true } : {}),
  };
}

function parseGrant(part: string, entry: string): Grant {
  const [, tenant, list] = /^([A-Za-z0-9_.-]{1,64}|\*)\s*=([a-z+\s]*)$/.exec(part) ?? [];
  if (tenant === undefined || list === undefined) {
    const reason = `${entry} has rights that are not of the form calls;tenant=check+read;*=check`;
    throw refuse("HOLDFAST_TOKENS", reason);
  }
  return { tenant, operations: list.split("+").map((name) => parseOperation(name, entry)) };
}

function parseOperation(text: string, entry: string): Operation {
  const operation = operations.find((known) => known === text.trim());
  if (operation !== undefined) return operation;
  const reason = `${entry} has a right that is none of ${operations.join(", ")}`;
  throw refuse("HOLDFAST_TOKENS", reason);
}

function parseLog(text: string): Pick<Config, "log" | "logFormat"> {
  let log: LogThreshold = "info";
  let logFormat: "text" | "json" | undefined;
  for (const word of text.split(",").map((part) => part.trim())) {
    if (word === "text" || word === "json") logFormat = word;
    else if (isLogThreshold(word)) log = word;
    else {
      const known = "debug, info, warn, error, silent, text and json";
      throw refuse("HOLDFAST_LOG", `${JSON.stringify(word)} is none of ${known}`);
    }
  }
  return { log, ...(logFormat === undefined ? {} : { logFormat }) };
}

function refuse(name: string, reason: string): HoldfastError {
  return fail("invalid-configuration", { name, reason });
}
