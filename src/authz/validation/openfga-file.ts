/** Store files of OpenFGA's tools: a model, tuples, and tests of check, list_objects, list_users. */
import type { CheckAnswer, TenantPort } from "../../model/authz.ts";
import { HoldfastError } from "../../model/errors.ts";
import { defaultLimits } from "../../model/limits.ts";
import { formatObject, formatSubject, type Relationship } from "../../model/relationship.ts";
import type { Placed } from "../placed.ts";
import { parseObject, parseSubject } from "../relationship-text.ts";
import { parseOpenfgaMod } from "../schema/openfga/mod-file.ts";
import { modFileName, parseOpenfgaModules } from "../schema/openfga/modules.ts";
import {
  parseOpenfgaStoreFile,
  type StoreCheck,
  type StoreFile,
  type StoreListObjects,
  type StoreListUsers,
  type StoreTest,
  type StoreTuple,
} from "../schema/openfga/store-file.ts";
import { toOpenfgaJson } from "../schema/openfga/to-json.ts";
import { Loading } from "./load.ts";
import type { YamlSource } from "./source.ts";
import { readTupleFile } from "./tuple-file.ts";
import type {
  FileProblem,
  Outcome,
  SchemaSource,
  ValidationOptions,
  ValidationReport,
} from "./validation.ts";

export async function validateOpenfgaFile(
  source: YamlSource,
  options: ValidationOptions,
): Promise<ValidationReport> {
  const { store, problems } = parseOpenfgaStoreFile(source.value);
  if (store === null) {
    const placed = problems.map(({ path, message }): FileProblem => {
      const at = path === "" ? "The file" : path;
      const line = source.line(pathOf(path));
      return { message: `${at} ${message}`, line, severity: "error" };
    });
    return { form: "openfga", problems: placed, outcomes: [] };
  }
  return new OpenfgaFile(source, store, options).run();
}

class OpenfgaFile {
  readonly #source: YamlSource;
  readonly #store: StoreFile;
  readonly #options: ValidationOptions;
  readonly #problems: FileProblem[] = [];
  readonly #outcomes: Outcome[] = [];

  constructor(source: YamlSource, store: StoreFile, options: ValidationOptions) {
    this.#source = source;
    this.#store = store;
    this.#options = options;
  }

  async run(): Promise<ValidationReport> {
    const { tuples, tupleFiles, tests } = this.#store;
    const schema = await this.#schema();
    const base = await this.#placed(tuples, { files: tupleFiles, path: ["tuples"] });
    const shared = await this.#open(schema, base, true);
    if (shared === null) return this.#report();
    for (const [index, test] of tests.entries()) {
      const path = ["tests", index];
      const own = await this.#placed(test.tuples, {
        files: test.tupleFiles,
        path: [...path, "tuples"],
      });
      // What a test adds holds for it alone.
      const tenant = own.length === 0 ? shared : await this.#open(schema, [...base, ...own], false);
      if (tenant !== null) await this.#test(test, { path, tenant, name: nameOf(test, index) });
    }
    return this.#report();
  }

  #report(): ValidationReport {
    return { form: "openfga", problems: this.#problems, outcomes: this.#outcomes };
  }

  /** @param tells the problems; those of the same schema and tuples are told once. */
  async #open(
    schema: SchemaSource | null,
    placed: readonly Placed[],
    tells: boolean,
  ): Promise<TenantPort | null> {
    if (schema === null) return null;
    const tenant = await this.#options.makeTenant();
    const loading = new Loading(tenant);
    const isGood = await loading.schema(schema, ({ at }) => this.#source.placeIn(["model"], at));
    if (isGood) await loading.relationships(placed);
    const known = new Set(this.#problems.map((problem) => JSON.stringify(problem)));
    const fresh = loading.problems.filter((problem) => !known.has(JSON.stringify(problem)));
    if (tells || fresh.some(({ severity }) => severity === "error")) this.#problems.push(...fresh);
    return isGood ? tenant : null;
  }

  async #schema(): Promise<SchemaSource | null> {
    const { model, modelFile } = this.#store;
    if (model !== null) return { dialect: "openfga", text: model, file: null };
    const file = modelFile ?? "";
    const text = await this.#read(file, ["model_file"]);
    if (text === null) return null;
    return file.endsWith(modFileName) || file.endsWith(".mod")
      ? this.#modules(file, text)
      : { dialect: "openfga", text, file };
  }

  /** A model in several files, as one. */
  async #modules(file: string, text: string): Promise<SchemaSource | null> {
    const folder = file.slice(0, file.lastIndexOf("/") + 1);
    const files = new Map<string, string>();
    for (const { value } of parseOpenfgaMod(text).mod?.contents ?? []) {
      const part = await this.#read(folder + value, ["model_file"]);
      if (part === null) return null;
      files.set(value, part);
    }
    const { schema, problems } = parseOpenfgaModules(text, { files, limits: defaultLimits });
    for (const { message, at, severity, file: of } of problems) {
      this.#problems.push({ message, severity, line: at.line, file: folder + (of ?? modFileName) });
    }
    if (schema === null) return null;
    return { dialect: "openfga", text: JSON.stringify(toOpenfgaJson(schema)), file };
  }

  async #placed(
    tuples: readonly StoreTuple[],
    { files, path }: { files: readonly string[]; path: readonly (string | number)[] },
  ): Promise<Placed[]> {
    const placed = tuples.map((tuple, index): Placed => {
      return { relationship: relationshipOf(tuple), line: this.#source.line([...path, index]) };
    });
    const within = path.slice(0, -1);
    for (const [index, file] of files.entries()) {
      const one = [...within, "tuple_file"];
      const at = this.#source.has(one) ? one : [...within, "tuple_files", index];
      const read = await this.#orProblem(at, async () =>
        readTupleFile(file, await this.#options.readFile(file)),
      );
      for (const tuple of read ?? [])
        placed.push({ relationship: relationshipOf(tuple), line: null, file });
    }
    return placed;
  }

  #read(file: string, at: readonly (string | number)[]): Promise<string | null> {
    return this.#orProblem(at, () => this.#options.readFile(file));
  }

  /** What a file that is named cannot be read for is a problem where it is named. */
  async #orProblem<T>(at: readonly (string | number)[], read: () => Promise<T>): Promise<T | null> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const line = this.#source.line(at);
      this.#problems.push({ message: error.message, line, severity: "error" });
      return null;
    }
  }

  async #test(test: StoreTest, at: At): Promise<void> {
    for (const [index, check] of test.check.entries()) {
      await this.#checks(check, { ...at, path: [...at.path, "check", index] });
    }
    for (const [index, list] of test.listObjects.entries()) {
      await this.#listObjects(list, { ...at, path: [...at.path, "list_objects", index] });
    }
    for (const [index, list] of test.listUsers.entries()) {
      await this.#listUsers(list, { ...at, path: [...at.path, "list_users", index] });
    }
  }

  async #checks({ users, objects, context, assertions }: StoreCheck, at: At): Promise<void> {
    for (const user of users) {
      for (const object of objects) {
        for (const [relation, expected] of assertions) {
          const question = {
            resource: parseObject(object),
            permission: relation,
            subject: parseSubject(user),
            context,
          };
          const what = `${object}#${relation}@${user}`;
          await this.#expect({ at, relation, what, expected: String(expected) }, async () => {
            const answer = await at.tenant.check({ ...question, explain: true });
            return { given: checked(answer), explanation: answer.explanation };
          });
        }
      }
    }
  }

  async #listObjects({ user, type, context, assertions }: StoreListObjects, at: At): Promise<void> {
    for (const [relation, expected] of assertions) {
      const what = `${type}s with ${relation} of ${user}`;
      await this.#expect({ at, relation, what, expected: listed(expected) }, async () => {
        const question = { resourceType: type, permission: relation, subject: parseSubject(user) };
        const found = await all((page) =>
          at.tenant.lookupResources({ ...question, ...page, context }),
        );
        return {
          given: listed(found.map((one) => shown(formatObject({ type, id: one.id }), one))),
        };
      });
    }
  }

  async #listUsers(
    { object, filters, context, assertions }: StoreListUsers,
    at: At,
  ): Promise<void> {
    for (const [relation, expected] of assertions) {
      const kinds = filters.map((one) => (one.relation ? `${one.type}#${one.relation}` : one.type));
      const what = `${kinds.join(", ")} with ${relation} on ${object}`;
      await this.#expect({ at, relation, what, expected: listed(expected) }, async () => {
        const users: string[] = [];
        for (const { type, relation: name } of filters) {
          const kind = name === null ? {} : { subjectRelation: name };
          const question = { resource: parseObject(object), permission: relation, context };
          const found = await all((page) =>
            at.tenant.lookupSubjects({ ...question, ...page, subjectType: type, ...kind }),
          );
          for (const one of found) {
            const subject = { type, id: one.id, ...(name === null ? {} : { relation: name }) };
            users.push(shown(formatSubject(subject), one));
          }
        }
        return { given: listed(users) };
      });
    }
  }

  async #expect(
    { at, relation, what, expected }: Expectation,
    ask: () => Promise<{ given: string; explanation?: CheckAnswer["explanation"] }>,
  ): Promise<void> {
    const path = [...at.path, "assertions"];
    const line = this.#source.keyLine(path, relation);
    const base = { group: at.name, what, line, expected };
    try {
      const { given, explanation } = await ask();
      const passed = given === expected;
      const why = passed || explanation === undefined ? {} : { explanation };
      this.#outcomes.push({ ...base, passed, given, ...why });
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#outcomes.push({ ...base, passed: false, given: error.message });
    }
  }
}

interface At {
  readonly path: readonly (string | number)[];
  readonly tenant: TenantPort;
  readonly name: string;
}

interface Expectation {
  readonly at: At;
  readonly relation: string;
  readonly what: string;
  readonly expected: string;
}

function checked({ verdict, missing }: CheckAnswer): string {
  if (verdict === "conditional") return `conditional, without ${missing.join(", ")}`;
  return String(verdict === "yes");
}

function shown(text: string, { verdict }: { readonly verdict: "yes" | "conditional" }): string {
  return verdict === "yes" ? text : `${text} (conditional)`;
}

function listed(items: readonly string[]): string {
  return items.length === 0 ? "none" : [...new Set(items)].sort().join(", ");
}

/** More than a validation file is about. */
const mostFound = 100_000;

async function all<T>(
  ask: (page: { after?: string }) => Promise<{ items: readonly T[]; next: string | null }>,
): Promise<readonly T[]> {
  const found: T[] = [];
  let after: string | null = null;
  do {
    const page: { items: readonly T[]; next: string | null } = await ask(
      after === null ? {} : { after },
    );
    found.push(...page.items);
    after = page.next;
  } while (after !== null && found.length < mostFound);
  return found;
}

function relationshipOf({ user, relation, object, condition }: StoreTuple): Relationship {
  return {
    resource: parseObject(object),
    relation,
    subject: parseSubject(user),
    ...(condition === null ? {} : { caveat: condition }),
  };
}

function nameOf({ name, description }: StoreTest, index: number): string {
  return name ?? description ?? `test ${index + 1}`;
}

/** `/tests/0/check` as the parts of it. */
function pathOf(pointer: string): (string | number)[] {
  const parts = pointer.split("/").slice(1);
  return parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
