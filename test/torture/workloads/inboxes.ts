import { setTimeout as sleep } from "node:timers/promises";
import { HoldfastError, type Port } from "holdfast/client";
import { count, type Finding, type Found } from "../ledger.ts";
import type { Link } from "../link.ts";
import { type Account, readRuns, type Stage, type View, type Workload } from "../workload.ts";

/** Signals and a durable promise, from outside. */
export const inboxes: Workload = { name: "inboxes", width: 6, round, find };

async function round(stage: Stage): Promise<void> {
  const { link, ledger, random } = stage;
  const key = `i${stage.next()}`;
  const target = { service: "inbox", key };
  const start = { ...target, handler: "run", idempotencyKey: key };
  ledger.begin(`inbox ${key}`);
  await link.insist((port) => port.send(start));
  ledger.acknowledge(`inbox ${key}`);
  const notes = 1 + random.below(5);
  const answerAfter = random.below(notes);
  for (let i = 0; i < notes; i++) {
    const note = `${key} ${i}`;
    ledger.begin(`note ${note}`);
    const asked = await link.try((port) => port.signal(target, "note", note));
    if (asked.answered) ledger.acknowledge(`note ${note}`);
    if (i === answerAfter) {
      ledger.begin(`answer ${key}`);
      await once(link, "already-settled", (port) =>
        port.resolve({ of: target, name: "answer" }, `yes ${key}`),
      );
      ledger.acknowledge(`answer ${key}`);
    }
    await sleep(random.below(60));
  }
  await once(link, "invocation-ended", (port) => port.signal(target, "note", "end"));
  const result = await link.insist((port) => port.result(target));
  ledger.acknowledge(`inbox ${key}`, result);
}

/** Asks until it is done; that it is done already is an answer only after an attempt in doubt. */
async function once(
  link: Link,
  doneAlready: string,
  ask: (port: Port) => Promise<void>,
): Promise<void> {
  let attempts = 0;
  await link.insist(async (port) => {
    attempts++;
    try {
      await ask(port);
    } catch (error) {
      const isDone = error instanceof HoldfastError && error.code === doneAlready;
      if (!isDone || attempts === 1) throw error;
    }
  });
}

async function find({ port }: View): Promise<Account> {
  const found = new Map<string, Found>();
  const findings: Finding[] = [];
  for (const [key, { status, output }] of await readRuns(port, "inbox")) {
    const what = `inbox ${key}`;
    if (status !== "succeeded") {
      findings.push({ kind: "wrong", what, detail: `ended as ${status}` });
      continue;
    }
    count(found, what, output);
    const { notes, answer } = output as { notes: string[]; answer: string }; // what it returns
    for (const note of notes) count(found, `note ${note}`);
    count(found, `answer ${answer.replace("yes ", "")}`);
    const numbers = notes.map((note) => Number(note.split(" ")[1]));
    if (numbers.some((number, i) => number < (numbers[i - 1] ?? 0))) {
      findings.push({ kind: "wrong", what, detail: `took its signals as ${numbers}` });
    }
  }
  return { found, findings };
}
