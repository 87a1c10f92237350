import { setTimeout as sleep } from "node:timers/promises";
import { HoldfastError, TerminalError } from "holdfast/client";
import type { Effect } from "../app.ts";
import { count, type Finding, type Found } from "../ledger.ts";
import { type Account, readAll, type Stage, type View, type Workload } from "../workload.ts";

/** Workflows that fail or are cancelled, and take back what they did. */
export function makeSagas(): Workload {
  /** When each cancellation was acknowledged. */
  const acknowledged = new Map<string, number>();
  return {
    name: "sagas",
    width: 4,
    round: (stage) => round(stage, acknowledged),
    find: (view) => find(view, acknowledged),
  };
}

type Times = ReadonlyMap<string, number>;

async function round(stage: Stage, acknowledged: Map<string, number>): Promise<void> {
  const { link, ledger, random } = stage;
  const key = `s${stage.next()}`;
  const target = { service: "saga", key };
  const fails = random.below(2) === 0;
  ledger.begin(`saga ${key}`);
  const start = { ...target, handler: "run", input: { fails }, idempotencyKey: key };
  await link.insist((port) => port.send(start));
  ledger.acknowledge(`saga ${key}`);
  if (!fails) {
    await sleep(random.below(150));
    ledger.begin(`cancel ${key}`);
    if (await cancel(stage, target)) {
      acknowledged.set(key, Date.now());
      ledger.acknowledge(`cancel ${key}`);
    }
  }
  const failure = await link.insist((port) =>
    port.result(target).then(
      () => "nothing",
      (error: unknown) => {
        if (error instanceof TerminalError) return error.code;
        throw error;
      },
    ),
  );
  if (fails && failure !== "meant-to-fail") throw new Error(`saga ${key} failed with ${failure}`);
}

/** @returns whether the server said that it is cancelled, and not that it had ended. */
async function cancel({ link }: Stage, target: { service: string; key: string }): Promise<boolean> {
  return link.insist(async (port) => {
    try {
      await port.cancel(target);
      return true;
    } catch (error) {
      if (error instanceof HoldfastError && error.code === "invocation-ended") return false;
      throw error;
    }
  });
}

async function find({ port, effects }: View, acknowledged: Times): Promise<Account> {
  const found = new Map<string, Found>();
  const findings: Finding[] = [];
  const lines = Map.groupBy(
    effects.filter(({ step }) => !step.startsWith("step ")),
    ({ of }) => of,
  );
  let committed = 0;
  let repeated = 0;
  for (const { key, status, runs, wokeAt } of await readSagas(port)) {
    const own = lines.get(key) ?? [];
    count(found, `saga ${key}`);
    // It comes too late for one that has slept already, and then changes nothing.
    const cameLate = (acknowledged.get(key) ?? 0) >= wokeAt;
    if (status === "cancelled" || (status === "succeeded" && cameLate)) {
      count(found, `cancel ${key}`);
    }
    committed += runs.length;
    repeated += own.length - runs.length;
    findings.push(...checkSaga(`saga ${key}`, status, runs, own));
  }
  return { found, findings, steps: { committed, repeated } };
}

type StepResult = readonly [name: string, token: string];

interface Saga {
  readonly key: string;
  readonly status: string;
  readonly runs: readonly StepResult[];
  /** When its sleep was over. */
  readonly wokeAt: number;
}

async function readSagas(port: View["port"]): Promise<Saga[]> {
  const rows = await readAll(
    port,
    (after) =>
      `select i.number, i.key, i.status, (select json_group_array(json_array(name, payload ->> '$'))
         from (select name, payload from journal j where j.number = i.number and kind = 'run'
           order by entry)),
        (select max(at_ms) from journal j where j.number = i.number and kind = 'done')
       from invocations i where service = 'saga' and number > ${after} order by number`,
  );
  return rows.map(([, key, status, runs, wokeAt]) => ({
    key: String(key),
    status: String(status),
    runs: JSON.parse(String(runs)),
    wokeAt: Number(wokeAt),
  }));
}

/** What was done was undone, once and latest first, and each undo knew what it undid. */
function checkSaga(
  what: string,
  status: string,
  runs: readonly StepResult[],
  lines: readonly Effect[],
): Finding[] {
  const done = runs.filter(([name]) => name.startsWith("do "));
  const undone = runs.filter(([name]) => name.startsWith("undo "));
  const expected = status === "succeeded" ? [] : done.map(([name]) => `undo ${name}`).reverse();
  const names = undone.map(([name]) => name);
  const findings: Finding[] = [];
  if (names.join() !== expected.join()) {
    const detail = `${status}: did ${done.map(([name]) => name)}, undid ${names}`;
    findings.push({ kind: names.length > expected.length ? "double" : "missing", what, detail });
  }
  const tokens = new Map(done);
  for (const { step, before } of lines) {
    if (step.startsWith("undo ") && tokens.get(`do ${step.slice(5)}`) !== before) {
      findings.push({ kind: "wrong", what, detail: `${step} saw another result than was kept` });
    }
  }
  return findings;
}
