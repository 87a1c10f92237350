/** Relationships out of a file: an error about one of them tells the line on which it stands. */
import { HoldfastError } from "../model/errors.ts";
import { formatRelationship, type Relationship } from "../model/relationship.ts";

/** A relationship and where it stands. */
export interface Placed {
  readonly relationship: Relationship;
  readonly line: number | null;
  readonly file?: string;
}

/** The error of writing these at once, with the place of the one that it is about, if that is known. */
export function placeError(error: unknown, batch: readonly Placed[]): unknown {
  if (!(error instanceof HoldfastError)) return error;
  const { relationship, what } = error.details;
  const named = relationship ?? what;
  if (typeof named !== "string" || named === "") return error;
  // What stands twice is refused where it stands again. Long ones are named by how they begin.
  const found = batch.findLast((one) => formatRelationship(one.relationship).startsWith(named));
  return found === undefined || found.line === null ? error : errorAt(error, found.line, found);
}

/** The same error, told with its place. */
export function errorAt(
  error: HoldfastError,
  line: number,
  { file, relationship }: { readonly file?: string; readonly relationship?: Relationship } = {},
): HoldfastError {
  const text = relationship === undefined ? "" : formatRelationship(relationship);
  const place = file === undefined ? `Line ${line}` : `${file}:${line}`;
  const what = error.message.includes(text) ? "" : `, ${text.slice(0, longestShown)}`;
  const details = {
    ...error.details,
    line,
    ...(text === "" ? {} : { relationship: text }),
    ...(file === undefined ? {} : { file }),
  };
  const placed = new HoldfastError(error.code, details, { cause: error.cause });
  placed.message = `${place}${what}: ${error.message}`;
  return placed;
}

const longestShown = 200;
