/** One number for a kind of subject: a type with a relation (0: the object itself). */
export function subjectKey(type: number, relation: number): number {
  return type * 65_536 + relation;
}

/** The same for the wildcard of a type: relation 65,535 is never given out. */
export function wildcardKey(type: number): number {
  return type * 65_536 + 65_535;
}
