import type { StartRequest } from "holdfast/client";
import { operationsPerTally } from "../app.ts";
import { count, type Finding, type Found } from "../ledger.ts";
import { type Account, readAll, type Stage, type View, type Workload } from "../workload.ts";

/** Calls and messages to actors: with idempotency key and without, now and later. */
export const tallies: Workload = { name: "tallies", width: 10, round, find };

async function round(stage: Stage): Promise<void> {
  const key = tallyKey(stage.next());
  const positions: number[] = [];
  for (let i = 0; i < 4; i++) {
    const operation = `t${stage.next()}`;
    const way = stage.random.below(4);
    if (way < 2) {
      const position = await call(stage, key, operation, way === 0);
      if (position !== undefined) positions.push(position);
    } else {
      await send(stage, key, operation, way === 2);
    }
  }
  const inOrder = positions.every((position, i) => i === 0 || position > (positions[i - 1] ?? -1));
  if (!inOrder) throw new Error(`calls of ${key} one after another came to be at ${positions}`);
}

/** Many share a key, so that there is a queue, and yet no state grows large. */
export function tallyKey(n: number): string {
  return `k${Math.floor(n / operationsPerTally)}`;
}

async function call(
  { link, ledger }: Stage,
  key: string,
  operation: string,
  keyed: boolean,
): Promise<number | undefined> {
  const what = `tally ${operation}`;
  const request = makeRequest(key, operation, keyed);
  ledger.begin(what);
  if (keyed) {
    const position = await link.insist((port) => port.call(request));
    ledger.acknowledge(what, position);
    return position as number; // what the handler returns
  }
  const asked = await link.try((port) => port.call(request));
  if (!asked.answered) return undefined;
  ledger.acknowledge(what, asked.value);
  return asked.value as number; // likewise
}

async function send(
  { link, ledger, random }: Stage,
  key: string,
  operation: string,
  keyed: boolean,
): Promise<void> {
  const what = `tally ${operation}`;
  const delayMs = random.below(2) * random.below(1500);
  const notBefore = Date.now() + delayMs;
  const request = { ...makeRequest(key, operation, keyed), delayMs };
  const timed = { ...request, input: { operation, notBefore } };
  ledger.begin(what);
  if (keyed) await link.insist((port) => port.send(timed));
  else if (!(await link.try((port) => port.send(timed))).answered) return;
  ledger.acknowledge(what);
}

function makeRequest(key: string, operation: string, keyed: boolean): StartRequest {
  return {
    service: "tally",
    key,
    handler: "add",
    input: { operation },
    ...(keyed ? { idempotencyKey: operation } : {}),
  };
}

async function find({ port }: View): Promise<Account> {
  const found = new Map<string, Found>();
  const findings: Finding[] = [];
  for (const [, key, name, value] of await readTallies(port)) {
    const operations: string[] = JSON.parse(String(value));
    if (name === "early") {
      for (const what of operations) {
        findings.push({ kind: "wrong", what, detail: `arrived at ${key} before it was due` });
      }
      continue;
    }
    for (const [place, operation] of operations.entries()) {
      count(found, `tally ${operation}`, place);
    }
    findings.push(...checkOrder(String(key), operations));
  }
  return { found, findings };
}

function readTallies(port: View["port"]): Promise<(string | number | null)[][]> {
  return readAll(port, (after) => {
    const from = after === "-1" ? "" : after;
    return `select key || '/' || name as at, key, name, value from state
      where service = 'tally' and at > '${from}' order by at`;
  });
}

/** What one chain did to one key is there in the order in which it did it. */
function checkOrder(key: string, operations: readonly string[]): Finding[] {
  const order = ["call", "send a", "send b", "send c"];
  const bySender = new Map<string, string[]>();
  for (const operation of operations) {
    const [sender = "", ...rest] = operation.split(" ");
    if (rest.length === 0) continue;
    const list = bySender.get(sender) ?? [];
    bySender.set(sender, list);
    list.push(rest.join(" "));
  }
  const findings: Finding[] = [];
  for (const [sender, list] of bySender) {
    const sorted = [...list].sort((a, b) => order.indexOf(a) - order.indexOf(b));
    if (sorted.join() !== list.join()) {
      const detail = `reached ${key} as ${list.join(", ")}`;
      findings.push({ kind: "wrong", what: sender, detail });
    }
  }
  return findings;
}
