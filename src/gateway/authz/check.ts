import type {
  CheckAnswer,
  CheckItem,
  CheckManyAnswer,
  CheckManyRequest,
  CheckRequest,
  TenantPort,
} from "../../model/authz.ts";
import { toHoldfastError } from "../../model/errors.ts";
import type { Limits } from "../../model/limits.ts";
import { parseBody } from "../body.ts";
import type { Exchange } from "../exchange.ts";
import { problemOf } from "../problem.ts";
import type { Rights } from "../rights.ts";
import { decodeId, parseQuery, type Target } from "../target.ts";
import {
  checkCount,
  parseCheckItem,
  questionFields,
  readContext,
  readFieldsOf,
  readFlag,
  readListOf,
  readObjectRef,
  readQuestion,
  readSubjectRef,
  readTextOf,
  refuse,
} from "./read.ts";
import type { AuthzSources } from "./sources.ts";

/**
 * `POST /authz/tenants/…/check` and `…/check-many`: the paths that have to be fast. They are routed
 * by hand, checked by hand, and printed by hand where that pays; a bulk costs one promise in all.
 */
export function startCheck(exchange: Exchange, target: Target, sources: AuthzSources): boolean {
  const { path } = target;
  const end = path.indexOf("/", tenantPrefix.length);
  if (end < 0 || !path.startsWith(tenantPrefix)) return false;
  const verb = path.slice(end);
  const ask = verb === "/check" ? askOne : verb === "/check-many" ? askMany : undefined;
  if (ask === undefined) return false;
  const { limits, authz } = sources;
  parseQuery(target.query, []);
  const id = decodeId("The tenant", path.slice(tenantPrefix.length, end), limits.idLength);
  const { rights } = exchange;
  rights.require("check", id);
  exchange
    .receive(limits.requestBody)
    .then((bytes) => {
      const { value } = parseBody(bytes, exchange.headers, depthFor(bytes, limits));
      requireWhy(value, rights, id);
      return ask(authz.tenant(id), value, limits);
    })
    .then(
      (text) => exchange.answer({ status: 200, text }),
      (error: unknown) => exchange.refuse(error),
    );
  return true;
}

/** Why it is so shows what is stored: that is for those who may read it themselves. */
export function requireWhy(body: unknown, rights: Rights, tenant: string): void {
  const isObject = typeof body === "object" && body !== null;
  if (isObject && "explain" in body && body.explain !== false) rights.require("read", tenant);
}

/** Answers one question, as JSON. */
export async function askOne(tenant: TenantPort, body: unknown, limits: Limits): Promise<string> {
  return printCheck(await tenant.check(readCheck(body, limits)));
}

/** Answers many questions at one revision, as JSON. */
export async function askMany(tenant: TenantPort, body: unknown, limits: Limits): Promise<string> {
  return printChecks(await tenant.checkMany(readChecks(body, limits)));
}

const tenantPrefix = "/authz/tenants/";

/**
 * Only contexts may be deep: what else is, is refused where it is read. Looking for the word costs a
 * tenth of counting brackets; with escapes in it, the word may look otherwise.
 */
function depthFor(bytes: Buffer, { bodyDepth }: Limits): number {
  const mayBeDeep = bytes.includes('"context') || bytes.includes("\\");
  return mayBeDeep ? bodyDepth : Number.POSITIVE_INFINITY;
}

function readCheck(body: unknown, limits: Limits): CheckRequest {
  const fields = readFieldsOf(body, "The body", checkFields);
  const { explain } = fields as { explain?: unknown }; // as read
  return {
    ...readQuestion(fields, limits),
    resource: readObjectRef(fields["resource"], "resource"),
    permission: readTextOf(fields["permission"], "permission"),
    subject: readSubjectRef(fields["subject"], "subject"),
    ...(explain === undefined ? {} : { explain: readFlag(explain, "explain") }),
  };
}

function readChecks(body: unknown, limits: Limits): CheckManyRequest {
  const fields = readFieldsOf(body, "The body", checkManyFields);
  const list = readListOf(fields["items"], "items");
  checkCount(list.length, "authzChecks", { limits, what: "one bulk check" });
  if (list.length === 0) throw refuse("items", "it is empty");
  const items = new Array<CheckItem>(list.length);
  for (let i = 0; i < list.length; i++) items[i] = readItem(list[i], i);
  return { ...readQuestion(fields, limits), items };
}

type Item = CheckManyRequest["items"][number];

function readItem(value: unknown, index: number): Item {
  // The name is only made when it is needed: in most items nothing is wrong.
  try {
    if (typeof value === "string") return parseCheckItem(value, "it");
    const fields = readFieldsOf(value, "it", itemFields);
    const item = {
      resource: readObjectRef(fields["resource"], "resource"),
      permission: readTextOf(fields["permission"], "permission"),
      subject: readSubjectRef(fields["subject"], "subject"),
    };
    const context = fields["context"];
    return context === undefined ? item : { ...item, context: readContext(context, "context") };
  } catch (error) {
    throw refuse(`items[${index}]`, toHoldfastError(error).message);
  }
}

function printCheck(answer: CheckAnswer): string {
  const { verdict, zookie, explanation } = answer;
  if (explanation !== undefined || verdict === "conditional") return JSON.stringify(answer);
  return `{"verdict":"${verdict}","missing":[],"zookie":${JSON.stringify(zookie)}}`;
}

function printChecks({ items, zookie }: CheckManyAnswer): string {
  let text = '{"items":[';
  let separator = "";
  for (const item of items) {
    text += separator;
    if ("error" in item) text += `{"error":${problemOf(toHoldfastError(item.error)).text}}`;
    else if (item.verdict === "yes") text += yes;
    else if (item.verdict === "no") text += no;
    else text += JSON.stringify(item);
    separator = ",";
  }
  return `${text}],"zookie":${JSON.stringify(zookie)}}`;
}

const yes = '{"verdict":"yes","missing":[]}';
const no = '{"verdict":"no","missing":[]}';

const checkFields = new Set([...questionFields, "resource", "permission", "subject", "explain"]);
const checkManyFields = new Set([...questionFields, "items"]);
const itemFields = new Set(["resource", "permission", "subject", "context"]);
