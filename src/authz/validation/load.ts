/** Puts the schema and the relationships of a validation file into a tenant. */
import type { TenantPort } from "../../model/authz.ts";
import { HoldfastError } from "../../model/errors.ts";
import { formatRelationship } from "../../model/relationship.ts";
import type { Placed } from "../placed.ts";
import { parseSchema } from "../schema/dialect.ts";
import { lintSchema } from "../schema/lint.ts";
import { problemText } from "../schema/problem.ts";
import type { SchemaProblem } from "../schema/schema.ts";
import type { FileProblem, SchemaSource } from "./validation.ts";

const batchSize = 500;

export class Loading {
  readonly problems: FileProblem[] = [];
  readonly #tenant: TenantPort;

  constructor(tenant: TenantPort) {
    this.#tenant = tenant;
  }

  /** @param lineOf places a problem of a schema that stands in the file itself. */
  async schema(
    source: SchemaSource,
    lineOf: (problem: SchemaProblem) => number | null,
  ): Promise<boolean> {
    const { dialect, text, file } = source;
    const { schema, problems } = parseSchema(text, { dialect });
    const warnings = schema === null ? [] : lintSchema(schema);
    for (const problem of [...problems, ...warnings]) {
      const { severity, at } = problem;
      this.problems.push({
        message: problemText(problem),
        severity,
        line: file === null ? lineOf(problem) : at.line,
        ...(problem.file !== undefined ? { file: problem.file } : file === null ? {} : { file }),
      });
    }
    if (schema === null) return false;
    await this.#tenant.writeSchema({ dialect, text });
    return true;
  }

  /** What cannot be written is a problem with its line, and the rest is written. */
  async relationships(placed: readonly Placed[]): Promise<void> {
    // One that stands twice is no mistake.
    const unique = new Map(placed.map((one) => [formatRelationship(one.relationship), one]));
    const all = [...unique.values()];
    for (let from = 0; from < all.length; from += batchSize) {
      const batch = all.slice(from, from + batchSize);
      if ((await this.#write(batch)) === null) continue;
      for (const one of batch) {
        const error = await this.#write([one]);
        if (error === null) continue;
        const { line, file } = one;
        const place = file === undefined ? {} : { file };
        this.problems.push({ message: error.message, severity: "error", line, ...place });
      }
    }
  }

  async #write(placed: readonly Placed[]): Promise<HoldfastError | null> {
    const updates = placed.map(({ relationship }) => ({
      operation: "touch" as const,
      relationship,
    }));
    try {
      await this.#tenant.write({ updates });
      return null;
    } catch (error) {
      if (error instanceof HoldfastError) return error;
      throw error;
    }
  }
}
