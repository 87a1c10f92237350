import type { CaveatContext } from "../../../model/relationship.ts";
import { didYouMean } from "../../../std/suggest.ts";
import { isConditionName, isObject, isRelationName, isTypeName, isUser } from "./identifiers.ts";

/** A test file of OpenFGA's command line (`store.fga.yaml`): a model, tuples, and what must follow. */
export interface StoreFile {
  readonly name: string | null;
  /** The text of the model; wins over `modelFile`. */
  readonly model: string | null;
  readonly modelFile: string | null;
  readonly tuples: readonly StoreTuple[];
  readonly tupleFiles: readonly string[];
  readonly tests: readonly StoreTest[];
}

export interface StoreTuple {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
  readonly condition: { readonly name: string; readonly context: CaveatContext } | null;
}

export interface StoreTest {
  readonly name: string | null;
  readonly description: string | null;
  /** They hold for this test alone. */
  readonly tuples: readonly StoreTuple[];
  readonly tupleFiles: readonly string[];
  readonly check: readonly StoreCheck[];
  readonly listObjects: readonly StoreListObjects[];
  readonly listUsers: readonly StoreListUsers[];
}

/** Each user, each object, each relation. */
export interface StoreCheck {
  readonly users: readonly string[];
  readonly objects: readonly string[];
  readonly context: CaveatContext;
  readonly assertions: ReadonlyMap<string, boolean>;
}

export interface StoreListObjects {
  readonly user: string;
  readonly type: string;
  readonly context: CaveatContext;
  readonly assertions: ReadonlyMap<string, readonly string[]>;
}

export interface StoreListUsers {
  readonly object: string;
  readonly filters: readonly { readonly type: string; readonly relation: string | null }[];
  readonly context: CaveatContext;
  readonly assertions: ReadonlyMap<string, readonly string[]>;
}

export interface StoreFileProblem {
  /** `missing-model`, `missing-field`, `unknown-field`, `conflicting-fields`, `wrong-type`, `malformed`. */
  readonly code: string;
  /** Where in the value: `/tests/0/check/1/user`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

export interface ParsedStoreFile {
  readonly store: StoreFile | null;
  readonly problems: readonly StoreFileProblem[];
}

/** Takes what a YAML (or JSON) reader made of the file; files that it names are for others to read. */
export function parseOpenfgaStoreFile(value: unknown): ParsedStoreFile {
  const reader = new StoreReader();
  const store = reader.store(value);
  const { problems } = reader;
  return { store: problems.length === 0 ? store : null, problems };
}

/** The tuples alone, as a `tuple_file` has them. */
export function parseOpenfgaTuples(value: unknown): {
  readonly tuples: readonly StoreTuple[] | null;
  readonly problems: readonly StoreFileProblem[];
} {
  const reader = new StoreReader();
  const tuples = reader.tuples(value, "");
  const { problems } = reader;
  return { tuples: problems.length === 0 ? tuples : null, problems };
}

const mostProblems = 100;

interface Format {
  readonly is: (text: string) => boolean;
  readonly what: string;
}

const text: Format = { is: () => true, what: "a string" };
const user: Format = { is: isUser, what: "<type>:<id>, <type>:* or <type>:<id>#<relation>" };
const object: Format = { is: isObject, what: "<type>:<id>" };
const relation: Format = { is: isRelationName, what: "a relation" };
const typeName: Format = { is: isTypeName, what: "a type" };
const conditionName: Format = { is: isConditionName, what: "a condition" };

class StoreReader {
  readonly problems: StoreFileProblem[] = [];

  store(value: unknown): StoreFile {
    const fields = this.#fields(value, "", storeFields);
    const model = fields.optional("model", text);
    const modelFile = fields.optional("model_file", text);
    if (!model && !modelFile) {
      this.#refuse("missing-model", "", "'model' or 'model_file' must be there");
    }
    return {
      name: fields.optional("name", text),
      model,
      modelFile,
      tuples: this.tuples(fields.get("tuples"), "/tuples"),
      tupleFiles: fields.oneOrMany("tuple_file", "tuple_files", text),
      tests: fields.required("tests")
        ? this.#list(fields.get("tests"), "/tests", (test, path) => this.#test(test, path))
        : [],
    };
  }

  tuples(value: unknown, path: string): readonly StoreTuple[] {
    return this.#list(value, path, (tuple, at) => {
      const fields = this.#fields(tuple, at, ["user", "relation", "object", "condition"]);
      return {
        user: fields.text("user", user),
        relation: fields.text("relation", relation),
        object: fields.text("object", object),
        condition: this.#condition(fields.get("condition"), `${at}/condition`),
      };
    });
  }

  #condition(value: unknown, path: string): StoreTuple["condition"] {
    if (!isPresent(value)) return null;
    const fields = this.#fields(value, path, ["name", "context"]);
    return { name: fields.text("name", conditionName), context: fields.context() };
  }

  #test(value: unknown, path: string): StoreTest {
    const fields = this.#fields(value, path, testFields);
    return {
      name: fields.optional("name", text),
      description: fields.optional("description", text),
      tuples: this.tuples(fields.get("tuples"), `${path}/tuples`),
      tupleFiles: fields.oneOrMany("tuple_file", "tuple_files", text),
      check: this.#list(fields.get("check"), `${path}/check`, (one, at) => this.#check(one, at)),
      listObjects: this.#list(fields.get("list_objects"), `${path}/list_objects`, (one, at) =>
        this.#listObjects(one, at),
      ),
      listUsers: this.#list(fields.get("list_users"), `${path}/list_users`, (one, at) =>
        this.#listUsers(one, at),
      ),
    };
  }

  #check(value: unknown, path: string): StoreCheck {
    const names = ["user", "users", "object", "objects", "context", "assertions"];
    const fields = this.#fields(value, path, names);
    return {
      users: fields.eitherOr("user", "users", user),
      objects: fields.eitherOr("object", "objects", object),
      context: fields.context(),
      assertions: this.#assertions(fields, (expected, at) => this.#truth(expected, at)),
    };
  }

  #listObjects(value: unknown, path: string): StoreListObjects {
    const fields = this.#fields(value, path, ["user", "type", "context", "assertions"]);
    return {
      user: fields.text("user", user),
      type: fields.text("type", typeName),
      context: fields.context(),
      assertions: this.#assertions(fields, (expected, at) => this.#texts(expected, at, text)),
    };
  }

  #listUsers(value: unknown, path: string): StoreListUsers {
    const fields = this.#fields(value, path, ["object", "user_filter", "context", "assertions"]);
    const filters = fields.required("user_filter")
      ? this.#list(fields.get("user_filter"), `${path}/user_filter`, (filter, at) => {
          const parts = this.#fields(filter, at, ["type", "relation"]);
          return { type: parts.text("type", text), relation: parts.optional("relation", text) };
        })
      : [];
    return {
      object: fields.text("object", object),
      filters,
      context: fields.context(),
      assertions: this.#assertions(fields, (expected, at) => {
        const parts = this.#fields(expected, at, ["users"]);
        return this.#texts(parts.get("users"), `${at}/users`, user);
      }),
    };
  }

  #assertions<T>(
    fields: Fields,
    read: (value: unknown, path: string) => T,
  ): ReadonlyMap<string, T> {
    if (!fields.required("assertions")) return new Map();
    const path = `${fields.path}/assertions`;
    const entries = this.#entries(fields.get("assertions"), path);
    return new Map(entries.map(([name, value]) => [name, read(value, `${path}/${name}`)]));
  }

  #truth(value: unknown, path: string): boolean {
    if (typeof value !== "boolean") this.#refuse("wrong-type", path, "must be true or false");
    return value === true;
  }

  #texts(value: unknown, path: string, format: Format): readonly string[] {
    return this.#list(value, path, (one, at) => this.#text(one, at, format));
  }

  #text(value: unknown, path: string, format: Format): string {
    if (typeof value !== "string") {
      this.#refuse("wrong-type", path, "must be a string");
      return "";
    }
    if (!format.is(value)) this.#refuse("malformed", path, `must be ${format.what}`);
    return value;
  }

  #list<T>(value: unknown, path: string, read: (item: unknown, path: string) => T): readonly T[] {
    if (!isPresent(value)) return [];
    if (Array.isArray(value)) return value.map((item, index) => read(item, `${path}/${index}`));
    this.#refuse("wrong-type", path, "must be a list");
    return [];
  }

  #entries(value: unknown, path: string): readonly (readonly [string, unknown])[] {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return Object.entries(value);
    }
    this.#refuse("wrong-type", path, "must be an object");
    return [];
  }

  #fields(value: unknown, path: string, known: readonly string[]): Fields {
    const entries = new Map(this.#entries(value, path));
    for (const name of entries.keys()) {
      if (known.includes(name)) continue;
      const message = `has no field '${name}'`;
      const suggestion = didYouMean(name, known);
      const told = suggestion === undefined ? message : `${message}. ${suggestion}`;
      this.#refuse("unknown-field", path, told);
    }
    const at = (name: string): string => `${path}/${name}`;
    const required = (name: string): boolean => {
      const there = isPresent(entries.get(name));
      if (!there) this.#refuse("missing-field", path, `needs a field '${name}'`);
      return there;
    };
    const optional = (name: string, format: Format): string | null => {
      const field = entries.get(name);
      return isPresent(field) ? this.#text(field, at(name), format) : null;
    };
    return {
      path,
      get: (name) => entries.get(name),
      required,
      optional,
      text: (name, format) => (required(name) ? (optional(name, format) ?? "") : ""),
      context: () => {
        const context = entries.get("context");
        return isPresent(context) ? Object.fromEntries(this.#entries(context, at("context"))) : {};
      },
      oneOrMany: (one, many, format) => {
        const first = optional(one, format);
        const others = this.#texts(entries.get(many), at(many), format);
        return first === null ? others : [first, ...others];
      },
      eitherOr: (one, many, format) => {
        if (!isPresent(entries.get(many)))
          return required(one) ? [optional(one, format) ?? ""] : [];
        if (isPresent(entries.get(one))) {
          this.#refuse("conflicting-fields", path, `has both '${one}' and '${many}'`);
        }
        return this.#texts(entries.get(many), at(many), format);
      },
    };
  }

  #refuse(code: string, path: string, message: string): void {
    if (this.problems.length < mostProblems) this.problems.push({ code, path, message });
  }
}

/** Of one object. */
interface Fields {
  readonly path: string;
  get(name: string): unknown;
  /** Complains when it is not there. */
  required(name: string): boolean;
  optional(name: string, format: Format): string | null;
  text(name: string, format: Format): string;
  context(): CaveatContext;
  oneOrMany(one: string, many: string, format: Format): readonly string[];
  eitherOr(one: string, many: string, format: Format): readonly string[];
}

const storeFields: readonly string[] = [
  "name",
  "model",
  "model_file",
  "tuples",
  "tuple_file",
  "tuple_files",
  "tests",
];

const testFields: readonly string[] = [
  "name",
  "description",
  "tuples",
  "tuple_file",
  "tuple_files",
  "check",
  "list_objects",
  "list_users",
];

function isPresent(value: unknown): value is NonNullable<unknown> {
  return value !== undefined && value !== null;
}
