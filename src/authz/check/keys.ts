import type { EdgeExtra } from "../graph/edge-traits.ts";

/** One number for a kind of subject: a type with a relation (0: the object itself). */
export function subjectKey(type: number, relation: number): number {
  return type * 65_536 + relation;
}

/** The same for the wildcard of a type: relation 65,535 is never given out. */
export function wildcardKey(type: number): number {
  return type * 65_536 + 65_535;
}

/** One number for a caveat (0: none), and whether there is an expiry: 0 is a plain relationship. */
export function formNumber(caveat: number, expires: boolean): number {
  return caveat * 2 + (expires ? 1 : 0);
}

export function formOf(extra: EdgeExtra | undefined): number {
  if (extra === undefined) return 0;
  return formNumber(extra.caveat, extra.expiresAt !== Number.POSITIVE_INFINITY);
}
