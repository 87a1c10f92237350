import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { leavesOf } from "../../src/cli/command.ts";
import { commandTable } from "../../src/cli/command-table.ts";
import { type Ended, Running, root, run, tempFolder } from "./harness.ts";

let server: Running;
let url = "";

before(async () => {
  server = new Running(["serve", "test/cli/app.ts", "--port", "0", "--store", ":memory:"]);
  url = await server.url();
});

after(() => server.kill("SIGKILL"));

/** Runs a command against the server. */
function holdfast(...args: readonly string[]): Promise<Ended> {
  return run(args, { env: { HOLDFAST_URL: url } });
}

/** The same, which must go well; what it prints. */
async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await holdfast(...args);
  assert.equal(code, 0, `holdfast ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout.trimEnd();
}

async function okJson(...args: readonly string[]): Promise<never> {
  return JSON.parse(await ok(...args, "--json")) as never; // each test knows what it asked for
}

describe("calling", () => {
  test("call prints the result as JSON, and takes input from a file and from stdin", async (t) => {
    const file = path.join(tempFolder(t), "name.json");
    writeFileSync(file, '"Bob"\n');
    const [direct, fromFile, fromStdin] = await Promise.all([
      ok("call", "greeter/hello", '"Ada"'),
      ok("call", "greeter/hello", `@${file}`),
      run(["call", "greeter/hello", "-"], { env: { HOLDFAST_URL: url }, input: '"Eve"' }),
    ]);
    assert.equal(direct, '"Hello Ada"');
    assert.equal(fromFile, '"Hello Bob"');
    assert.equal(fromStdin.stdout, '"Hello Eve"\n');
  });

  test("an invocation that fails ends with 1, its code, and where to look", async () => {
    const { code, stdout, stderr } = await holdfast("call", "greeter/refuse");
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /^✗ greeter\/refuse failed: not today \[no-way\]\n {2}→ .*show inv_\w+\n$/,
    );
  });

  test("an idempotency key gives one invocation", async () => {
    const send = () => okJson("send", "counter/idem/add", "1", "--idempotency-key", "k");
    const first: { id: string; status: string } = await send();
    const second: { id: string; status: string } = await send();
    assert.equal(first.status, "accepted");
    assert.deepEqual(second, { id: first.id, status: "previously-accepted" });
  });

  test("send --delay waits, and cancel withdraws it", async () => {
    const id = await ok("send", "counter/later/add", "1", "--delay", "1 hour");
    assert.match(await ok("ls", "--key", "later"), /scheduled .* start at \d{4}-/);
    await ok("cancel", id);
    assert.equal(await ok("call", "counter/later/get"), "0");
  });

  test("result waits no longer than it is told to", async () => {
    await ok("send", "approval/slow/run");
    const { code, stderr } = await holdfast("result", "approval/slow", "--timeout", "50ms");
    assert.equal(code, 7);
    assert.match(stderr, /did not end within 50ms \[timed-out\]/);
  });
});

describe("looking", () => {
  test("ls prints columns that line up, with what each waits for", async () => {
    await Promise.all([ok("send", "approval/a/run"), ok("send", "approval/a-longer-key/run")]);
    const lines = (await ok("ls", "--service", "approval")).split("\n");
    const column = lines[0]?.indexOf("waiting for") ?? -1;
    assert.ok(column > 0);
    for (const line of lines.slice(1)) assert.equal(line.slice(column, column + 7), "promise");
  });

  test("ls --services says how each handler is called", async () => {
    const text = await ok("ls", "--services");
    assert.match(text, /^counter +actor +add +holdfast call counter\/<key>\/add$/m);
    assert.match(text, /^greeter +service +hello +holdfast call greeter\/hello$/m);
    assert.match(text, /^trip +workflow +run +holdfast call trip\/<key>\/run$/m);
  });

  test("ls goes page by page", async () => {
    await Promise.all([ok("call", "counter/p/add", "1"), ok("call", "counter/p/add", "1")]);
    type Page = { invocations: { id: string }[]; next: string | null };
    const first: Page = await okJson("ls", "--key", "p", "--limit", "1");
    assert.equal(first.invocations.length, 1);
    const rest: Page = await okJson("ls", "--key", "p", "--after", String(first.next));
    assert.equal(rest.invocations.length, 1);
    assert.equal(rest.next, null);
  });

  test("show tells the story of an invocation", async () => {
    await ok("send", "trip/story/run", '"Rome"');
    await ok("signal", "trip/story", "guide", '"Ada"');
    assert.equal(await ok("result", "trip/story"), '"Rome with Ada, true"');
    const story = await ok("show", "trip/story");
    assert.match(story, /^✓ trip\/story\/run {2}succeeded in /);
    assert.match(story, /✓ step flight +\d+ms ▕[ █▏▎▍▌▋▊▉]+▏/);
    assert.match(story, /✓ call counter\/add .* inv_\w+ succeeded 1$/m);
    assert.match(story, /✓ await signal guide .* "Ada"$/m);
    assert.match(story, /result {3}"Rome with Ada, true"$/);
    const { journal }: { journal: unknown[] } = await okJson("show", "trip/story");
    assert.ok(journal.length >= 5);
  });

  test("show says what fails, and that what is paused can be resumed", async () => {
    const id = await ok("send", "flaky/f/run");
    let story = "";
    while (!story.includes("paused")) story = await ok("show", id);
    assert.match(story, /^‖ flaky\/f\/run {2}paused, for /);
    assert.match(story, /failing {2}step bank: the bank is closed/);
    assert.match(story, /→ holdfast resume inv_/);
    await ok("kill", "flaky/f");
    const { code, stderr } = await holdfast("result", id);
    assert.equal(code, 1);
    assert.match(stderr, /\[killed\]/);
  });

  test("sql prints tables, JSON and CSV", async () => {
    const query = `select 'a,"b' as text, 12 as number, null as none`;
    assert.equal(await ok("sql", query), 'text  number  none\na,"b      12     ·');
    assert.deepEqual(await okJson("sql", query), [{ text: 'a,"b', number: 12, none: null }]);
    assert.equal(await ok("sql", query, "--csv"), 'text,number,none\r\n"a,""b",12,');
    assert.equal(await ok("sql", "select ? as p", "x", "--csv"), "p\r\nx");
  });

  test("state shows and changes an actor", async () => {
    await ok("call", "counter/s/add", "3");
    assert.equal(await ok("state", "counter/s"), "name   value\ncount  3");
    await ok("state", "counter/s", "--set", "count=41");
    assert.equal(await ok("call", "counter/s/add", "1"), "42");
    await ok("state", "counter/s", "--clear", "count");
    assert.deepEqual(await okJson("state", "counter/s"), {});
  });

  test("schedules are listed, paused, resumed and triggered", async () => {
    assert.match(await ok("schedules"), /^nightly +0 3 1 1 \* +UTC +greeter\/hello +\d{4}-01-01 /m);
    await ok("schedules", "pause", "nightly");
    assert.match(await ok("schedules"), /^nightly .* paused/m);
    await ok("schedules", "resume", "nightly");
    const id = await ok("schedules", "trigger", "nightly");
    assert.equal(await ok("result", id), '"Hello night"');
  });
});

describe("taking control", () => {
  test("a promise is settled by name, once", async () => {
    await ok("send", "approval/r/run");
    await ok("resolve", "approval/r", '"yes"', "--name", "answer");
    assert.equal(await ok("result", "approval/r"), '"yes"');
    await ok("send", "approval/n/run");
    await ok("reject", "approval/n", "over budget", "--name", "answer");
    const { code, stderr } = await holdfast("result", "approval/n");
    assert.equal(code, 1);
    assert.match(stderr, /over budget/);
  });

  test("a restart keeps what it is told to keep", async () => {
    await ok("send", "trip/again/run", '"Oslo"');
    await ok("signal", "trip/again", "guide", '"Ada"');
    await ok("result", "trip/again");
    const id = await ok("restart", "trip/again", "--from", "1");
    const { journal }: { journal: { name: string }[] } = await okJson("show", id);
    assert.equal(journal[0]?.name, "flight");
    await ok("signal", id, "guide", '"Bob"');
    assert.equal(await ok("result", id), '"Oslo with Bob, true"');
  });

  test("a pause lasts until it is resumed", async () => {
    const id = await ok("send", "trip/pause/run", '"Lima"');
    await ok("pause", id);
    await ok("signal", id, "guide", '"Ada"');
    const waiting = run(["result", id], { env: { HOLDFAST_URL: url } });
    assert.match(await ok("show", id), /waiting {2}for resume/);
    await ok("resume", id);
    assert.equal((await waiting).stdout, '"Lima with Ada, true"\n');
  });

  test("purge deletes what has ended", async () => {
    const id = await ok("send", "greeter/hello", '"Ada"');
    await ok("result", id);
    await ok("purge", id);
    assert.equal((await holdfast("show", id)).code, 4);
  });
});

const wrong: readonly (readonly [args: readonly string[], exit: number, code: string])[] = [
  [["cal"], 2, "invalid-usage"],
  [["ls", "--nope"], 2, "invalid-usage"],
  [["show"], 2, "invalid-usage"],
  [["call", "greeter"], 2, "invalid-argument"],
  [["call", "greeter/hello", "Ada"], 2, "invalid-json"],
  [["call", "greeter/hello", "@nowhere.json"], 2, "file-unreadable"],
  [["call", "counter/ /add", "1"], 2, "invalid-id"],
  [["call", "counter/add", "1"], 2, "invalid-id"],
  [["call", `counter/${"k".repeat(257)}/add`, "1"], 2, "invalid-id"],
  [["call", "nobody/hello"], 4, "unknown-service"],
  [["call", "greeter/nothing"], 4, "unknown-handler"],
  [["send", "greeter/hello", "1", "--delay", "soon"], 2, "invalid-argument"],
  [["show", "inv_nothing"], 4, "unknown-invocation"],
  [["result", "trip/nobody"], 4, "unknown-invocation"],
  [["signal", "inv_nothing", "x"], 4, "unknown-invocation"],
  [["resolve", "prm_nothing"], 4, "unknown-promise"],
  [["restart", "inv_nothing", "--from", "x"], 2, "invalid-usage"],
  [["ls", "--status", "asleep"], 2, "invalid-argument"],
  [["ls", "--limit", "1001"], 2, "invalid-usage"],
  [["sql", "delete from invocations"], 2, "invalid-query"],
  [["sql", "select"], 2, "invalid-query"],
  [["sql", "select 1", "--csv", "--json"], 2, "invalid-usage"],
  [["state", "counter"], 2, "invalid-argument"],
  [["state", "nobody/x"], 4, "unknown-service"],
  [["state", "counter/x", "--set", "count"], 2, "invalid-argument"],
  [["schedules", "stop", "nightly"], 2, "invalid-usage"],
  [["schedules", "pause"], 2, "invalid-usage"],
  [["schedules", "pause", "weekly"], 4, "unknown-schedule"],
  [["ls", "--url", "nowhere"], 2, "invalid-configuration"],
  [["ls", "--url", "http://127.0.0.1:1"], 3, "unreachable"],
  [["ls", "--services", "--url", "http://127.0.0.1:1"], 3, "unreachable"],
  [["serve", "nowhere.ts"], 1, "invalid-application"],
  [["serve", "tools/sources.ts"], 1, "invalid-application"],
  [["serve", "test/cli/app.ts", "--port", "99999"], 2, "invalid-configuration"],
  [["dev", "test/cli/app.ts", "--port", "x"], 2, "invalid-configuration"],
  [["completion", "tcsh"], 2, "invalid-argument"],
  [["init", "src"], 5, "folder-not-empty"],
  [["init", "package.json"], 2, "invalid-argument"],
];

describe("what is wrong has a code, and changes nothing", { concurrency: 4 }, () => {
  for (const [args, exit, code] of wrong) {
    test(`${args.join(" ").slice(0, 60)}: ${code}`, async () => {
      const { code: actual, stdout, stderr } = await holdfast(...args, "--json");
      const isUnknownOption = stderr.includes("unknown option '--json'");
      if (isUnknownOption) {
        const plain = await holdfast(...args);
        assert.equal(plain.code, exit, plain.stderr);
        assert.ok(plain.stderr.includes(`[${code}]`), plain.stderr);
        return;
      }
      assert.equal(actual, exit, stderr);
      assert.equal(stdout, "");
      const { error } = JSON.parse(stderr) as { error: { code: string; action: string } };
      assert.equal(error.code, code);
      assert.notEqual(error.action, "");
    });
  }
});

describe("help", { concurrency: 4 }, () => {
  // Those below a name have a test of their own.
  for (const { path: name } of leavesOf(commandTable).filter(({ group }) => group !== "authz")) {
    test(`${name} explains itself, with examples`, async () => {
      const { code, stdout } = await run(["help", name]);
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`^Usage: holdfast ${name} `));
      assert.match(stdout, new RegExp(`Examples:\n {2}# .+\n {2}holdfast ${name}`));
    });
  }

  test("holdfast alone lists all commands, the environment and the exit codes", async () => {
    const { code, stdout } = await run([]);
    assert.equal(code, 0);
    for (const { name } of commandTable) assert.match(stdout, new RegExp(`^ {2}${name} `, "m"));
    assert.match(stdout, /HOLDFAST_URL/);
    assert.match(stdout, /^ {2}3 {5}no server answers/m);
  });

  test("--version", async () => {
    assert.match((await run(["--version"])).stdout, /^\d+\.\d+\.\d+\n$/);
  });
});

test("there is no colour where there is no terminal", async () => {
  for (const text of [await ok("ls"), await ok("ls", "--services"), (await run([])).stdout]) {
    assert.equal(text.includes("\u001b"), false);
  }
});

test("a reader that has seen enough is no error", (t) => {
  const script = `"${process.execPath}" --conditions=holdfast-source src/cli/main.ts sql \
    "with recursive n(i) as (select 1 union all select i + 1 from n limit 9000) select i from n" \
    --url ${url} | head -1; echo "\${PIPESTATUS[0]}"`;
  const bash = spawnSync("bash", ["-c", script], { cwd: root, encoding: "utf8" });
  if (bash.error !== undefined) return t.skip("there is no bash");
  assert.match(bash.stdout, /^ *i\n0\n$/);
  assert.equal(bash.stderr, "");
});

test("bash takes the completion, and completes commands and options", async (t) => {
  const { stdout } = await run(["completion", "bash"]);
  const script = `${stdout}
    COMP_WORDS=(holdfast sho); COMP_CWORD=1; _holdfast; echo "\${COMPREPLY[@]}"
    COMP_WORDS=(holdfast restart --fr); COMP_CWORD=2; _holdfast; echo "\${COMPREPLY[@]}"
    COMP_WORDS=(holdfast authz schema w); COMP_CWORD=3; _holdfast; echo "\${COMPREPLY[@]}"
    COMP_WORDS=(holdfast authz explain --sv); COMP_CWORD=3; _holdfast; echo "\${COMPREPLY[@]}"`;
  const bash = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  if (bash.error !== undefined) return t.skip("there is no bash");
  assert.equal(bash.stdout, "show\n--from\nwrite\n--svg\n");
});

test("zsh and fish completions name every command", async () => {
  for (const shell of ["zsh", "fish"]) {
    const { code, stdout } = await run(["completion", shell]);
    assert.equal(code, 0);
    for (const { name } of commandTable) assert.ok(stdout.includes(name));
  }
});
