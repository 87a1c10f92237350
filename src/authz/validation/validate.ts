import { didYouMean } from "../../std/suggest.ts";
import { problemText } from "../schema/problem.ts";
import { validateOpenfgaFile } from "./openfga-file.ts";
import { YamlSource } from "./source.ts";
import { validateSpicedbFile } from "./spicedb-file.ts";
import type { ValidationForm, ValidationOptions, ValidationReport } from "./validation.ts";

/**
 * Tries what a validation file says: SpiceDB's YAML form, or a store file of OpenFGA. Which of them
 * it is shows in its fields. A file that it names and that cannot be read is a problem of it.
 */
export async function validateText(
  text: string,
  options: ValidationOptions,
): Promise<ValidationReport> {
  const source = new YamlSource(text);
  const form = formOf(source.value);
  const { problems } = source;
  if (problems.length > 0) return { form: form ?? "spicedb", problems, outcomes: [] };
  if (form === undefined) {
    const neither =
      "It has neither the fields of SpiceDB's files (schema) nor of OpenFGA's (model)";
    const message = problemText({ message: neither, ...meantBy(source.value) });
    return { form: "spicedb", problems: [{ message, line: 1, severity: "error" }], outcomes: [] };
  }
  return form === "openfga"
    ? validateOpenfgaFile(source, options)
    : validateSpicedbFile(source, options);
}

/** Whether nothing is wrong: every outcome passed, and no problem but warnings. */
export function isGood({ problems, outcomes }: ValidationReport): boolean {
  const hasErrors = problems.some(({ severity }) => severity === "error");
  return !hasErrors && outcomes.every(({ passed }) => passed);
}

const formFields: readonly (readonly [string, ValidationForm])[] = [
  ["schema", "spicedb"],
  ["schemaFile", "spicedb"],
  ["model", "openfga"],
  ["model_file", "openfga"],
  ["tests", "openfga"],
  ["tuples", "openfga"],
  ["assertions", "spicedb"],
  ["relationships", "spicedb"],
];

function meantBy(value: unknown): { readonly suggestion?: string } {
  const given = typeof value === "object" && value !== null ? Object.keys(value) : [];
  const names = formFields.map(([name]) => name);
  const [suggestion] = given.flatMap((name) => didYouMean(name, names) ?? []);
  return suggestion === undefined ? {} : { suggestion };
}

function formOf(value: unknown): ValidationForm | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return formFields.find(([name]) => Object.hasOwn(value, name))?.[1];
}
