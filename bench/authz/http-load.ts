// The load of check.http, in a process of its own: keeps requests in flight and counts whole answers.
import { Agent, request } from "node:http";
import { keepBusy } from "../harness.ts";
import { makeQuestions } from "./stage.ts";

export interface HttpLoad {
  readonly url: string;
  readonly relationships: number;
  readonly perRequest: number;
  readonly forMs: number;
}

export interface HttpReport {
  readonly checksPerSecond: number;
  /** Answers without a verdict for each check. */
  readonly wrong: number;
}

const connections = 50;
const agent = new Agent({ keepAlive: true, maxSockets: connections });

async function run({ url, relationships, perRequest, forMs }: HttpLoad): Promise<HttpReport> {
  const asks = makeQuestions(relationships, { count: 20_000, popular: true });
  const path = `/authz/tenants/drive/${perRequest === 1 ? "check" : "check-many"}`;
  const bodies: string[] = [];
  for (let at = 0; at < asks.length; at += perRequest) {
    const items = asks.slice(at, at + perRequest);
    bodies.push(JSON.stringify(perRequest === 1 ? items[0] : { items }));
  }
  let [next, wrong] = [0, 0];
  const load = await keepBusy(
    async () => {
      const text = await post(url + path, bodies[next++ % bodies.length] ?? "");
      if (text.split('"verdict"').length - 1 !== perRequest) wrong++;
    },
    { inFlight: connections, forMs },
  );
  return { checksPerSecond: load.perSecond * perRequest, wrong };
}

function post(url: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    };
    const sent = request(url, { method: "POST", agent, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () => resolve(text));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

process.once("disconnect", () => process.exit(1));
process.on("message", async (ask) => {
  process.send?.(await run(ask as HttpLoad)); // check-http.ts sends nothing else
});
process.send?.("ready");
