/**
 * The oracle behind the contract, so that whatever runs over an engine runs over the oracle, too:
 * the suites then tell whether the oracle is right. It keeps every state as a plain list, validates
 * no more than the suites need, and does not watch.
 */
import { parseNativeSchema } from "../../src/authz/schema/native/parse.ts";
import { parseOpenfgaDsl } from "../../src/authz/schema/openfga/openfga.ts";
import type { Schema } from "../../src/authz/schema/schema.ts";
import type {
  AuthzPort,
  CheckAnswer,
  CheckManyAnswer,
  CheckManyRequest,
  CheckRequest,
  Consistency,
  ExpandAnswer,
  ExpandRequest,
  ExpandTree,
  FoundResource,
  FoundSubject,
  LookupPage,
  LookupResources,
  LookupSubjects,
  Page,
  PageRequest,
  PermissionsAnswer,
  PermissionsRequest,
  Question,
  ReadRelationships,
  RelationshipPage,
  RelationshipsWritten,
  SchemaWritten,
  TenantDescription,
  TenantPort,
  WriteRelationships,
  WriteSchema,
} from "../../src/model/authz.ts";
import { fail, toHoldfastError } from "../../src/model/errors.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import {
  formatRelationship,
  type Relationship,
  type SubjectRef,
  wildcardId,
} from "../../src/model/relationship.ts";
import type { Ground } from "./ground.ts";
import { type Answer, applyUpdates, isPlaced, Oracle } from "./oracle.ts";

export async function openOracle(): Promise<Ground> {
  return { authz: new OraclePort(), now: () => Date.now(), close: async () => {} };
}

class OraclePort implements AuthzPort {
  readonly #tenants = new Map<string, OracleTenant>();

  async createTenant({ id = "" } = {}): Promise<TenantDescription> {
    this.#tenants.set(id, new OracleTenant(id));
    return { id, name: id, limits: {}, createdAt: 0, updatedAt: 0 };
  }

  updateTenant(): Promise<TenantDescription> {
    throw notHere("updateTenant");
  }

  async deleteTenant(id: string): Promise<void> {
    this.#tenants.delete(id);
  }

  tenants(): Promise<Page<TenantDescription>> {
    throw notHere("tenants");
  }

  tenant(id: string): TenantPort {
    const tenant = this.#tenants.get(id);
    if (tenant === undefined) throw fail("unknown-tenant", { tenant: id });
    return tenant;
  }
}

class OracleTenant implements TenantPort {
  readonly id: string;
  readonly #states: { relationships: readonly Relationship[]; schema: Schema | null }[] = [
    { relationships: [], schema: null },
  ];

  constructor(id: string) {
    this.id = id;
  }

  async writeSchema({ dialect, text }: WriteSchema): Promise<SchemaWritten> {
    const parse = dialect === "native" ? parseNativeSchema : parseOpenfgaDsl;
    const { schema, problems } = parse(text, defaultLimits);
    if (schema === null) throw fail("schema-invalid", { reason: JSON.stringify(problems) });
    this.#states.push({ ...this.#at(), schema });
    const id = String(this.#states.length - 1);
    return { id, zookie: id, problems: [], orphans: [], orphanCount: 0 };
  }

  async write({ updates }: WriteRelationships): Promise<RelationshipsWritten> {
    const { relationships, schema } = this.#at();
    for (const { relationship } of updates) checkPlace(relationship, schema);
    this.#states.push({ relationships: applyUpdates(relationships, updates), schema });
    return { zookie: String(this.#states.length - 1), written: 0, deleted: 0 };
  }

  async read({ consistency }: ReadRelationships): Promise<RelationshipPage> {
    const { relationships } = this.#at(consistency);
    return { items: relationships.map((it) => ({ ...it, writtenAt: 0 })), next: null, zookie: "" };
  }

  async check(request: CheckRequest): Promise<CheckAnswer> {
    return { ...this.#check(request, request), zookie: "" };
  }

  async checkMany(request: CheckManyRequest): Promise<CheckManyAnswer> {
    const items = request.items.map((item) => {
      try {
        const context = { ...request.context, ...item.context };
        return this.#check({ ...request, context }, item);
      } catch (error) {
        return { error: toHoldfastError(error) };
      }
    });
    return { items, zookie: "" };
  }

  async expand(request: ExpandRequest): Promise<ExpandAnswer> {
    const oracle = this.#oracle(request);
    const { resource, permission } = request;
    const of = { ...resource, relation: permission };
    const each = [...oracle.world.schema.types.keys()].flatMap((type) =>
      [...oracle.subjects(resource, permission, { type })].map(([id, answer]) => {
        return { type, id, has: given(answer).verdict !== "no" };
      }),
    );
    // Whom a wildcard lets in and something else does not is taken away again.
    const children = [true, false].map((has): ExpandTree => {
      const subjects = each.filter((one) => one.has === has && (has || one.id !== wildcardId));
      return { kind: "leaf", of, subjects };
    });
    return { tree: { kind: "exclusion", of, children }, zookie: "" };
  }

  async lookupResources(request: LookupResources): Promise<LookupPage<FoundResource>> {
    const { resourceType, permission, subject } = request;
    this.#checkNames(resourceType, permission);
    this.#checkSubject(subject);
    const found = listed(this.#oracle(request).resources(resourceType, permission, subject));
    return paged(found, request);
  }

  async lookupSubjects(request: LookupSubjects): Promise<LookupPage<FoundSubject>> {
    const { resource, permission, subjectType: type, subjectRelation: relation } = request;
    this.#checkNames(resource.type, permission);
    this.#checkNames(type, relation);
    const of = { type, ...(relation === undefined ? {} : { relation }) };
    const answers = this.#oracle(request).subjects(resource, permission, of);
    const everybody = answers.get(wildcardId);
    const found = listed(answers);
    // Under a wildcard, those are told as well who need it not.
    const explicit = this.#oracle(request, ({ subject }) => subject.id !== wildcardId);
    if (everybody === undefined || given(everybody).verdict === "no") return paged(found, request);
    const excluded = [...answers]
      .filter(([id, answer]) => id !== wildcardId && given(answer).verdict !== "yes")
      .map(([id, answer]): FoundSubject => {
        const { verdict, missing } = given(answer);
        return { id, verdict: verdict === "no" ? "yes" : "conditional", missing };
      });
    const isTold = ({ id, verdict }: FoundSubject): boolean =>
      id === wildcardId ||
      verdict !== given(everybody).verdict ||
      given(explicit.check(resource, permission, { ...of, id })).verdict !== "no";
    return paged(
      found.filter(isTold).map((one) => (one.id === wildcardId ? { ...one, excluded } : one)),
      request,
    );
  }

  async permissions(request: PermissionsRequest): Promise<PermissionsAnswer> {
    const answers = this.#oracle(request).permissions(request.resource, request.subject);
    const permissions = [...answers].map(([name, answer]) => ({ name, ...given(answer) }));
    return { permissions, zookie: "" };
  }

  describe = notHere;
  readSchema = notHere;
  schemas = notHere;
  deleteRelationships = notHere;
  deleteObject = notHere;
  changes = notHere;
  watch = notHere;
  writeDocument = notHere;
  readDocument = notHere;

  #at(consistency?: Consistency): {
    relationships: readonly Relationship[];
    schema: Schema | null;
  } {
    const revision = consistency?.kind === "exact-snapshot" ? Number(consistency.zookie) : -1;
    const state = this.#states.at(revision);
    if (state === undefined) throw fail("zookie-future");
    return state;
  }

  #oracle(
    { consistency, context, contextual }: Question,
    keep: (relationship: Relationship) => boolean = () => true,
  ): Oracle {
    const { relationships, schema } = this.#at(consistency);
    if (schema === null) throw fail("schema-missing", { tenant: this.id });
    for (const relationship of contextual ?? []) checkPlace(relationship, schema);
    return new Oracle({
      schema,
      relationships: relationships.filter(keep),
      now: Date.now(),
      ...(context === undefined ? {} : { context }),
      ...(contextual === undefined ? {} : { contextual: contextual.filter(keep) }),
    });
  }

  #check(question: Question, { resource, permission, subject }: CheckItem) {
    this.#checkNames(resource.type, permission);
    this.#checkSubject(subject);
    return given(this.#oracle(question).check(resource, permission, subject));
  }

  #checkSubject({ type, id, relation }: SubjectRef): void {
    if (id.includes(":"))
      throw fail("invalid-relationship", { what: id, reason: "it has a colon" });
    this.#checkNames(type, relation);
  }

  #checkNames(type: string, relation?: string): void {
    const definition = this.#at().schema?.types.get(type);
    if (definition === undefined) throw fail("unknown-type", { type });
    if (relation !== undefined && !definition.relations.has(relation)) {
      throw fail("unknown-relation", { type, relation });
    }
  }
}

type CheckItem = Pick<CheckRequest, "resource" | "permission" | "subject">;

function notHere(what?: unknown): never {
  throw fail("internal", { reason: `the oracle has no ${String(what)}` });
}

function checkPlace(relationship: Relationship, schema: Schema | null): void {
  if (schema !== null && isPlaced(relationship, schema)) return;
  const subject = formatRelationship(relationship);
  throw fail("subject-not-allowed", { subject, relation: relationship.relation });
}

function given(answer: Answer) {
  if ("error" in answer) throw fail(answer.error, { what: "it" });
  return { verdict: answer.verdict, missing: [...answer.missing] };
}

function listed(answers: ReadonlyMap<string, Answer>): FoundResource[] {
  const found: FoundResource[] = [];
  for (const [id, answer] of answers) {
    const { verdict, missing } = given(answer);
    if (verdict !== "no") found.push({ id, verdict, missing });
  }
  return found;
}

function paged<T>(all: readonly T[], { limit = 100, after = "0" }: PageRequest): LookupPage<T> {
  const from = Number(after);
  const next = from + limit < all.length ? String(from + limit) : null;
  return { items: all.slice(from, from + limit), next, zookie: "" };
}
