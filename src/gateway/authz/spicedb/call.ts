import type { TenantPort } from "../../../model/authz.ts";
import type { Answer, StreamedAnswer } from "../../exchange.ts";
import type { Operation } from "../../rights.ts";
import type { Ask, Route } from "../../route.ts";
import { Message } from "../proto.ts";
import type { AuthzSources } from "../sources.ts";
import { chooseOrCreateTenant, chooseTenant } from "../tenant-choice.ts";
import { spiceStatus } from "./errors.ts";

/** One call of an operation of SpiceDB's API. */
export interface SpiceCall {
  readonly ask: Ask;
  readonly tenant: TenantPort;
  readonly body: Message;
}

export interface SpiceOperation {
  /** Under `/v1`; a second is another name of the same. */
  readonly path: string;
  /** As SpiceDB calls it. */
  readonly name: string;
  readonly summary: string;
  readonly right: Operation;
  /** Whether the server's first tenant may come into being with it. */
  readonly creates?: boolean;
  /** Its body comes in lines, and its answer whole. */
  readonly takesLines?: boolean;
  /** Its answer is a stream, and so are its errors. */
  readonly streams?: boolean;
  /** An answer, or results that are sent one after the other. */
  run(call: SpiceCall): Promise<unknown> | AsyncIterable<unknown>;
}

export function spiceRoute(operation: SpiceOperation, sources: AuthzSources): Route {
  const { path, name, summary, right, creates = false, takesLines = false, run } = operation;
  const choose = creates ? chooseOrCreateTenant : chooseTenant;
  return {
    method: "POST",
    path: `/v1${path}`,
    name: `spice${name}${path.replaceAll("/", "-")}`,
    summary,
    body: { required: false, description: "As SpiceDB's.", schema: {}, isLines: takesLines },
    answers: { 200: { description: "As SpiceDB's." } },
    errors: [],
    foreign: true,
    streams: true,
    run: async (ask): Promise<Answer | StreamedAnswer> => {
      const tenant = await choose(ask, right, sources);
      const body = new Message(ask.body.value, `${name}Request`);
      const answer = run({ ask, tenant, body });
      if (!isStream(answer)) return { status: 200, text: JSON.stringify(await answer) };
      return {
        type: "application/json",
        pieces: printResults(answer),
        failure: (error) => `${JSON.stringify({ error: spiceStatus(error) })}\n`,
      };
    },
  };
}

function isStream(
  answer: Promise<unknown> | AsyncIterable<unknown>,
): answer is AsyncIterable<unknown> {
  return Symbol.asyncIterator in answer;
}

/** Small results are sent together, so that a long list does not cost a write for each. */
async function* printResults(
  results: AsyncIterable<unknown>,
): AsyncGenerator<string, void, undefined> {
  for await (const result of results) {
    const all = Array.isArray(result) ? result : [result];
    let text = "";
    for (const each of all) text += `${JSON.stringify({ result: each })}\n`;
    if (text !== "") yield text;
  }
}
