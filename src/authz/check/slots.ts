import { mix } from "../graph/pair-table.ts";

/*
 * What an answer rests on, as 32-bit hashes. A write tells which of them it changes; two that fall
 * together only make an answer be evaluated anew.
 */

/**
 * The usersets in one object, and what arrows find there, by whatever relation: few changes concern
 * an object, many a check. Other subjects of it have slots of their own.
 */
export function resourceSlot(object: number): number {
  return mix(object, 0xffff);
}

/** Where one subject stands. */
export function subjectSlot(object: number, relation: number): number {
  return mix(relation + 0x1_0000, object);
}

/** Where the wildcard of a type stands, which may not have a number yet. */
export function wildcardSlot(type: number): number {
  return mix(0x2_0000, type);
}

/** Which usersets are in which. */
export const groupsSlot: number = mix(0x3_0000, 0);
