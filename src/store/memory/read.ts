import type { InvocationNumber } from "../../model/ids.ts";
import { hasEnded, type Invocation } from "../../model/invocation.ts";
import { compareText } from "../order.ts";
import { timerKinds } from "../sqlite/codes.ts";
import type {
  IdempotencyAddress,
  KeyAddress,
  Loaded,
  LoadedKey,
  LoadRequest,
  OutboxMessage,
  Schedule,
  Timer,
} from "../store.ts";
import {
  copyInvocation,
  copyPromise,
  holdsKey,
  idempotencyId,
  isOf,
  keyId,
  type Tables,
} from "./tables.ts";

/* The questions of the contract, answered by looking at everything: simulations are small. */

export function load(tables: Tables, request: LoadRequest): Loaded {
  return {
    invocations: (request.invocations ?? []).map((number) => {
      const found = tables.invocations.get(number);
      return found === undefined ? null : copyInvocation(found);
    }),
    journals: (request.journals ?? []).map((number) => [...(tables.journals.get(number) ?? [])]),
    keys: (request.keys ?? []).map((address) => loadKey(tables, address)),
    idempotency: (request.idempotency ?? []).map(
      (address) => tables.idempotency.get(idempotencyId(address)) ?? null,
    ),
    promises: (request.promises ?? []).map(({ number, name }) => {
      const found = tables.promises.get(number)?.get(name);
      return found === undefined ? null : copyPromise(found);
    }),
  };
}

function loadKey(tables: Tables, address: KeyAddress): LoadedKey {
  const all: Invocation[] = [];
  for (const number of tables.byKey.get(keyId(address)) ?? []) {
    const found = tables.invocations.get(number);
    if (found !== undefined) all.push(found);
  }
  const workflows = all.filter((it) => it.mode === "workflow").sort(byNumber);
  const state = [...(tables.state.get(keyId(address)) ?? [])];
  return {
    state: state.sort(([a], [b]) => compareText(a, b)),
    open: all
      .filter(holdsKey)
      .sort((a, b) => a.position - b.position || byNumber(a, b))
      .map(({ number, status }) => ({ number, status })),
    workflow: workflows.at(-1)?.number ?? null,
  };
}

export function scanActive(
  tables: Tables,
  partition: number,
  after: InvocationNumber,
): Invocation[] {
  return [...tables.invocations.values()]
    .filter((it) => it.status === "running" || it.status === "backing-off")
    .filter((it) => isOf(partition, it.number) && it.number > after)
    .sort(byNumber)
    .map(copyInvocation);
}

export function scanTimers(tables: Tables, until: number): Timer[] {
  return [...tables.timers.values()].filter((timer) => timer.due <= until).sort(byDue);
}

export function nextTimer(tables: Tables): number | null {
  return least([...tables.timers.values()].map((timer) => timer.due));
}

export function scanExpired(tables: Tables, until: number): InvocationNumber[] {
  return [...tables.invocations.values()]
    .flatMap(({ number, expiresAt }) => (expiresAt === null ? [] : [{ number, expiresAt }]))
    .filter(({ expiresAt }) => expiresAt <= until)
    .sort((a, b) => a.expiresAt - b.expiresAt || byNumber(a, b))
    .map(({ number }) => number);
}

export function scanExpiredIdempotency(tables: Tables, until: number): IdempotencyAddress[] {
  return [...tables.idempotency.values()]
    .filter(({ expiresAt }) => expiresAt <= until)
    .sort(
      (a, b) =>
        a.expiresAt - b.expiresAt ||
        compareText(a.scope, b.scope) ||
        compareText(a.idempotencyKey, b.idempotencyKey),
    )
    .map(({ scope, idempotencyKey }) => ({ scope, idempotencyKey }));
}

export function nextExpiry(tables: Tables): number | null {
  const times = [...tables.idempotency.values()].map((row) => row.expiresAt);
  for (const { expiresAt } of tables.invocations.values()) {
    if (expiresAt !== null) times.push(expiresAt);
  }
  return least(times);
}

export function scanOutbox(tables: Tables, partition: number, after: number): OutboxMessage[] {
  return [...(tables.outbox.get(partition)?.values() ?? [])]
    .filter((message) => message.sequence > after)
    .sort((a, b) => a.sequence - b.sequence);
}

export function loadReceived(
  tables: Tables,
  partition: number,
): { source: number; sequence: number }[] {
  return [...(tables.received.get(partition) ?? [])]
    .map(([source, sequence]) => ({ source, sequence }))
    .sort((a, b) => a.source - b.source);
}

export function loadSchedules(tables: Tables): Schedule[] {
  return [...tables.schedules.values()]
    .sort((a, b) => compareText(a.name, b.name))
    .map((schedule) => ({ ...schedule }));
}

export function countByStatus(tables: Tables): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of tables.invocations.values()) {
    if (!hasEnded(status)) counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

function least(times: readonly number[]): number | null {
  return times.reduce<number | null>((a, b) => (a === null || b < a ? b : a), null);
}

function byNumber(a: { readonly number: number }, b: { readonly number: number }): number {
  return a.number - b.number;
}

function byDue(a: Timer, b: Timer): number {
  return (
    a.due - b.due ||
    a.number - b.number ||
    a.command - b.command ||
    timerKinds.indexOf(a.kind) - timerKinds.indexOf(b.kind)
  );
}
