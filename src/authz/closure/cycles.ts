/**
 * Edges that close a cycle, and those whose removal opens one. Several components become one, or
 * one several; to the parents outside, that is a few targets lost and a few gained per edge.
 *
 * Losses are passed on before gains: they need no room, and when room runs out during the gains no
 * row names a component that is no more.
 */
import { assert } from "../../std/assert.ts";
import type { Rows } from "./rows.ts";
import { reachesWithin, strongComponents } from "./strong-components.ts";

/** Whether a lost component reaches another lost one; all that lies between is lost, too. */
export function lostReaches(rows: Rows, from: number, to: number): boolean {
  const { of, firstMember } = rows.components;
  const isLost = (slot: number): boolean => rows.isLost(of[slot] as number);
  // Members of a component reach each other, so any two will do.
  const ends = [firstMember[from] as number, firstMember[to] as number] as const;
  return reachesWithin(rows.graph, isLost, ends);
}

/** Makes all components between `low` and `high` one, after an edge from `high` to `low`. */
export function collapse(rows: Rows, high: number, low: number): void {
  const { components } = rows;
  const group = between(rows, low, high);
  assert(group.length > 1, "a cycle has at least two components");
  const known = !rows.isLost(high);
  const merged = components.make();
  if (known) exchangeForOne(rows, group, merged);
  for (const part of group) {
    for (const slot of components.members(part)) components.attach(slot, merged);
    rows.retire(part);
  }
  if (known) {
    if (!rows.exhausted) rows.fill(merged);
    if (rows.exhausted) rows.forget(merged);
  } else {
    rows.enrol(merged);
  }
}

/** Splits a component where it is no longer connected, after an edge inside it was removed. */
export function split(rows: Rows, component: number, ends: readonly [number, number]): void {
  const { components, graph } = rows;
  const within = (slot: number): boolean => components.of[slot] === component;
  if (reachesWithin(graph, within, ends)) return;
  const parts = strongComponents(graph, components.members(component));
  assert(parts.length > 1, "a component that is not connected has parts");
  const known = !rows.isLost(component);
  const beyond = known ? reachedBy(rows, [component]) : [];
  const group = parts.map((slots) => {
    const part = components.make();
    for (const slot of slots) components.attach(slot, part);
    return part;
  });
  rows.retire(component);
  if (!known) {
    for (const part of group) rows.enrol(part);
    return;
  }
  for (const part of group) if (!rows.exhausted) rows.fill(part); // children come first
  if (!rows.exhausted) exchangeForParts(rows, group, { component, beyond });
  // All parts still reach the source of the removed edge: no way there has to leave it.
  if (rows.exhausted) rows.forget(components.of[ends[0]] as number);
}

/** All that `low` reaches and that reaches `high`, both included. */
function between(rows: Rows, low: number, high: number): readonly number[] {
  const { components, graph } = rows;
  const ahead = new Set([low]);
  for (const component of ahead) {
    if (component === high) continue;
    for (const slot of components.members(component)) {
      let edge = graph.firstOut[slot] as number;
      for (; edge !== 0; edge = graph.nextOut[edge] as number) {
        const child = components.of[graph.targets[edge] as number] as number;
        if (child === high || rows.isLost(child) || rows.has(child, high)) ahead.add(child);
      }
    }
  }
  // What is lost may not reach `high`; only those stay that are met on the way back.
  const back = new Set([high]);
  for (const component of back) {
    for (const slot of components.members(component)) {
      let edge = graph.firstIn[slot] as number;
      for (; edge !== 0; edge = graph.nextIn[edge] as number) {
        const parent = components.of[graph.sources[edge] as number] as number;
        if (ahead.has(parent)) back.add(parent);
      }
    }
  }
  assert(back.has(low), "there is a way back");
  return [...back];
}

/** What a group of components reaches outside itself. */
function reachedBy(rows: Rows, group: readonly number[]): readonly number[] {
  const count = rows.reach(group);
  return [...rows.reached.subarray(group.length, count)];
}

/** Parents of the group lose its components and gain `merged` and all that it will reach. */
function exchangeForOne(rows: Rows, group: readonly number[], merged: number): void {
  const beyond = reachedBy(rows, group);
  const inside = new Set(group);
  for (const part of group) {
    const parents = outerParents(rows, part, inside);
    shiftAll(rows, parents, { targets: inGroup(rows, parents, { part, group }), gained: false });
  }
  // The rows of the group are about to go, and must not count against the limit.
  let pairs = 0;
  for (const part of group) pairs += rows.components.rowSize[part] as number;
  rows.pairs -= pairs;
  for (const part of group) {
    const parents = outerParents(rows, part, inside);
    const targets = missing(rows, parents, { part, beyond });
    targets.push(merged);
    shiftAll(rows, parents, { targets, gained: true });
  }
  rows.pairs += pairs;
}

/** The reverse: parents lose `component` and what their part does not reach, and gain the parts. */
function exchangeForParts(
  rows: Rows,
  group: readonly number[],
  { component, beyond }: { component: number; beyond: readonly number[] },
): void {
  const inside = new Set(group);
  for (const part of group) {
    const parents = outerParents(rows, part, inside);
    const targets = missing(rows, parents, { part, beyond });
    targets.push(component);
    shiftAll(rows, parents, { targets, gained: false });
  }
  for (const part of group) {
    const parents = outerParents(rows, part, inside);
    shiftAll(rows, parents, { targets: inGroup(rows, parents, { part, group }), gained: true });
  }
}

/** The known parents outside the group, once for every edge. */
function outerParents(rows: Rows, part: number, inside: ReadonlySet<number>): readonly number[] {
  const { components, graph } = rows;
  const parents: number[] = [];
  for (const slot of components.members(part)) {
    let edge = graph.firstIn[slot] as number;
    for (; edge !== 0; edge = graph.nextIn[edge] as number) {
      const parent = components.of[graph.sources[edge] as number] as number;
      if (!inside.has(parent) && !rows.isLost(parent)) parents.push(parent);
    }
  }
  return parents;
}

/** The components of the group that the part is or reaches; nothing when there are no parents. */
function inGroup(
  rows: Rows,
  parents: readonly number[],
  { part, group }: { part: number; group: readonly number[] },
): number[] {
  if (parents.length === 0 || rows.exhausted) return [];
  rows.spend(group.length);
  return group.filter((other) => other === part || rows.has(part, other));
}

/** What the part does not reach of what lies beyond; nothing when there are no parents. */
function missing(
  rows: Rows,
  parents: readonly number[],
  { part, beyond }: { part: number; beyond: readonly number[] },
): number[] {
  if (parents.length === 0 || rows.exhausted) return [];
  rows.spend(beyond.length);
  return beyond.filter((target) => !rows.has(part, target));
}

function shiftAll(
  rows: Rows,
  parents: readonly number[],
  { targets, gained }: { targets: readonly number[]; gained: boolean },
): void {
  for (const parent of parents) {
    for (const target of targets) {
      if (rows.exhausted) return;
      rows.shift(parent, target, gained);
    }
  }
}
