import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import path from "node:path";
import { after, before, test } from "node:test";
import { type OpenfgaTest, readOpenfgaTests } from "../../../../test/authz/openfga-suite.ts";
import { SuiteReport } from "../../../../test/authz/suite-report.ts";
import { serveForTest, type TestServer } from "../../../../test/gateway/server.ts";
import { suiteFolder } from "../../../../test/suites.ts";
import { parseOpenfgaDsl } from "../../../authz/schema/openfga/openfga.ts";
import { toOpenfgaJson } from "../../../authz/schema/openfga/to-json.ts";
import { makeNodeTransport } from "../../../client/node-transport.ts";
import type { Transport } from "../../../client/transport.ts";
import { defaultLimits } from "../../../model/limits.ts";

/** OpenFGA's store tests through OpenFGA's HTTP API, with the codes that its server has. */

type Json = Record<string, unknown>;
type Stage = OpenfgaTest["stages"][number];

const names: Readonly<Record<number, string>> = {
  2000: "validation_error",
  2002: "authorization_model_resolution_too_complex",
  2021: "type_not_found",
  2022: "relation_not_found",
  2027: "invalid_tuple",
};

let server: TestServer;
let send: Transport;
before(async () => {
  server = await serveForTest();
  send = makeNodeTransport(server.url, { http, https });
});
after(() => server.close());

async function post(at: string, body: unknown): Promise<{ status: number; body: Json }> {
  const { status, text } = await send({
    method: "POST",
    path: at,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: undefined,
  });
  if (!at.endsWith("/streamed-list-objects")) {
    return { status, body: JSON.parse(text) as Json };
  }
  // As lines; an error in the middle counts as the answer.
  const lines = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Json);
  const failed = lines.find((line) => "error" in line || "code" in line);
  if (failed !== undefined) return { status: 400, body: (failed["error"] as Json) ?? failed };
  const objects = lines.map((line) => (line["result"] as Json)["object"]);
  return { status, body: { objects } };
}

async function ok(at: string, body: unknown): Promise<Json> {
  const reply = await post(at, body);
  assert.ok(reply.status < 300, `${at}: ${JSON.stringify(reply.body)}`);
  return reply.body;
}

interface Asked {
  readonly what: string;
  readonly at: string;
  readonly body: Json;
  readonly expectation: unknown;
  readonly errorCode: number | undefined;
  read(body: Json): unknown;
}

const show = (list: unknown): string => ((list ?? []) as unknown[]).map(String).sort().join(", ");

function showUser(each: Json): string {
  const { object, userset, wildcard } = each as Record<string, Record<string, string> | undefined>;
  if (wildcard !== undefined) return `${wildcard["type"]}:*`;
  if (userset !== undefined) return `${userset["type"]}:${userset["id"]}#${userset["relation"]}`;
  return `${object?.["type"]}:${object?.["id"]}`;
}

function questionsOf(stage: Stage, contextual: readonly unknown[]): Asked[] {
  const withAll = (own: readonly unknown[] = []): readonly unknown[] => [...contextual, ...own];
  const tuples = (own?: readonly unknown[]): Json => ({
    contextual_tuples: { tuple_keys: withAll(own) },
  });
  const checks = (stage.checkAssertions ?? []).map(
    (each): Asked => ({
      what: `check ${JSON.stringify(each.tuple)}`,
      at: "/check",
      body: { tuple_key: each.tuple, context: each.context, ...tuples(each.contextualTuples) },
      expectation: each.expectation ?? false,
      errorCode: each.errorCode,
      read: (body) => body["allowed"],
    }),
  );
  const objects = (stage.listObjectsAssertions ?? []).flatMap((each) =>
    ["/list-objects", "/streamed-list-objects"].map(
      (at): Asked => ({
        what: `list objects ${JSON.stringify(each.request)}`,
        at,
        body: { ...each.request, context: each.context, ...tuples(each.contextualTuples) },
        expectation: show(each.expectation),
        errorCode: each.errorCode,
        read: (body) => show(body["objects"]),
      }),
    ),
  );
  const users = (stage.listUsersAssertions ?? []).map((each): Asked => {
    const [type, ...id] = each.request.object.split(":");
    return {
      what: `list users ${JSON.stringify(each.request)}`,
      at: "/list-users",
      body: {
        object: { type, id: id.join(":") },
        relation: each.request.relation,
        user_filters: each.request.filters.map((filter) => {
          const [of, relation] = filter.split("#");
          return relation === undefined ? { type: of } : { type: of, relation };
        }),
        context: each.context,
        contextual_tuples: withAll(each.contextualTuples),
      },
      expectation: show(each.expectation),
      errorCode: each.errorCode,
      read: (body) => show((body["users"] as Json[]).map(showUser)),
    };
  });
  return [...checks, ...objects, ...users];
}

async function run(one: OpenfgaTest, passing: string, report: SuiteReport): Promise<void> {
  const { id } = await ok("/stores", { name: "suite" });
  for (const [index, stage] of one.stages.entries()) {
    const { schema } = parseOpenfgaDsl(stage.model, defaultLimits, { strict: false });
    await ok(`/stores/${id}/authorization-models`, toOpenfgaJson(schema!));
    const tuples = [...(stage.tuples ?? [])];
    while (passing === "stored" && tuples.length > 0) {
      await ok(`/stores/${id}/write`, { writes: { tuple_keys: tuples.splice(0, 40) } });
    }
    for (const asked of questionsOf(stage, tuples)) {
      const { status, body } = await post(`/stores/${id}${asked.at}`, asked.body);
      const isError = asked.errorCode !== undefined && asked.errorCode !== 0;
      const expected = isError ? names[asked.errorCode!] : asked.expectation;
      const given = status < 300 ? asked.read(body) : body["code"];
      report.expect(isError ? "error codes" : asked.at.slice(1), given === expected, () => {
        return `${one.name}, stage ${index}, ${passing}: ${asked.what}: ${String(given)} (${String(body["message"])}), not ${String(expected)}`;
      });
    }
  }
}

const folder = suiteFolder("openfga");

for (const passing of ["stored", "contextual"]) {
  test(`the tests of OpenFGA with ${passing} tuples, over its own API`, {
    skip: folder === undefined,
  }, async (t) => {
    const report = new SuiteReport();
    for (const file of ["consolidated_1_1_tests.yaml", "abac_tests.yaml"]) {
      for (const one of readOpenfgaTests(path.join(folder!, file))) {
        const isOne = one.stages.length === 1 && (one.stages[0]?.tuples?.length ?? 0) <= 100;
        if (passing === "contextual" && !isOne) continue;
        report.count("tests");
        await run(one, passing, report);
      }
    }
    t.diagnostic(report.summary);
    assert.deepEqual(report.disagreements, []);
  });
}
