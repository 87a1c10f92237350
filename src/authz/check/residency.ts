import type { TupleKey } from "../../store/relations.ts";

/**
 * Which lists of a graph are in memory, where not all of them are. A question that comes to one that
 * is not goes on as if the answer were unknown, so that it collects all that it lacks; these are
 * loaded together, and it is asked again.
 */
export interface Residency {
  /** Whether a change of this relationship concerns what is in memory. */
  holds(row: TupleKey): boolean;
  /** Whether all subjects of an object by a relation are in memory. If not, it is noted. */
  forward(object: number, relation: number): boolean;
  /** Whether everything that has this subject is in memory. If not, it is noted. */
  reverse(object: number, relation: number): boolean;
  /** Loads all that was noted. */
  load(): Promise<void>;
  /** Whether it may have what was applied and then lost: it says nothing any more, and loads nothing. */
  readonly isLost: boolean;
  /** Before a question: should it have grown too large, the tenant is given an empty one instead. */
  bound(): void;
}
