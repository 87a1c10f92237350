import { fail, HoldfastError, reasonOf } from "../../model/errors.ts";

/** Primary result codes of SQLite (sqlite.org/rescode.html), those that are told apart here. */
export const resultCodes = {
  busy: 5,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;

/** Extended codes of `ioError` that mean "no room": a short write, and no room for the WAL index. */
const ioErrorWrite = 778;
const ioErrorSharedMemorySize = 4874;

/** Errors of the file system that mean that it does not take what is written. */
const fullCodes: ReadonlySet<string> = new Set([
  "ENOSPC",
  "EDQUOT",
  "EFBIG",
  "EROFS",
  "EACCES",
  "EPERM",
]);

/** SQLite's extended result code of an error from node:sqlite, or 0 for any other error. */
export function sqliteCode(error: unknown): number {
  if (!(error instanceof Error) || !("errcode" in error)) return 0;
  return typeof error.errcode === "number" ? error.errcode : 0;
}

export function primaryCode(error: unknown): number {
  return sqliteCode(error) & 0xff;
}

/** What a commit rejects with after its transaction was rolled back. */
export function commitFault(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  return fail(isFull(error) ? "store-full" : "store-failed", { reason: reasonOf(error) }, error);
}

export function isFull(error: unknown): boolean {
  const code = sqliteCode(error);
  if (code === ioErrorWrite || code === ioErrorSharedMemorySize) return true;
  const primary = code & 0xff;
  if (primary === resultCodes.full || primary === resultCodes.readOnly) return true;
  if (primary === resultCodes.cannotOpen) return true;
  const system = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof system === "string" && fullCodes.has(system);
}
