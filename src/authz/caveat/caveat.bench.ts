/**
 * Evaluations per second of conditions as people write them. Run it as
 * `npm run node -- src/authz/caveat/caveat.bench.ts [milliseconds]`.
 */
import { defaultLimits } from "../../model/limits.ts";
import type { CaveatContext } from "../../model/relationship.ts";
import type { CaveatType } from "../schema/schema.ts";
import { compileCaveat } from "./caveat.ts";

interface Case {
  readonly expression: string;
  readonly parameters: Readonly<Record<string, CaveatType>>;
  readonly stored?: CaveatContext;
  readonly asked: CaveatContext;
}

const int: CaveatType = { kind: "int" };
const numbers = Array.from({ length: 100 }, (_, at) => at);

const cases: readonly Case[] = [
  {
    expression: "a == b && c < d",
    parameters: { a: int, b: int, c: int, d: int },
    stored: { b: 1, d: 4 },
    asked: { a: 1, c: 3 },
  },
  {
    expression: "a == b && c < d",
    parameters: { a: int, b: int, c: int, d: int },
    stored: { b: 1, d: 4 },
    asked: { a: 1 },
  },
  {
    expression: "role == 'admin' || team in teams",
    parameters: {
      role: { kind: "string" },
      team: { kind: "string" },
      teams: { kind: "list", of: { kind: "string" } },
    },
    stored: { teams: ["a", "b", "c"] },
    asked: { role: "user", team: "c" },
  },
  {
    expression: "ip.in_cidr(cidr)",
    parameters: { ip: { kind: "ipaddress" }, cidr: { kind: "string" } },
    stored: { cidr: "10.0.0.0/8" },
    asked: { ip: "10.1.2.3" },
  },
  {
    expression: "now < granted + duration('1h')",
    parameters: { now: { kind: "timestamp" }, granted: { kind: "timestamp" } },
    stored: { granted: "2026-01-01T10:00:00Z" },
    asked: { now: "2026-01-01T10:30:00Z" },
  },
  {
    expression: "list.all(x, x < 1000)",
    parameters: { list: { kind: "list", of: int } },
    asked: { list: numbers },
  },
  {
    expression: "mail.matches('^[a-z.]+@example[.]com$')",
    parameters: { mail: { kind: "string" } },
    asked: { mail: "ada.lovelace@example.com" },
  },
];

function measure(task: () => void, milliseconds: number): number {
  const end = performance.now() + milliseconds;
  let runs = 0;
  const startedAt = performance.now();
  while (performance.now() < end) {
    for (let i = 0; i < 1000; i++) task();
    runs += 1000;
  }
  return ((performance.now() - startedAt) * 1_000_000) / runs;
}

const milliseconds = Number(process.argv[2] ?? 300);
for (const { expression, parameters, stored, asked } of cases) {
  const at = { line: 1, column: 1 };
  const definition = { name: "bench", doc: null, at, expression, expressionAt: at };
  const { caveat } = compileCaveat(
    { ...definition, parameters: new Map(Object.entries(parameters)) },
    "native",
    defaultLimits,
  );
  if (caveat === null) throw new Error(`it must compile: ${expression}`);
  const kept = stored === undefined ? null : caveat.readContext(stored, "stored");
  const given = caveat.readContext(asked, "asked");
  const evaluate = () => void caveat.evaluate(kept, given);
  const read = () => void caveat.readContext(asked, "asked");
  measure(evaluate, milliseconds); // the compiler warms up
  const [evaluating, reading] = [measure(evaluate, milliseconds), measure(read, milliseconds)];
  const { value } = caveat.evaluate(kept, given);
  console.log(
    `${evaluating.toFixed(0).padStart(7)} ns to evaluate, ${reading.toFixed(0).padStart(6)} ns to read: ${expression} -> ${value}`,
  );
}
