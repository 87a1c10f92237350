import { setTimeout as sleep } from "node:timers/promises";
import type { Effect } from "../app.ts";
import { count, type Finding, type Found } from "../ledger.ts";
import { type Account, readRuns, type Stage, type View, type Workload } from "../workload.ts";
import { tallyKey } from "./tallies.ts";

/** Workflows of several steps with a sleep, a call and messages. */
export const chains: Workload = { name: "chains", width: 12, round, find };

async function round(stage: Stage): Promise<void> {
  const { link, ledger, random } = stage;
  const n = stage.next();
  const key = `c${n}`;
  const keyed = random.below(4) > 0;
  const request = {
    service: "chain",
    key,
    handler: "run",
    input: { steps: 2 + random.below(5), sleepMs: random.below(400), tallyKey: tallyKey(n) },
    ...(keyed ? { idempotencyKey: key } : {}),
  };
  const effects = [`${key} call`, `${key} send a`, `${key} send b`, `${key} send c`];
  const promised = [`chain ${key}`, ...effects.map((effect) => `tally ${effect}`)];
  for (const what of promised) ledger.begin(what);
  if (keyed) await link.insist((port) => port.send(request));
  else if (!(await link.try((port) => port.send(request))).answered) return;
  for (const what of promised) ledger.acknowledge(what);
  if (random.below(2) === 0) {
    const tokens = await link.insist((port) => port.result({ service: "chain", key }));
    ledger.acknowledge(`chain ${key}`, tokens);
  } else {
    await sleep(random.below(200));
  }
}

async function find({ port, effects }: View): Promise<Account> {
  const found = new Map<string, Found>();
  const findings: Finding[] = [];
  const runs = await readRuns(port, "chain");
  const lines = Map.groupBy(
    effects.filter(({ step }) => step.startsWith("step ")),
    ({ of }) => of,
  );
  let committed = 0;
  let repeated = 0;
  for (const [key, { status, output }] of runs) {
    const what = `chain ${key}`;
    if (status !== "succeeded") {
      findings.push({ kind: "wrong", what, detail: `ended as ${status}` });
      continue;
    }
    count(found, what, output);
    const tokens = output as string[]; // what the handler returns
    const own = lines.get(key) ?? [];
    committed += tokens.length;
    repeated += own.length - tokens.length;
    findings.push(...checkSteps(what, tokens, own));
    lines.delete(key);
  }
  for (const key of lines.keys()) {
    findings.push({ kind: "unasked", what: `chain ${key}`, detail: "has steps and no invocation" });
  }
  return { found, findings, steps: { committed, repeated } };
}

/** Each step ran; its result is that of one of its runs; and no other result was ever seen. */
function checkSteps(what: string, tokens: readonly string[], lines: readonly Effect[]): Finding[] {
  const findings: Finding[] = [];
  for (const [i, token] of tokens.entries()) {
    const runs = lines.filter(({ step }) => step === `step ${i}`);
    const detail = `step ${i}`;
    if (runs.length === 0) findings.push({ kind: "missing", what, detail: `${detail} never ran` });
    else if (!runs.some((run) => run.token === token)) {
      findings.push({
        kind: "wrong",
        what,
        detail: `${detail} has a result that no run of it gave`,
      });
    }
    const before = tokens[i - 1] ?? "";
    if (runs.some((run) => run.before !== before)) {
      findings.push({ kind: "double", what, detail: `step ${i - 1} had two results` });
    }
  }
  return findings;
}
