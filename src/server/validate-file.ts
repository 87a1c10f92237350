import { readFile } from "node:fs/promises";
import path from "node:path";
import { isGood, validateText } from "../authz/validation/validate.ts";
import type { ValidationReport } from "../authz/validation/validation.ts";
import type { AuthzPort } from "../model/authz.ts";
import { unreadable } from "./file-error.ts";
import { openAuthz } from "./open-authz.ts";

export interface FileValidation extends ValidationReport {
  /** Every outcome is as expected, and no problem but warnings. */
  readonly passed: boolean;
}

/**
 * Tries what a validation file says, in memory: SpiceDB's YAML form, or a store file of OpenFGA.
 *
 * Rejects with `file-unreadable` when it cannot be read; a file that it names and that cannot be read
 * is a problem of it.
 *
 * @example
 * ```ts
 * import { validateFile } from "holdfast/authz";
 *
 * const { passed, outcomes, problems } = await validateFile("drive.yaml");
 * if (!passed) console.error(problems, outcomes.filter((outcome) => !outcome.passed));
 * ```
 */
export async function validateFile(file: string): Promise<FileValidation> {
  const text = await readOrRefuse(file);
  await using authz = await openAuthz({ store: ":memory:", log: () => {} });
  return await validateWith(authz, { text, folder: path.dirname(file) });
}

/** The same in tenants of its own of one that is open already; they are deleted afterwards. */
export async function validateWith(
  authz: AuthzPort,
  { text, folder }: { readonly text: string; readonly folder: string },
): Promise<FileValidation> {
  const tenants: string[] = [];
  try {
    const report = await validateText(text, {
      readFile: (name) => readOrRefuse(path.resolve(folder, name)),
      makeTenant: async () => {
        const { id } = await authz.createTenant();
        tenants.push(id);
        return authz.tenant(id);
      },
    });
    return { ...report, passed: isGood(report) };
  } finally {
    for (const id of tenants) await authz.deleteTenant(id);
  }
}

async function readOrRefuse(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw unreadable(file, error);
  }
}
