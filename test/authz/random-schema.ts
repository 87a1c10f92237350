/**
 * Random schemas of both languages, as data, so that a shrinker can take them apart. What a front
 * end refuses is thrown away: it knows the rules, and has tests of its own.
 */
import { parseNativeSchema } from "../../src/authz/schema/native/parse.ts";
import { parseOpenfgaDsl } from "../../src/authz/schema/openfga/openfga.ts";
import type { Expression, Schema } from "../../src/authz/schema/schema.ts";
import type { SchemaDialect } from "../../src/model/authz.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Prng } from "../../src/std/prng.ts";

export interface DraftSchema {
  readonly dialect: SchemaDialect;
  readonly types: readonly DraftType[];
}

export interface DraftType {
  readonly name: string;
  readonly members: readonly DraftMember[];
}

export interface DraftMember {
  readonly name: string;
  /** Empty: nothing is stored in it. */
  readonly subjects: readonly DraftSubject[];
  /** Native relations are nothing but what is stored. */
  readonly expression: Expression | null;
}

export interface DraftSubject {
  readonly type: string;
  readonly relation: string | null;
  readonly wildcard: boolean;
  readonly caveat: string | null;
  readonly expiration: boolean;
}

/** What the caveats of all schemas are, by name: the same in both languages. */
export const caveatSources: Readonly<
  Record<string, { readonly parameters: readonly (readonly [string, string])[]; text: string }>
> = {
  is_large: { parameters: [["x", "int"]], text: "x > 10" },
  is_on: {
    parameters: [
      ["flag", "bool"],
      ["y", "int"],
    ],
    text: "flag && y < 5",
  },
  is_equal: {
    parameters: [
      ["s", "string"],
      ["t", "string"],
    ],
    text: "s == t",
  },
};

/** Values that are worth trying for their parameters. */
export const caveatValues: Readonly<Record<string, readonly unknown[]>> = {
  x: [5, 20],
  flag: [true, false],
  y: [1, 9],
  s: ["a", "A"],
  t: ["a", "b"],
};

export function pick<T>(random: Prng, from: readonly T[]): T {
  const picked = from[random.below(from.length)];
  if (picked === undefined) throw new RangeError("nothing to pick from");
  return picked;
}

export function chance(random: Prng, probability: number): boolean {
  return random.float() < probability;
}

/** A schema that its front end takes, with how many it did not take before. */
export function randomSchema(
  random: Prng,
  dialect: SchemaDialect,
): { readonly draft: DraftSchema; readonly refused: number } {
  for (let refused = 0; ; refused++) {
    const draft = new Drafting(random, dialect).draft();
    if (parseDraft(draft) !== null) return { draft, refused };
    if (refused > 10_000) throw new RangeError(`no schema is taken: ${renderSchema(draft)}`);
  }
}

export function parseDraft(draft: DraftSchema): Schema | null {
  const parse = draft.dialect === "native" ? parseNativeSchema : parseOpenfgaDsl;
  return parse(renderSchema(draft), defaultLimits).schema;
}

/** The same with something taken away or added, as people change their schemas. */
export function changedSchema(random: Prng, draft: DraftSchema): DraftSchema {
  for (let attempt = 0; attempt < 50; attempt++) {
    const types = draft.types.map((type) => {
      if (type.name === "user" || chance(random, 0.5)) return type;
      const members = type.members.map((member): DraftMember => {
        if (member.subjects.length < 2 || chance(random, 0.5)) return member;
        return { ...member, subjects: member.subjects.slice(1) };
      });
      return { ...type, members };
    });
    const changed = { ...draft, types };
    if (parseDraft(changed) !== null) return changed;
  }
  return draft;
}

export class Drafting {
  readonly #random: Prng;
  readonly #dialect: SchemaDialect;
  /** Names are there before what they stand for, so that types may refer to each other. */
  readonly #plan: readonly {
    readonly type: string;
    readonly relations: readonly string[];
    readonly rights: readonly string[];
  }[];

  constructor(random: Prng, dialect: SchemaDialect) {
    this.#random = random;
    this.#dialect = dialect;
    const count = () => 1 + random.below(3);
    const names = (prefix: string) => Array.from({ length: count() }, (_, at) => `${prefix}${at}`);
    const types = ["group", "folder", "document"].slice(0, count());
    this.#plan = types.map((type) => ({ type, relations: names("rel"), rights: names("may") }));
  }

  draft(): DraftSchema {
    const self: readonly DraftMember[] =
      this.#dialect === "native" && this.#chance(0.3)
        ? [{ name: "myself", subjects: [], expression: { kind: "self" } }]
        : [];
    const types: DraftType[] = [{ name: "user", members: self }];
    for (const { type, relations, rights } of this.#plan) {
      const members: DraftMember[] = [];
      for (const name of relations) members.push(this.#relation(name));
      for (const name of rights) members.push(this.#right(name, { name: type, members }));
      types.push({ name: type, members });
    }
    return { dialect: this.#dialect, types };
  }

  #relation(name: string): DraftMember {
    const isStored = this.#dialect === "native" ? null : ({ kind: "this" } as const);
    return { name, subjects: this.#subjects(), expression: isStored };
  }

  #right(name: string, within: DraftType): DraftMember {
    const subjects = this.#dialect === "openfga" && this.#chance(0.4) ? this.#subjects() : [];
    const stored: readonly Expression[] = subjects.length > 0 ? [{ kind: "this" }] : [];
    const expression = this.#expression(within, { depth: 2, first: stored });
    return { name, subjects, expression };
  }

  #subjects(): readonly DraftSubject[] {
    const subjects: DraftSubject[] = [];
    const seen = new Set<string>();
    for (let count = 1 + this.#random.below(4); count > 0; count--) {
      const subject = this.#subject();
      const key = JSON.stringify(subject);
      if (!seen.has(key)) subjects.push(subject);
      seen.add(key);
    }
    return subjects;
  }

  #subject(): DraftSubject {
    const form = this.#random.below(10);
    const caveat = this.#chance(0.25) ? pick(this.#random, Object.keys(caveatSources)) : null;
    const expiration = this.#dialect === "native" && this.#chance(0.15);
    const traits = { relation: null, wildcard: false, caveat, expiration };
    if (form < 3) return { ...traits, type: "user" };
    if (form === 3) return { ...traits, type: "user", wildcard: true };
    const { type, relations, rights } = pick(this.#random, this.#plan);
    if (form < 7) return { ...traits, type };
    return { ...traits, type, relation: pick(this.#random, [...relations, ...rights]) };
  }

  #expression(
    within: DraftType,
    { depth, first = [] }: { readonly depth: number; readonly first?: readonly Expression[] },
  ): Expression {
    const form = this.#random.below(depth === 0 ? 1 : 7);
    if (form < 2 && first.length === 0) return this.#leaf(within);
    const next = () => this.#expression(within, { depth: Math.max(0, depth - 1) });
    if (form < 4)
      return { kind: "union", operands: [...first, next(), ...this.#more(first, next)] };
    if (form < 5) {
      return { kind: "intersection", operands: [...first, next(), ...this.#more(first, next)] };
    }
    return { kind: "exclusion", base: first[0] ?? next(), subtract: next() };
  }

  #more(first: readonly Expression[], next: () => Expression): readonly Expression[] {
    return first.length === 0 || this.#chance(0.2) ? [next()] : [];
  }

  #leaf({ members }: DraftType): Expression {
    if (this.#dialect === "native" && this.#chance(0.05)) return { kind: "nil" };
    if (this.#dialect === "native" && this.#chance(0.05)) return { kind: "self" };
    const arrow = this.#chance(0.4) ? this.#arrow(members, 2) : null;
    return arrow ?? { kind: "relation", name: pick(this.#random, members).name };
  }

  /** Over a relation that has objects of ours as subjects, if there is one. */
  #arrow(members: readonly DraftMember[], deepest: number): Expression | null {
    const over = members.filter(({ subjects, expression }) => {
      const isOnly = expression === null || expression.kind === "this";
      const isTaken = subjects.every(
        ({ wildcard, relation }) => !wildcard && (this.#dialect === "native" || relation === null),
      );
      return isOnly && isTaken && subjects.some(({ type }) => type !== "user");
    });
    if (over.length === 0) return null;
    const { name, subjects } = pick(this.#random, over);
    const to = pick(this.#random, subjects).type;
    const target = this.#plan.find(({ type }) => type === to);
    if (target === undefined) return null;
    const all = this.#dialect === "native" && this.#chance(0.25);
    const names = [...target.relations, ...target.rights];
    const end: Expression = { kind: "relation", name: pick(this.#random, names) };
    if (this.#dialect === "native" && !all && deepest > 1 && this.#chance(0.15)) {
      const nested = { kind: "arrow", over: pick(this.#random, target.relations) } as const;
      return { kind: "arrow", over: name, all, target: { ...nested, target: end, all: false } };
    }
    return { kind: "arrow", over: name, target: end, all };
  }

  #chance(probability: number): boolean {
    return chance(this.#random, probability);
  }
}

export function renderSchema({ dialect, types }: DraftSchema): string {
  const used = usedCaveats(types);
  if (dialect === "openfga") {
    const conditions = used.map((name) => renderCaveat("condition", name, ": "));
    return ["model\n  schema 1.1", ...types.map(renderOpenfgaType), ...conditions].join("\n");
  }
  const caveats = used.map((name) => renderCaveat("caveat", name, " "));
  const uses = `${usesSelf(types) ? "use self\n" : ""}${usesExpiration(types) ? "use expiration\n" : ""}`;
  return [uses, ...caveats, ...types.map(renderNativeType)].join("\n");
}

function usedCaveats(types: readonly DraftType[]): readonly string[] {
  const all = types.flatMap(({ members }) => members.flatMap(({ subjects }) => subjects));
  return Object.keys(caveatSources).filter((name) => all.some(({ caveat }) => caveat === name));
}

function usesExpiration(types: readonly DraftType[]): boolean {
  return types.some(({ members }) =>
    members.some(({ subjects }) => subjects.some(({ expiration }) => expiration)),
  );
}

function usesSelf(types: readonly DraftType[]): boolean {
  return types.some(({ members }) =>
    members.some(({ expression }) => JSON.stringify(expression).includes('"self"')),
  );
}

function renderCaveat(keyword: string, name: string, between: string): string {
  const source = caveatSources[name];
  const parameters = source?.parameters.map(([of, type]) => `${of}${between}${type}`).join(", ");
  return `${keyword} ${name}(${parameters}) {\n  ${source?.text}\n}`;
}

function renderNativeType({ name, members }: DraftType): string {
  const lines = members.map((member) =>
    member.expression === null
      ? `  relation ${member.name}: ${member.subjects.map(renderSubject).join(" | ")}`
      : `  permission ${member.name} = ${renderNative(member.expression)}`,
  );
  return [`definition ${name} {`, ...lines, "}"].join("\n");
}

function renderSubject({ type, relation, wildcard, caveat, expiration }: DraftSubject): string {
  const what = wildcard ? `${type}:*` : relation === null ? type : `${type}#${relation}`;
  const traits = [...(caveat === null ? [] : [caveat]), ...(expiration ? ["expiration"] : [])];
  return traits.length === 0 ? what : `${what} with ${traits.join(" and ")}`;
}

function renderNative(expression: Expression): string {
  switch (expression.kind) {
    case "relation":
      return expression.name;
    case "arrow": {
      const target = renderNative(expression.target);
      return expression.all ? `${expression.over}.all(${target})` : `${expression.over}->${target}`;
    }
    case "union":
      return `(${expression.operands.map(renderNative).join(" + ")})`;
    case "intersection":
      return `(${expression.operands.map(renderNative).join(" & ")})`;
    case "exclusion":
      return `(${renderNative(expression.base)} - ${renderNative(expression.subtract)})`;
    default:
      return expression.kind;
  }
}

function renderOpenfgaType({ name, members }: DraftType): string {
  const lines = members.map((member) => {
    const text = renderOpenfga(member.expression ?? { kind: "this" }, member.subjects);
    return `    define ${member.name}: ${text.replace(/^\((.*)\)$/, (whole, inner) => (isWhole(whole) ? inner : whole))}`;
  });
  return [`type ${name}`, ...(lines.length > 0 ? ["  relations"] : []), ...lines].join("\n");
}

/** Do the first and the last parenthesis belong to each other? */
function isWhole(text: string): boolean {
  let open = 0;
  for (const [at, char] of [...text].entries()) {
    if (char === "(") open++;
    if (char === ")") open--;
    if (open === 0 && at < text.length - 1) return false;
  }
  return true;
}

function renderOpenfga(expression: Expression, subjects: readonly DraftSubject[]): string {
  const render = (operand: Expression) => renderOpenfga(operand, subjects);
  switch (expression.kind) {
    case "this":
      return `[${subjects.map(renderSubject).join(", ")}]`;
    case "relation":
      return expression.name;
    case "arrow":
      return `${render(expression.target)} from ${expression.over}`;
    case "union":
      return `(${expression.operands.map(render).join(" or ")})`;
    case "intersection":
      return `(${expression.operands.map(render).join(" and ")})`;
    case "exclusion":
      return `(${render(expression.base)} but not ${render(expression.subtract)})`;
    default:
      throw new TypeError(`OpenFGA has no ${expression.kind}`);
  }
}
