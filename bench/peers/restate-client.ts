import { randomUUID } from "node:crypto";
import { connect } from "@restatedev/restate-sdk-clients";
import type { Calls } from "./contender.ts";
import type { Counter, Noop } from "./restate-app.ts";

export async function calls(url: string): Promise<Calls> {
  const ingress = connect({ url });
  // One request that starts the workflow and waits for it: the fastest way that the client has.
  // Its typed workflow client takes two, submit and attach.
  const workflow = () =>
    ingress.call<null, number>({
      service: "wf10",
      handler: "run",
      key: randomUUID(),
      parameter: null,
    });
  const noop = ingress.serviceClient<Noop>({ name: "noop" });
  const counter = ingress.objectClient<Counter>({ name: "counter" }, "hot");
  return {
    "wf10.http": workflow,
    "wf10.latency": workflow,
    "call.http": async () => noop.call(),
    "hot.http": async () => counter.add(),
  };
}
