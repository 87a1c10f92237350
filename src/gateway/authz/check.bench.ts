/**
 * Checks per second over HTTP: one a request, and a hundred a request; the engine behind it is the
 * real one, in memory, and the client is a process of its own. Run it as
 * `npm run node -- src/gateway/authz/check.bench.ts [connections] [seconds]`.
 */
import { fork } from "node:child_process";
import { connect } from "node:net";
import { fail } from "../../model/errors.ts";
import type { RelationshipUpdate } from "../../model/relationship.ts";
import { Prng } from "../../std/prng.ts";

const documents = 20_000;
const users = 2_000;
const groups = 200;

const schema = `
definition user {}

definition group {
  relation member: user
}

definition document {
  relation owner: user
  relation viewer: user | group#member
  permission view = viewer + owner
}`;

/** Loaded when it serves: the client needs nothing of it. */
async function serveChecks(): Promise<void> {
  const { open } = await import("../../server/open.ts").catch(() => {
    throw fail("internal", { reason: "the server cannot be loaded" });
  });
  const { makeGateway } = await import("../gateway.ts");
  const app = await open({ services: [], store: ":memory:", log: () => {} });
  await app.authz.createTenant({ id: "bench" });
  const tenant = app.authz.tenant("bench");
  await tenant.writeSchema({ dialect: "native", text: schema });
  for (const updates of chunks(makeUpdates(), 1000)) await tenant.write({ updates });
  const gateway = makeGateway({
    port: app.port,
    authz: app.authz,
    definitions: () => [],
    limits: app.limits,
    host: app.host,
    tokens: [],
    metrics: () => [],
    ready: () => true,
    version: "0",
  });
  const { url } = await gateway.listen({ hostname: "127.0.0.1", port: 0 });
  process.send?.(url);
}

function makeUpdates(): RelationshipUpdate[] {
  const random = new Prng(1);
  const updates: RelationshipUpdate[] = [];
  const put = (type: string, id: number, relation: string, subject: object): void => {
    const resource = { type, id: String(id) };
    const relationship = { resource, relation, subject: subject as { type: string; id: string } }; // as given below
    updates.push({ operation: "touch", relationship });
  };
  for (let user = 0; user < users; user++) {
    for (let i = 0; i < 5; i++)
      put("group", random.below(groups), "member", { type: "user", id: String(user) });
  }
  for (let document = 0; document < documents; document++) {
    put("document", document, "owner", { type: "user", id: String(random.below(users)) });
    put("document", document, "viewer", {
      type: "group",
      id: String(random.below(groups)),
      relation: "member",
    });
  }
  const seen = new Set<string>();
  return updates.filter((update) => {
    const key = JSON.stringify(update);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

interface Load {
  readonly path: string;
  /** Checks in one request. */
  readonly checks: number;
  /** A body that no other request need have. */
  body(random: Prng): string;
}

const item = (random: Prng): object => ({
  resource: { type: "document", id: String(random.below(documents)) },
  permission: "view",
  subject: { type: "user", id: String(random.below(users)) },
});

const line = (random: Prng): string =>
  `document:${random.below(documents)}#view@user:${random.below(users)}`;

const bulk = 100;
const loads: Readonly<Record<string, Load>> = {
  "one check a request": {
    path: "/authz/tenants/bench/check",
    checks: 1,
    body: (random) => JSON.stringify(item(random)),
  },
  "100 checks a request, as objects": {
    path: "/authz/tenants/bench/check-many",
    checks: bulk,
    body: (random) => JSON.stringify({ items: Array.from({ length: bulk }, () => item(random)) }),
  },
  "100 checks a request, as text": {
    path: "/authz/tenants/bench/check-many",
    checks: bulk,
    body: (random) => JSON.stringify({ items: Array.from({ length: bulk }, () => line(random)) }),
  },
};

/** One request after another on one connection; counts whole answers. */
function keepAsking(port: number, requests: readonly string[], count: () => void): void {
  let next = Math.floor(Math.random() * requests.length); // a place to begin
  const ask = (): void => {
    next = (next + 1) % requests.length;
    socket.write(requests[next] ?? "");
  };
  const socket = connect(port, "127.0.0.1", ask);
  socket.setNoDelay(true);
  let text = "";
  let end = -1;
  let whole = 0;
  socket.on("data", (chunk) => {
    text = text === "" ? chunk.toString("latin1") : text + chunk.toString("latin1");
    if (end < 0) {
      end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (!text.startsWith("HTTP/1.1 200 ")) throw fail("internal", { reason: text });
      whole = end + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1]);
    }
    if (text.length < whole) return;
    text = "";
    end = -1;
    count();
    ask();
  });
}

async function measure(connections: number, seconds: number): Promise<void> {
  const server = fork(import.meta.filename, ["serve"]);
  const url = await new Promise<string>((resolve) => server.once("message", resolve));
  server.kill("SIGCONT");
  for (const [name, load] of Object.entries(loads)) {
    const client = fork(import.meta.filename, [
      "load",
      name,
      url,
      String(connections),
      String(seconds),
    ]);
    const rate = await new Promise<number>((resolve) => client.once("message", resolve));
    console.log(
      `${name}: ${Math.round(rate * load.checks)} checks/s over ${connections} connections`,
    );
  }
  server.kill();
  process.exit();
}

async function run(name: string, url: string, { connections, seconds }: Size): Promise<void> {
  const load = loads[name];
  if (load === undefined) throw fail("internal", { reason: name });
  const random = new Prng(7);
  const port = Number(new URL(url).port);
  const requests = Array.from({ length: 500 }, () => {
    const body = load.body(random);
    const head = `POST ${load.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: application/json`;
    return `${head}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
  let answers = 0;
  for (let i = 0; i < connections; i++) keepAsking(port, requests, () => void answers++);
  await new Promise((resolve) => setTimeout(resolve, 1500)); // the compiler warms up
  answers = 0;
  const startedAt = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  process.send?.(answers / ((performance.now() - startedAt) / 1000));
  process.exit();
}

interface Size {
  readonly connections: number;
  readonly seconds: number;
}

const [, , mode, ...rest] = process.argv;
if (mode === "serve") await serveChecks();
else if (mode === "load") {
  const [name = "", url = "", connections, seconds] = rest;
  await run(name, url, { connections: Number(connections), seconds: Number(seconds) });
} else await measure(Number(mode ?? 32), Number(rest[0] ?? 4));
