/**
 * Validation files: a schema, relationships, and what must follow from them. Two forms are known,
 * SpiceDB's YAML and OpenFGA's store files; both come to the same report.
 */
import type { Explanation, SchemaDialect, TenantPort } from "../../model/authz.ts";

/** What a file came to. It is good when it has no problem and every outcome passed. */
export interface ValidationReport {
  readonly form: ValidationForm;
  /** What keeps it from being tried, or from being tried as a whole. */
  readonly problems: readonly FileProblem[];
  /** In the order of the file. */
  readonly outcomes: readonly Outcome[];
}

export type ValidationForm = "spicedb" | "openfga";

export interface FileProblem {
  readonly message: string;
  /** Null: of the file as a whole. */
  readonly line: number | null;
  /** Another file that is named in it. */
  readonly file?: string;
  readonly severity: "error" | "warning";
}

/** One expectation. */
export interface Outcome {
  /** `assertTrue`, `validation`, the name of a test. */
  readonly group: string;
  /** As people would write it: `document:1#view@user:ada`. */
  readonly what: string;
  readonly line: number | null;
  readonly passed: boolean;
  readonly expected: string;
  readonly given: string;
  /** Of a check that did not come out as expected. */
  readonly explanation?: Explanation;
}

export interface ValidationOptions {
  /** Reads a file that is named in the one validated, relative to it. */
  readonly readFile: (path: string) => Promise<string>;
  /** A new tenant without anything, for this file alone. */
  readonly makeTenant: () => Promise<TenantPort>;
}

/** What both forms are tried with. */
export interface SchemaSource {
  readonly dialect: SchemaDialect;
  readonly text: string;
  /** Null: it stands in the file itself. */
  readonly file: string | null;
}
