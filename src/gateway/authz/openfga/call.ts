import type { TenantPort } from "../../../model/authz.ts";
import { HoldfastError } from "../../../model/errors.ts";
import { isUlid } from "../../../std/ulid.ts";
import { type Answer, pauseOf, type StreamedAnswer } from "../../exchange.ts";
import type { Operation } from "../../rights.ts";
import type { Ask, Method, Route } from "../../route.ts";
import { Message } from "../proto.ts";
import type { AuthzSources } from "../sources.ts";
import { FgaRefusal, fgaAnswer, fgaRefusalOf, invalid, refuseToken } from "./errors.ts";
import { patterns } from "./tuples.ts";

/** One call of an operation on a store. A store is a tenant. */
export interface FgaCall {
  readonly ask: Ask;
  readonly store: string;
  readonly tenant: TenantPort;
  readonly body: Message;
}

export interface FgaOperation {
  readonly method: Method;
  /** Under `/stores/{store_id}`. */
  readonly path: string;
  /** As OpenFGA calls it. */
  readonly name: string;
  readonly summary: string;
  readonly right: Operation;
  readonly streams?: boolean;
  run(call: FgaCall): Promise<Answer | StreamedAnswer> | Answer | StreamedAnswer;
}

export function storeRoute(operation: FgaOperation, { authz }: AuthzSources): Route {
  const { path, name, right, run, ...rest } = operation;
  return fgaRoute({
    ...rest,
    name,
    path: `/stores/{store_id}${path}`,
    run: async (ask) => {
      const store = ask.parameter("store_id");
      ask.rights.require(right, store);
      try {
        const body = new Message(ask.body.value, `${name}Request`);
        return await run({ ask, store, tenant: authz.tenant(store), body });
      } catch (error) {
        throw refuseModelId(refuseStoreId(error, name, store), name);
      }
    },
  });
}

/** A route whose errors are OpenFGA's. */
export function fgaRoute(given: {
  readonly method: Method;
  readonly path: string;
  readonly name: string;
  readonly summary: string;
  readonly streams?: boolean;
  run(ask: Ask): Promise<Answer | StreamedAnswer>;
}): Route {
  const { run, name, ...rest } = given;
  return {
    ...rest,
    name: `fga${name}`,
    ...(given.method === "GET" || given.method === "DELETE" ? {} : { body: anyBody }),
    answers: { 200: { description: "As OpenFGA's." } },
    errors: [],
    foreign: true,
    run: async (ask) => {
      try {
        const answer = await run(ask);
        return "pieces" in answer ? await begin(answer) : answer;
      } catch (error) {
        const headers = error instanceof HoldfastError ? pauseOf(error) : [];
        return { ...fgaAnswer(fgaRefusalOf(error)), headers };
      }
    },
  };
}

/** Waits for the first piece, so that a refusal before it is an answer like any other. */
async function begin({ pieces, ...rest }: StreamedAnswer): Promise<StreamedAnswer> {
  const iterator = pieces[Symbol.asyncIterator]();
  let next: IteratorResult<string> | undefined = await iterator.next();
  const all: AsyncIterator<string> = {
    async next() {
      const first = next;
      next = undefined;
      return first ?? iterator.next();
    },
    return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
  };
  return { ...rest, pieces: { [Symbol.asyncIterator]: () => all } };
}

const anyBody = { required: false, description: "As OpenFGA's.", schema: {} };

/** An id that could not be one there is refused as such, where it is not the id of a tenant. */
function refuseStoreId(error: unknown, name: string, store: string): unknown {
  const isUnknown = error instanceof HoldfastError && error.code === "unknown-tenant";
  if (!isUnknown || isUlid(store)) return error;
  return invalid(
    `invalid ${name}Request.StoreId: value does not match regex pattern "${patterns.id}"`,
  );
}

/** The same for the id of a model; any other that is not there is not found. */
function refuseModelId(error: unknown, name: string): unknown {
  const isUnknown = error instanceof HoldfastError && error.code === "unknown-schema";
  if (!isUnknown || isUlid(String(error.details["schema"]))) return error;
  const field = name === "ReadAuthorizationModel" ? "Id" : "AuthorizationModelId";
  return invalid(
    `invalid ${name}Request.${field}: value does not match regex pattern "${patterns.id}"`,
  );
}

/** A page size out of a query; OpenFGA has at most 100 in one page. */
export function readPageSize(given: string | number | undefined, name: string): number {
  if (given === undefined || given === "") return defaultPageSize;
  const size = typeof given === "number" ? given : /^-?\d{1,9}$/.test(given) ? Number(given) : NaN;
  if (Number.isNaN(size)) throw invalid(`parsing field "page_size": invalid syntax`);
  if (size >= 1 && size <= 100) return size;
  const message = `invalid ${name}Request.PageSize: value must be inside range [1, 100]`;
  throw new FgaRefusal("page_size_invalid", message);
}

const defaultPageSize = 50;

/** Continuation tokens are what the port calls `next`, dressed so that clients take them. */
export function encodeToken(value: string | null): string {
  return value === null ? "" : Buffer.from(value, "utf8").toString("base64url");
}

export function decodeToken(token: string | undefined): string | undefined {
  if (token === undefined || token === "") return undefined;
  if (!/^[A-Za-z0-9_-]+={0,2}$/.test(token) || token.length > 5120) throw refuseToken();
  const text = Buffer.from(token, "base64url").toString("utf8");
  if (text === "") throw refuseToken();
  return text;
}
