import { fail, reasonOf } from "../model/errors.ts";

/** `file-unreadable`, in words, for what Node says of a file. */
export function unreadable(file: string, error: unknown): Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return fail("file-unreadable", { file, reason: reasons[code] ?? reasonOf(error) }, error);
}

/** The same for one that was to be written. */
export function unwritable(file: string, error: unknown): Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = code === "ENOENT" ? "there is no such folder" : reasons[code];
  return fail("invalid-argument", { what: `The file ${file}`, reason: known ?? reasonOf(error) });
}

export function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "the system does not allow it",
  EPERM: "the system does not allow it",
};
