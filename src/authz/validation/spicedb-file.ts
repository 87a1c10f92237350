/** Files of SpiceDB's tools: schema, relationships, assertions and expected relations. */
import type { CheckItem, TenantPort, Verdict } from "../../model/authz.ts";
import { HoldfastError } from "../../model/errors.ts";
import type { CaveatContext } from "../../model/relationship.ts";
import { didYouMean } from "../../std/suggest.ts";
import type { Placed } from "../placed.ts";
import { isBlank, parseCheckItem, parseContext, parseRelationship } from "../relationship-text.ts";
import { problemText } from "../schema/problem.ts";
import { describeMember, type ExpectedMember, parseExpected, printMember } from "./expected.ts";
import { Loading } from "./load.ts";
import { membersOf } from "./membership.ts";
import type { YamlSource } from "./source.ts";
import type {
  FileProblem,
  Outcome,
  SchemaSource,
  ValidationOptions,
  ValidationReport,
} from "./validation.ts";

const verdicts = { assertTrue: "yes", assertFalse: "no", assertCaveated: "conditional" } as const;
const known = ["schema", "schemaFile", "relationships", "assertions", "validation"];

export async function validateSpicedbFile(
  source: YamlSource,
  options: ValidationOptions,
): Promise<ValidationReport> {
  return new SpicedbFile(source, await options.makeTenant()).run(options);
}

class SpicedbFile {
  readonly #source: YamlSource;
  readonly #tenant: TenantPort;
  readonly #loading: Loading;
  readonly #problems: FileProblem[];
  readonly #outcomes: Outcome[] = [];

  constructor(source: YamlSource, tenant: TenantPort) {
    this.#source = source;
    this.#tenant = tenant;
    this.#loading = new Loading(tenant);
    this.#problems = this.#loading.problems;
  }

  async run({ readFile }: ValidationOptions): Promise<ValidationReport> {
    const fields = fieldsOf(this.#source.value);
    for (const name of Object.keys(fields)) {
      if (known.includes(name)) continue;
      const message = problemText({ message: `There is no field ${name}`, ...meant(name, known) });
      this.#problems.push({ message, line: this.#source.keyLine([], name), severity: "error" });
    }
    const schema = await this.#schema(fields, readFile);
    const lineOf = ({ at }: { at: { line: number; column: number } }) =>
      this.#source.placeIn(["schema"], at);
    if (schema !== null && (await this.#loading.schema(schema, lineOf))) {
      await this.#loading.relationships(this.#relationships(fields["relationships"]));
      await this.#assertions(fields["assertions"]);
      await this.#expectations(fields["validation"]);
    }
    return { form: "spicedb", problems: this.#problems, outcomes: this.#outcomes };
  }

  async #schema(
    { schema, schemaFile }: Readonly<Record<string, unknown>>,
    readFile: ValidationOptions["readFile"],
  ): Promise<SchemaSource | null> {
    if (typeof schema === "string") return { dialect: "native", text: schema, file: null };
    if (typeof schemaFile !== "string") {
      this.#refuse("A schema or schemaFile must be there, as text", []);
      return null;
    }
    try {
      return { dialect: "native", text: await readFile(schemaFile), file: schemaFile };
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#refuse(error.message, ["schemaFile"]);
      return null;
    }
  }

  #relationships(value: unknown): Placed[] {
    if (value === undefined || value === null) return [];
    if (typeof value !== "string") {
      this.#refuse("relationships must be text, one a line", ["relationships"]);
      return [];
    }
    const lineOf = this.#source.lineFinder(["relationships"]);
    return value.split("\n").flatMap((text) => {
      const line = lineOf(text.trim());
      if (isBlank(text)) return [];
      const relationship = this.#try(() => parseRelationship(text), line);
      return relationship === undefined ? [] : [{ relationship, line }];
    });
  }

  async #assertions(value: unknown): Promise<void> {
    for (const [group, list] of Object.entries(this.#fields(value, "assertions"))) {
      const path = ["assertions", group];
      if (!Object.hasOwn(verdicts, group)) {
        const message = `There is no kind of assertions ${group}`;
        this.#refuse(problemText({ message, ...meant(group, Object.keys(verdicts)) }), path);
        continue;
      }
      const expected = verdicts[group as keyof typeof verdicts]; // as looked up
      for (const [index, text] of this.#list(list, path)) {
        const line = this.#source.line([...path, index]);
        const question = this.#try(() => parseAssertion(text), line);
        if (question !== undefined) await this.#assert({ group, text, line, expected, question });
      }
    }
  }

  async #assert({ group, text, line, expected, question }: Assertion): Promise<void> {
    try {
      const answer = await this.#tenant.check({ ...question, explain: true });
      const { verdict, missing, explanation } = answer;
      const passed = verdict === expected;
      const given = missing.length === 0 ? verdict : `${verdict}, without ${missing.join(", ")}`;
      const why = passed || explanation === undefined ? {} : { explanation };
      this.#outcomes.push({ group, what: text, line, passed, expected, given, ...why });
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const given = error.message;
      this.#outcomes.push({ group, what: text, line, passed: false, expected, given });
    }
  }

  async #expectations(value: unknown): Promise<void> {
    for (const [right, list] of Object.entries(this.#fields(value, "validation"))) {
      const line = this.#source.keyLine(["validation"], right);
      const item = this.#try(() => parseCheckItem(`${right}@nobody:nobody`), line);
      if (item === undefined) continue;
      const { resource, permission } = item;
      const found = await membersOf(this.#tenant, { resource, permission }).catch((error) => {
        if (!(error instanceof HoldfastError)) throw error;
        return error;
      });
      if (found instanceof HoldfastError) {
        this.#problems.push({ message: found.message, line, severity: "error" });
        continue;
      }
      const members = new Map([...found].map(([text, member]) => [text, describeMember(member)]));
      this.#compare(right, { list, members });
    }
  }

  #compare(
    right: string,
    { list, members }: { list: unknown; members: Map<string, ExpectedMember> },
  ): void {
    const path = ["validation", right];
    for (const [index, text] of this.#list(list, path)) {
      const line = this.#source.line([...path, index]);
      const wanted = this.#try(() => parseExpected(text), line);
      if (wanted === undefined) continue;
      const member = members.get(wanted.subject);
      members.delete(wanted.subject);
      const expected = printMember(wanted);
      const given = member === undefined ? "is not there" : printMember(member);
      const passed = expected === given;
      const what = `${right}: ${wanted.subject}`;
      this.#outcomes.push({ group: "validation", what, line, passed, expected, given });
    }
    for (const member of members.values()) {
      const line = this.#source.keyLine(["validation"], right);
      const [what, given] = [`${right}: ${member.subject}`, printMember(member)];
      const expected = "is not listed";
      this.#outcomes.push({ group: "validation", what, line, passed: false, expected, given });
    }
  }

  #fields(value: unknown, name: string): Readonly<Record<string, unknown>> {
    const isThere = value !== undefined && value !== null;
    if (isThere && (typeof value !== "object" || Array.isArray(value))) {
      this.#refuse(`${name} must have fields`, [name]);
    }
    return fieldsOf(value);
  }

  #list(value: unknown, path: readonly string[]): readonly (readonly [number, string])[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) {
      return value.map((item, index) => [index, item] as const);
    }
    this.#refuse(`${path.join(".")} must be a list of texts`, path);
    return [];
  }

  /** The value, or a problem at the line. */
  #try<T>(read: () => T, line: number | null): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#problems.push({ message: error.message, line, severity: "error" });
      return undefined;
    }
  }

  #refuse(message: string, path: readonly string[]): void {
    const line = this.#source.line(path);
    this.#problems.push({ message, line, severity: "error" });
  }
}

interface Assertion {
  readonly group: string;
  readonly text: string;
  readonly line: number | null;
  readonly expected: Verdict;
  readonly question: CheckItem & { readonly context?: CaveatContext };
}

/** `document:1#view@user:ada with {"k": 2}` */
function parseAssertion(text: string): Assertion["question"] {
  const [, item = "", context] = /^\s*(\S+)(?:\s+with\s+([\s\S]*))?$/.exec(text) ?? [];
  const question = parseCheckItem(item === "" ? text : item);
  return context === undefined
    ? question
    : { ...question, context: parseContext(context.trim(), text) };
}

function meant(name: string, names: readonly string[]): { readonly suggestion?: string } {
  const suggestion = didYouMean(name, names);
  return suggestion === undefined ? {} : { suggestion };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>) // by construction
    : {};
}
