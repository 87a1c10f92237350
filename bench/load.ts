// The load of the HTTP cases, in a process of its own: what it is asked for, and how it answers.
import { connect, makeClient } from "holdfast/client";
import { expectEqual, keepBusy, type Load } from "./harness.ts";
import { counter, noop, wf10, wf10Result } from "./programs.ts";

export interface LoadRequest {
  readonly url: string;
  readonly calls: "call" | "hot" | "wf10";
  readonly inFlight: number;
  readonly forMs: number;
}

let workflows = 0;

async function run({ url, calls, inFlight, forMs }: LoadRequest): Promise<Load> {
  const client = makeClient(connect({ url }));
  const kinds = {
    call: async () => expectEqual("a call", await client.call(noop).call(), 0),
    hot: () => client.call(counter, "hot").add(),
    wf10: async () => {
      const key = `w${process.pid}-${workflows++}`;
      expectEqual("the sum of a workflow's steps", await client.call(wf10, key).run(), wf10Result);
    },
  };
  return await keepBusy(kinds[calls], { inFlight, forMs });
}

if (import.meta.main) {
  process.once("disconnect", () => process.exit(1));
  process.on("message", async (request) => {
    process.send?.(await run(request as LoadRequest)); // processes.ts sends nothing else
  });
  process.send?.("ready");
}
