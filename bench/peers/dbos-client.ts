// Target: "<URL of the application> <URL of the database>"
import { DBOSClient } from "@dbos-inc/dbos-sdk";
import type { Calls } from "./contender.ts";

export async function calls(target: string): Promise<Calls> {
  const [app = "", systemDatabaseUrl = ""] = target.split(" ");
  const post = async (path: string): Promise<unknown> => {
    const reply = await fetch(app + path, { method: "POST" });
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
    return reply.json();
  };
  const client = await DBOSClient.create({ systemDatabaseUrl, applicationName: "bench" });
  return {
    "wf10.http": () => post("/wf10"),
    "wf10.latency": () => post("/wf10"),
    "call.http": () => post("/noop"),
    "wf10.client": async () => {
      const handle = await client.enqueue({ queueName: "bench", workflowName: "wf10" });
      return handle.getResult();
    },
  };
}
