/** A history of one tenant with questions in between, as data: made at random, run, and shrunk. */
import type { CheckItem, SchemaDialect } from "../../src/model/authz.ts";
import {
  type CaveatContext,
  formatObject,
  formatRelationship,
  type ObjectRef,
  type Relationship,
  type RelationshipFilter,
  type RelationshipUpdate,
  type SubjectRef,
  wildcardId,
} from "../../src/model/relationship.ts";
import type { Prng } from "../../src/std/prng.ts";
import {
  caveatSources,
  caveatValues,
  chance,
  changedSchema,
  type DraftSchema,
  type DraftType,
  pick,
  randomSchema,
} from "./random-schema.ts";

export interface FuzzCase {
  readonly schema: DraftSchema;
  readonly steps: readonly Step[];
}

/** Times are hours after the case begins, wherever a relationship has an expiry. */
export type Step =
  | { readonly kind: "write"; readonly updates: readonly RelationshipUpdate[] }
  | { readonly kind: "delete"; readonly filter: RelationshipFilter }
  | { readonly kind: "delete-object"; readonly object: ObjectRef }
  | { readonly kind: "schema"; readonly schema: DraftSchema }
  | { readonly kind: "advance"; readonly hours: number }
  | Ask;

export interface Ask {
  readonly kind: "ask";
  /** So many states before the latest. */
  readonly back: number;
  readonly context: CaveatContext;
  readonly contextual: readonly Relationship[];
  readonly questions: readonly FuzzQuestion[];
}

export type FuzzQuestion =
  | {
      readonly kind: "check";
      readonly how: "single" | "bulk" | "explain";
      readonly item: CheckItem;
    }
  | {
      readonly kind: "resources";
      readonly type: string;
      readonly permission: string;
      readonly subject: SubjectRef;
      readonly limit: number;
    }
  | {
      readonly kind: "subjects";
      readonly resource: ObjectRef;
      readonly permission: string;
      readonly of: { readonly type: string; readonly relation?: string };
      readonly limit: number;
    }
  | { readonly kind: "permissions"; readonly resource: ObjectRef; readonly subject: SubjectRef }
  | { readonly kind: "expand"; readonly resource: ObjectRef; readonly permission: string };

/** Ids that one would mix up: case, numbers and their order as text. */
const ids: readonly string[] = ["a", "A", "10", "2"];

/** Every other case has no circles in its data, in which much is decided that else is not. */
export function randomCase(
  random: Prng,
  dialect: SchemaDialect,
  { circles = chance(random, 0.5) }: { readonly circles?: boolean } = {},
): FuzzCase {
  const { draft } = randomSchema(random, dialect);
  return new Making(random, { schema: draft, circles }).make();
}

class Making {
  readonly #random: Prng;
  #schema: DraftSchema;
  readonly #written: Relationship[] = [];
  readonly #circles: boolean;
  #hours = 0;

  constructor(
    random: Prng,
    { schema, circles }: { readonly schema: DraftSchema; readonly circles: boolean },
  ) {
    this.#random = random;
    this.#schema = schema;
    this.#circles = circles;
  }

  make(): FuzzCase {
    const schema = this.#schema;
    const steps: Step[] = [this.#write(5 + this.#random.below(40)), this.#ask(0)];
    for (let round = 1 + this.#random.below(4); round > 0; round--) {
      for (let changes = 1 + this.#random.below(3); changes > 0; changes--) {
        steps.push(this.#change());
      }
      steps.push(this.#ask(0));
      if (this.#chance(0.5)) steps.push(this.#ask(1 + this.#random.below(4)));
    }
    return { schema, steps };
  }

  #change(): Step {
    const form = this.#random.below(20);
    if (form < 3) {
      const hours = pick(this.#random, [0.5, 1, 2]);
      this.#hours += hours;
      return { kind: "advance", hours };
    }
    if (form === 3 && this.#written.length > 0) {
      const { resource, relation, subject } = pick(this.#random, this.#written);
      const filter = pick<RelationshipFilter>(this.#random, [
        { resourceType: resource.type, relation },
        { subjectType: subject.type, subjectId: subject.id },
        { resourceType: resource.type, resourceId: resource.id, subjectRelation: null },
      ]);
      return { kind: "delete", filter };
    }
    if (form === 4) return { kind: "delete-object", object: this.#object() };
    if (form < 8 && form > 4) {
      this.#schema = changedSchema(this.#random, this.#schema);
      return { kind: "schema", schema: this.#schema };
    }
    return this.#write(1 + this.#random.below(6));
  }

  #write(count: number): Step {
    const updates = new Map<string, RelationshipUpdate>();
    for (let index = 0; index < count; index++) {
      const isDelete = this.#written.length > 0 && this.#chance(count < 7 ? 0.4 : 0);
      const relationship = isDelete ? pick(this.#random, this.#written) : this.#relationship();
      if (relationship === null) continue;
      const put = this.#chance(0.1) ? "create" : "touch";
      updates.set(formatRelationship(relationship), {
        operation: isDelete ? "delete" : put,
        relationship,
      });
      if (!isDelete) this.#written.push(relationship);
    }
    return { kind: "write", updates: [...updates.values()] };
  }

  #relationship(): Relationship | null {
    const type = pick(this.#random, this.#types());
    const stored = type.members.filter(({ subjects }) => subjects.length > 0);
    if (stored.length === 0) return null;
    const { name: relation, subjects } = pick(this.#random, stored);
    const allowed = pick(this.#random, subjects);
    const id = allowed.wildcard ? wildcardId : pick(this.#random, ids);
    const caveat = allowed.caveat === null ? undefined : this.#caveat(allowed.caveat);
    const resource = { type: type.name, id: pick(this.#random, ids) };
    if (!this.#circles && rank(resource) <= rank({ type: allowed.type, id })) return null;
    const expiresAt = this.#hours + pick(this.#random, [-0.25, 0.25, 0.75, 1.25, 100]);
    return {
      resource,
      relation,
      subject: { type: allowed.type, id, ...relationOf(allowed.relation) },
      ...(caveat === undefined ? {} : { caveat }),
      ...(allowed.expiration ? { expiresAt } : {}),
    };
  }

  #caveat(name: string) {
    const parameters = caveatSources[name]?.parameters ?? [];
    const context = this.#values(
      parameters.map(([parameter]) => parameter),
      0.3,
    );
    return this.#chance(0.3) ? { name } : { name, context };
  }

  #values(names: readonly string[], probability: number): CaveatContext {
    const some = names.filter(() => this.#chance(probability));
    return Object.fromEntries(
      some.map((name) => [name, pick(this.#random, caveatValues[name] ?? [])]),
    );
  }

  #ask(back: number): Ask {
    const contextual: Relationship[] = [];
    for (let count = this.#chance(0.4) ? 1 + this.#random.below(4) : 0; count > 0; count--) {
      const relationship = this.#relationship();
      if (relationship !== null) contextual.push(relationship);
    }
    return {
      kind: "ask",
      back,
      context: this.#values(Object.keys(caveatValues), pick(this.#random, [0, 0.5, 0.8, 1])),
      contextual,
      questions: this.#questions(),
    };
  }

  #questions(): readonly FuzzQuestion[] {
    const questions: FuzzQuestion[] = [];
    const how = () => pick(this.#random, ["single", "bulk", "bulk", "bulk", "explain"] as const);
    for (const subject of [this.#user(), this.#user(), this.#subject()]) {
      for (const { name: type, members } of this.#types()) {
        for (const { name: permission } of members) {
          for (const id of ids) {
            const item = { resource: { type, id }, permission, subject };
            questions.push({ kind: "check", how: how(), item });
          }
        }
      }
    }
    for (let count = 0; count < 4; count++) questions.push(...this.#others());
    return questions;
  }

  #others(): readonly FuzzQuestion[] {
    const { type, name } = this.#right();
    const resource = { type, id: pick(this.#random, ids) };
    const subject = this.#chance(0.7) ? this.#user() : this.#subject();
    const { type: subjectType, relation } = this.#subject();
    const of = { type: subjectType, ...relationOf(relation ?? null) };
    const limit = () => pick(this.#random, [1, 2, 3, 100]);
    return [
      { kind: "resources", type, permission: name, subject, limit: limit() },
      { kind: "subjects", resource, permission: name, of, limit: limit() },
      { kind: "subjects", resource, permission: name, of: { type: "user" }, limit: limit() },
      { kind: "permissions", resource, subject },
      { kind: "expand", resource, permission: name },
    ];
  }

  #types(): readonly DraftType[] {
    return this.#schema.types.filter(({ members }) => members.length > 0);
  }

  #right(): { readonly type: string; readonly name: string } {
    const { name: type, members } = pick(this.#random, this.#types());
    return { type, name: pick(this.#random, members).name };
  }

  #object(): ObjectRef {
    return { type: pick(this.#random, this.#schema.types).name, id: pick(this.#random, ids) };
  }

  #user(): SubjectRef {
    return { type: "user", id: pick(this.#random, ids) };
  }

  #subject(): SubjectRef {
    if (this.#chance(0.4)) return this.#object();
    const { type, name: relation } = this.#right();
    return { type, id: pick(this.#random, ids), relation };
  }

  #chance(probability: number): boolean {
    return chance(this.#random, probability);
  }
}

/** Where relationships go only from higher to lower, none goes in a circle. */
function rank({ type, id }: ObjectRef): number {
  const types = ["user", "group", "folder", "document"];
  return type === "user" ? -1 : ids.indexOf(id) * types.length + types.indexOf(type);
}

function relationOf(relation: string | null): { readonly relation?: string } {
  return relation === null ? {} : { relation };
}

/** What the filter takes, as plainly as the contract says it. */
export function isMatch(
  { resource, relation, subject, caveat }: Relationship,
  filter: RelationshipFilter,
): boolean {
  const { resourceIdPrefix: prefix, subjectRelation } = filter;
  return (
    isAsked(filter.resourceType, resource.type) &&
    isAsked(filter.resourceId, resource.id) &&
    (prefix === undefined || resource.id.startsWith(prefix)) &&
    isAsked(filter.relation, relation) &&
    isAsked(filter.subjectType, subject.type) &&
    isAsked(filter.subjectId, subject.id) &&
    (subjectRelation === undefined || subjectRelation === (subject.relation ?? null)) &&
    isAsked(filter.caveat, caveat?.name)
  );
}

function isAsked(wanted: string | undefined, is: string | undefined): boolean {
  return wanted === undefined || wanted === is;
}

export function isAbout({ resource, subject }: Relationship, object: ObjectRef): boolean {
  const text = formatObject(object);
  return formatObject(resource) === text || formatObject(subject) === text;
}
