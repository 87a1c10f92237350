import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { makeStage, type Stage } from "../../test/gateway/stage.ts";

/** Every path with ids in it, and what a good body for it is. */
const paths: readonly (readonly [method: string, path: string, body?: string])[] = [
  ["POST", "/call/ID/ID", "1"],
  ["POST", "/call/ID/ID/ID", "1"],
  ["POST", "/send/ID/ID", "1"],
  ["POST", "/send/ID/ID/ID", "1"],
  ["GET", "/state/ID/ID"],
  ["PATCH", "/state/ID/ID", "{}"],
  ["POST", "/schedules/ID/pause"],
  ["POST", "/schedules/ID/resume"],
  ["POST", "/schedules/ID/trigger"],
  ["POST", "/promises/ID/resolve", "1"],
  ["POST", "/promises/ID/reject", '{"reason":"r"}'],
  ...["/invocations/ID", "/workflows/ID/ID"].flatMap(
    (path): (readonly [string, string, string?])[] => [
      ["GET", path],
      ["DELETE", path],
      ["GET", `${path}/result`],
      ["GET", `${path}/journal`],
      ["POST", `${path}/cancel`],
      ["POST", `${path}/kill`],
      ["POST", `${path}/pause`],
      ["POST", `${path}/resume`],
      ["POST", `${path}/restart`],
      ["POST", `${path}/signals/ID`, "1"],
      ["POST", `${path}/promises/ID/resolve`, "1"],
      ["POST", `${path}/promises/ID/reject`, '{"reason":"r"}'],
    ],
  ),
];

const badIds: Readonly<Record<string, string>> = {
  blank: "%20",
  "a control": "%00",
  "not UTF-8": "%ff%fe",
  "a lone surrogate": "%ED%A0%80",
  "a bad escape": "%zz",
  "too long": "x".repeat(400),
};

const badBodies: Readonly<Record<string, readonly [body: Buffer, code: string]>> = {
  "not JSON": [Buffer.from("{"), "invalid-json"],
  "two values": [Buffer.from("1 2"), "invalid-json"],
  "only blanks": [Buffer.from("  "), "invalid-json"],
  "not UTF-8": [Buffer.from([0x22, 0xff, 0x22]), "invalid-json"],
  "with a byte order mark": [Buffer.from("\ufeff1"), "invalid-json"],
  "not a number": [Buffer.from("NaN"), "invalid-json"],
  "very deep": [Buffer.from("[".repeat(100_000)), "invalid-json"],
  "too large": [Buffer.from(`"${"x".repeat(200_000)}"`), "too-large"],
};

interface Reply {
  readonly status: number;
  readonly code: unknown;
}

test("an id that cannot be used is refused at every place of every path", async () => {
  await using stage = await makeStage();
  for (const [method, path, body] of paths) {
    const pieces = path.split("ID");
    for (let place = 1; place < pieces.length; place++) {
      for (const [why, id] of Object.entries(badIds)) {
        const url = pieces.reduce((text, piece, i) => text + (i === place ? id : "ok") + piece);
        const reply = await ask(stage, method, url, body);
        assert.deepEqual(reply, { status: 400, code: "invalid-id" }, `${method} ${url}: ${why}`);
      }
    }
  }
  assert.deepEqual(stage.asked, []);
});

test("an empty id is refused at every place of every path", async () => {
  await using stage = await makeStage();
  for (const [method, path, body] of paths) {
    const pieces = path.split("ID");
    for (let place = 1; place < pieces.length; place++) {
      const url = pieces.reduce((text, piece, i) => text + (i === place ? "" : "ok") + piece);
      const reply = await ask(stage, method, url, body);
      // Without its last id a path may be another one, which has other methods, or none.
      assert.ok([400, 404, 405].includes(reply.status), `${method} ${url}: ${reply.status}`);
    }
  }
  assert.deepEqual(stage.asked, []);
});

test("a body that cannot be taken is refused at every path", async () => {
  await using stage = await makeStage({ limits: { requestBody: 150_000 } });
  for (const [method, path] of [...paths, ["POST", "/query"] as const]) {
    if (method === "GET" || method === "DELETE") continue;
    for (const [why, [body, code]] of Object.entries(badBodies)) {
      const reply = await ask(stage, method, path.replaceAll("ID", "ok"), body);
      assert.equal(reply.code, code, `${method} ${path}: ${why}`);
    }
  }
  assert.deepEqual(stage.asked, []);
});

test("a type or encoding that cannot be read is refused at every path", async () => {
  await using stage = await makeStage();
  const bad = [
    { "content-type": "text/plain" },
    { "content-type": "application/x-www-form-urlencoded" },
    { "content-type": "application/json; charset=latin1" },
    { "content-type": "application/jsonx" },
    { "content-type": "" },
    { "content-encoding": "gzip" },
  ];
  for (const [method, path, body = "{}"] of [...paths, ["POST", "/query", "{}"] as const]) {
    if (method === "GET" || method === "DELETE") continue;
    for (const headers of bad) {
      const reply = await ask(stage, method, path.replaceAll("ID", "ok"), body, headers);
      assert.deepEqual(reply, { status: 415, code: "unsupported-media-type" }, `${method} ${path}`);
    }
  }
  for (const type of [
    "application/json;charset=UTF-8",
    'application/json; charset="utf-8"',
    "application/merge-patch+json",
  ]) {
    const reply = await ask(stage, "PATCH", "/state/a/b", "{}", { "content-type": type });
    assert.equal(reply.status, 204, type);
  }
});

test("query parameters that are unknown, doubled or malformed are refused at every path", async () => {
  await using stage = await makeStage();
  for (const [method, path, body] of paths) {
    for (const query of ["nonsense=1", "delay=1s&delay=1s", "wait=%ff", "wait=1s&wait=1s", "a=%"]) {
      const reply = await ask(stage, method, `${path.replaceAll("ID", "ok")}?${query}`, body);
      assert.deepEqual(reply, { status: 400, code: "invalid-argument" }, `${method} ${path}`);
    }
  }
  assert.deepEqual(stage.asked, []);
});

test("methods that a path does not have are refused, with those that it has", async () => {
  await using stage = await makeStage();
  const everything = [
    ...paths.map(([, path]) => path),
    "/query",
    "/schedules",
    "/health",
    "/metrics",
  ];
  for (const path of new Set(everything)) {
    const response = await stage.fetch(path.replaceAll("ID", "ok"), { method: "PUT" });
    assert.equal(response.status, 405, path);
    assert.match(response.headers.get("allow") ?? "", /^(GET, HEAD|POST|PATCH|DELETE)/);
  }
});

test("paths that do not exist are not found", async () => {
  await using stage = await makeStage();
  const odd = [
    "/",
    "/call",
    "/call/a",
    "/call/a/b/c/d",
    "/send/",
    "/invocations/a/b",
    "//",
    "/health/",
    "/__proto__",
    "/constructor",
    "/promises/p",
    "/invocations/a/__proto__",
  ];
  for (const path of odd) {
    const reply = await ask(stage, "POST", path, "1");
    assert.deepEqual(reply, { status: 404, code: "not-found" }, path);
  }
});

/** Without the help that fetch gives to paths and bodies. */
function ask(
  stage: Stage,
  method: string,
  path: string,
  body?: string | Buffer,
  headers: Record<string, string> = { "content-type": "application/json" },
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port: stage.port, host: "127.0.0.1", method, path, headers },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const parsed = text === "" ? {} : (JSON.parse(text) as { code?: unknown }); // an object
          resolve({ status: response.statusCode ?? 0, code: parsed.code });
        });
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
