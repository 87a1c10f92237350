import { randomUUID } from "node:crypto";
import { connect, makeClient } from "holdfast/client";
import type { Calls } from "./contender.ts";
import { definitions } from "./holdfast-app.ts";

export async function calls(url: string): Promise<Calls> {
  const client = makeClient(connect({ url }));
  const { wf10, noop, counter } = definitions;
  const workflow = () => client.call(wf10, randomUUID()).run();
  return {
    "wf10.http": workflow,
    "wf10.latency": workflow,
    "call.http": () => client.call(noop).call(),
    "hot.http": () => client.call(counter, "hot").add(),
  };
}
