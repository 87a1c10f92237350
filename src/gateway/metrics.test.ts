import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMetrics } from "./metrics.ts";

test("samples of one name stand together, under one HELP and TYPE", () => {
  const text = formatMetrics([
    { name: "a_total", help: "Of a.", type: "counter", labels: { kind: "x" }, value: 1 },
    { name: "b", help: "Of b.", type: "gauge", value: 0.5 },
    { name: "a_total", help: "Of a.", type: "counter", labels: { kind: "y" }, value: 2 },
  ]);
  assert.equal(
    text,
    `# HELP a_total Of a.
# TYPE a_total counter
a_total{kind="x"} 1
a_total{kind="y"} 2
# HELP b Of b.
# TYPE b gauge
b 0.5
`,
  );
});

test("help and labels are escaped", () => {
  const text = formatMetrics([
    {
      name: "a",
      help: 'Back\\slash, "quote",\nline',
      type: "gauge",
      labels: { l: 'b\\s "q"\nl' },
      value: Infinity,
    },
  ]);
  assert.match(text, /^# HELP a Back\\\\slash, "quote",\\nline$/m);
  assert.match(text, /^a\{l="b\\\\s \\"q\\"\\nl"\} \+Inf$/m);
});

test("a histogram has its buckets, sum and count", () => {
  const value = { buckets: [[0.1, 2], [1, 5]] as const, sum: 3.5, count: 6 }; // biome-ignore format: pairs
  const text = formatMetrics([
    { name: "t", help: "Time.", type: "histogram", labels: { h: "x" }, value },
  ]);
  assert.deepEqual(text.trimEnd().split("\n").slice(2), [
    't_bucket{h="x",le="0.1"} 2',
    't_bucket{h="x",le="1"} 5',
    't_bucket{h="x",le="+Inf"} 6',
    't_sum{h="x"} 3.5',
    't_count{h="x"} 6',
  ]);
});

test("names that Prometheus cannot read are a bug, and found", () => {
  const sample = { name: "a-b", help: "", type: "gauge", value: 1 } as const;
  assert.throws(() => formatMetrics([sample]), /metric name a-b/);
});
