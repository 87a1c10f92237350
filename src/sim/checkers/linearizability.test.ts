import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { areLinearizable, isLinearizable, type Model, type Operation } from "./linearizability.ts";
import { type RegisterInput, type RegisterOutput, registerModel } from "./register.ts";

const suite = path.resolve(import.meta.dirname, "../../../../shared/suites/porcupine");

/** Turns lines of calls and returns into operations; a process has one operation at a time. */
class Recorder<I, O> {
  readonly operations: Operation<I, O>[] = [];
  readonly #open = new Map<string, { input: I; called: number }>();
  #time = 0;

  call(process: string, input: I): void {
    this.#open.set(process, { input, called: this.#time++ });
  }

  returned(process: string, output: O): void {
    const open = this.#open.get(process);
    assert(open !== undefined, `${process} returns from a call`);
    this.#open.delete(process);
    this.operations.push({ ...open, output, returned: this.#time++ });
  }

  finish(): readonly Operation<I, O>[] {
    for (const open of this.#open.values()) {
      this.operations.push({ ...open, output: undefined, returned: Number.POSITIVE_INFINITY });
    }
    return this.operations;
  }
}

function readJepsen(text: string): readonly Operation<RegisterInput, RegisterOutput>[] {
  const recorder = new Recorder<RegisterInput, RegisterOutput>();
  for (const line of text.split("\n")) {
    const found = /^INFO\s+jepsen\.util - (\S+)\s+:(\w+)\s+:(\w+)\s+(.*)$/.exec(line);
    if (found === null) continue;
    const [, process = "", type, operation = "", value = ""] = found;
    if (type === "invoke") recorder.call(process, readInput(operation, value));
    else if (type === "ok" && operation === "read") recorder.returned(process, readValue(value));
    else if (type === "ok") recorder.returned(process, true);
    else if (type === "fail" && operation === "cas") recorder.returned(process, false);
    // What is left is `:info`: nobody knows, and the process never returns.
  }
  return recorder.finish();
}

function readValue(text: string): number | null {
  return text === "nil" ? null : Number(text);
}

function readInput(operation: string, value: string): RegisterInput {
  if (operation === "read") return { kind: "read" };
  if (operation === "write") return { kind: "write", value: Number(value) };
  const [from, to] = value.slice(1, -1).split(" ").map(Number);
  return { kind: "cas", from: from as number, to: to as number };
}

interface KvInput {
  readonly kind: string;
  readonly key: string;
  readonly value: string;
}

const kvModel: Model<string, KvInput, string> = {
  initial: "",
  step(state, input, output) {
    if (input.kind === "put") return input.value;
    if (input.kind === "append") return state + input.value;
    return output === undefined || output === state ? state : undefined;
  },
};

function readKv(text: string): readonly Operation<KvInput, string>[] {
  const recorder = new Recorder<KvInput, string>();
  for (const line of text.split("\n")) {
    const found =
      /:process (\d+), :type :(\w+), :f :(\w+), :key "(.*)", :value (?:nil|"(.*)")}/.exec(line);
    if (found === null) continue;
    const [, process = "", type, kind = "", key = "", value = ""] = found;
    if (type === "invoke") recorder.call(process, { kind, key, value });
    else recorder.returned(process, value);
  }
  return recorder.finish();
}

function judge(file: string): boolean {
  const text = readFileSync(path.join(suite, "test_data", file), "utf8");
  if (file.startsWith("jepsen/")) return isLinearizable(registerModel, readJepsen(text));
  return areLinearizable(kvModel, readKv(text), (input) => input.key);
}

describe("linearizability", () => {
  const write = (value: number, called: number, returned: number) => ({
    input: { kind: "write" as const, value },
    output: true,
    called,
    returned,
  });
  const read = (output: number | null, called: number, returned: number) => ({
    input: { kind: "read" as const },
    output,
    called,
    returned,
  });

  test("nothing happened", () => {
    assert.equal(isLinearizable(registerModel, []), true);
  });

  test("a read sees what was written before it", () => {
    assert.equal(isLinearizable(registerModel, [write(1, 0, 1), read(1, 2, 3)]), true);
    assert.equal(isLinearizable(registerModel, [write(1, 0, 1), read(null, 2, 3)]), false);
  });

  test("operations at the same time may have either order", () => {
    const history = [write(1, 0, 5), write(2, 1, 4)];
    for (const value of [1, 2]) {
      assert.equal(isLinearizable(registerModel, [...history, read(value, 6, 7)]), true);
    }
    assert.equal(isLinearizable(registerModel, [...history, read(null, 6, 7)]), false);
  });

  test("reads agree on the order", () => {
    const history = [write(1, 0, 9), write(2, 0, 9), read(1, 1, 2), read(2, 3, 4)];
    assert.equal(isLinearizable(registerModel, history), true);
    assert.equal(isLinearizable(registerModel, [...history, read(1, 5, 6)]), false);
  });

  test("an operation of unknown outcome takes effect late, or never", () => {
    const lost = { ...write(1, 0, Number.POSITIVE_INFINITY), output: undefined };
    for (const value of [1, null]) {
      assert.equal(isLinearizable(registerModel, [lost, read(value, 5, 6)]), true);
    }
    const history = [lost, read(1, 5, 6), read(null, 7, 8)];
    assert.equal(isLinearizable(registerModel, history), false);
  });

  test("a failed comparison says what the value was not", () => {
    const cas = (output: boolean) => ({
      input: { kind: "cas" as const, from: 1, to: 2 },
      output,
      called: 2,
      returned: 3,
    });
    assert.equal(isLinearizable(registerModel, [write(1, 0, 1), cas(true), read(2, 4, 5)]), true);
    assert.equal(isLinearizable(registerModel, [write(1, 0, 1), cas(false)]), false);
  });
});

describe("the histories of Porcupine's suite", () => {
  const file = path.join(suite, "verdicts.json");
  if (!existsSync(file)) {
    const needed = process.env["CI"] !== undefined;
    test("the suite is there", { skip: needed ? false : `there is no ${file}` }, () => {
      assert.fail(`there is no ${file}`);
    });
    return;
  }
  const { linearizable } = JSON.parse(readFileSync(file, "utf8")) as {
    linearizable: Record<string, boolean>;
  };
  test("there are many of them", () => assert.ok(Object.keys(linearizable).length >= 50));
  for (const [name, verdict] of Object.entries(linearizable)) {
    test(`${name} is ${verdict ? "" : "not "}linearizable`, () => {
      assert.equal(judge(name), verdict);
    });
  }
});
