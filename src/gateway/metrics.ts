import { assert } from "../std/assert.ts";

/** One value of a metric at the moment it is asked for. Samples of one name stand together. */
export interface MetricSample {
  /** As Prometheus wants it: `holdfast_invocations_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number | Histogram;
}

export interface Histogram {
  /** Upper bounds in rising order, and how many were at most that; `+Inf` is added. */
  readonly buckets: readonly (readonly [upTo: number, count: number])[];
  readonly sum: number;
  readonly count: number;
}

export const metricsType = "text/plain; version=0.0.4; charset=utf-8";

/** Prometheus' text format 0.0.4. */
export function formatMetrics(samples: readonly MetricSample[]): string {
  const byName = new Map<string, MetricSample[]>();
  for (const sample of samples) {
    const same = byName.get(sample.name);
    if (same === undefined) byName.set(sample.name, [sample]);
    else same.push(sample);
  }
  const lines: string[] = [];
  for (const [name, same] of byName) {
    assert(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name), `metric name ${name}`);
    const [first] = same;
    if (first === undefined) continue;
    lines.push(`# HELP ${name} ${escapeText(first.help)}`, `# TYPE ${name} ${first.type}`);
    for (const sample of same) writeSample(lines, sample);
  }
  return `${lines.join("\n")}\n`;
}

function writeSample(lines: string[], { name, labels, value }: MetricSample): void {
  const own = Object.entries(labels ?? {}).map(formatLabel);
  if (typeof value === "number") {
    lines.push(`${name}${braced(own)} ${formatNumber(value)}`);
    return;
  }
  for (const [upTo, count] of [...value.buckets, [Infinity, value.count] as const]) {
    const le = formatLabel(["le", formatNumber(upTo)]);
    lines.push(`${name}_bucket${braced([...own, le])} ${formatNumber(count)}`);
  }
  lines.push(`${name}_sum${braced(own)} ${formatNumber(value.sum)}`);
  lines.push(`${name}_count${braced(own)} ${formatNumber(value.count)}`);
}

function braced(labels: readonly string[]): string {
  return labels.length === 0 ? "" : `{${labels.join(",")}}`;
}

function formatLabel([name, value]: readonly [string, string]): string {
  assert(/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name), `label name ${name}`);
  return `${name}="${escapeText(value).replaceAll('"', '\\"')}"`;
}

function escapeText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function formatNumber(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
