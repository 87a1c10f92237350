import type { Engine } from "../engine/loop.ts";
import type { MetricSample } from "../gateway/metrics.ts";
import type { Vitals } from "../host/vitals.ts";

export interface MetricSources {
  readonly engine: Engine;
  readonly vitals: Vitals;
  readonly version: string;
  readonly deployment: string;
}

/** What a server measures, at the moment it is asked. */
export function readMetrics({
  engine,
  vitals,
  version,
  deployment,
}: MetricSources): MetricSample[] {
  return [
    gauge("holdfast_info", "Always 1; its labels say what runs.", 1, { version, deployment }),
    ...engineMetrics(engine),
    ...processMetrics(vitals),
  ];
}

function engineMetrics(engine: Engine): MetricSample[] {
  const { core } = engine;
  const { counts } = core;
  const ended = "Invocations that ended, by how.";
  return [
    counter("holdfast_invocations_started_total", "Invocations accepted.", counts.started),
    counter("holdfast_invocations_ended_total", ended, counts.succeeded, { outcome: "succeeded" }),
    counter("holdfast_invocations_ended_total", ended, counts.failed, { outcome: "failed" }),
    counter("holdfast_retries_total", "Attempts that failed and are repeated.", counts.retries),
    counter("holdfast_replays_total", "Handlers rebuilt from their journal.", counts.replays),
    counter("holdfast_commands_total", "Commands applied by the loop.", counts.commands),
    counter("holdfast_journal_entries_total", "Journal entries written.", counts.entries),
    counter("holdfast_commits_total", "Batches given to the store.", counts.batches),
    counter("holdfast_messages_sent_total", "Messages put into the outbox.", counts.outbox),
    counter("holdfast_messages_dropped_total", "Messages seen before.", counts.duplicates),
    gauge("holdfast_inbox_commands", "Commands that wait for the loop.", engine.waiting),
    gauge("holdfast_outbox_messages", "Messages not yet received.", engine.outboxSize),
    gauge("holdfast_invocations_resident", "Invocations held in memory.", core.live.size),
    gauge("holdfast_keys_resident", "Keys of actors and workflows in memory.", core.keyCount),
    gauge("holdfast_partitions_owned", "Partitions that run here.", core.owned.size),
    gauge("holdfast_recovered", "1 when recovery is done.", engine.recovered ? 1 : 0),
    gauge(
      "holdfast_store_writable",
      "0 while the store refuses to be written.",
      engine.refusal === null ? 1 : 0,
    ),
  ];
}

function processMetrics(vitals: Vitals): MetricSample[] {
  const { loopDelay } = vitals;
  const delay = "How late timers fired since the last time this was read.";
  const ofDelay = (quantile: string, value: number): MetricSample =>
    gauge("holdfast_event_loop_delay_seconds", delay, value, { quantile });
  return [
    ofDelay("0.5", loopDelay.p50),
    ofDelay("0.99", loopDelay.p99),
    ofDelay("1", loopDelay.max),
    gauge("process_resident_memory_bytes", "Resident memory.", vitals.residentBytes),
    gauge("process_heap_bytes", "Used heap of V8.", vitals.heapBytes),
    counter("process_cpu_seconds_total", "User and system time.", vitals.cpuSeconds),
    gauge("process_uptime_seconds", "Since the process began.", vitals.uptimeSeconds),
  ];
}

function counter(
  name: string,
  help: string,
  value: number,
  labels: Readonly<Record<string, string>> = {},
): MetricSample {
  return { name, help, type: "counter", value, labels };
}

function gauge(
  name: string,
  help: string,
  value: number,
  labels: Readonly<Record<string, string>> = {},
): MetricSample {
  return { name, help, type: "gauge", value, labels };
}
