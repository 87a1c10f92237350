/** Runs a case on an engine and on the oracle, and compares every answer. */
import type { Schema } from "../../src/authz/schema/schema.ts";
import type { Consistency, TenantPort } from "../../src/model/authz.ts";
import { HoldfastError } from "../../src/model/errors.ts";
import { formatRelationship, type Relationship } from "../../src/model/relationship.ts";
import { type Asked, Asking, type Found } from "./asking.ts";
import { type Ask, type FuzzCase, isAbout, isMatch, type Step } from "./fuzz-case.ts";
import { type Ground, newTenant } from "./ground.ts";
import { applyUpdates, isPlaced, Oracle } from "./oracle.ts";
import { type DraftSchema, parseDraft, renderSchema } from "./random-schema.ts";
import type { Tally } from "./suite-report.ts";

/** A ground whose clock can be put forward. */
export interface TimedGround extends Ground {
  advance(ms: number): Promise<void>;
}

export interface Disagreement extends Found {
  /** Where in the case. */
  readonly step: number;
}

const hour = 3_600_000;

interface State {
  readonly schema: Schema;
  readonly relationships: readonly Relationship[];
  readonly zookie: string;
}

/** The first disagreement, or null. Cases that make no sense agree: shrinking makes such. */
export async function runCase(
  { schema, steps }: FuzzCase,
  { ground, tally }: { readonly ground: TimedGround; readonly tally: Tally },
): Promise<Disagreement | null> {
  const run = new Run(await newTenant(ground), ground, tally);
  if (!(await run.schema(schema))) return null;
  for (const [index, step] of steps.entries()) {
    const found = await run.step(step);
    if (found !== null) return { step: index, ...found };
  }
  return null;
}

class Run {
  readonly #tenant: TenantPort;
  readonly #ground: TimedGround;
  readonly #tally: Tally;
  readonly #start: number;
  readonly #states: State[] = [];

  constructor(tenant: TenantPort, ground: TimedGround, tally: Tally) {
    this.#tenant = tenant;
    this.#ground = ground;
    this.#tally = tally;
    this.#start = ground.now();
  }

  async schema(draft: DraftSchema): Promise<boolean> {
    const schema = parseDraft(draft);
    if (schema === null) return false;
    const text = renderSchema(draft);
    const { zookie } = await this.#tenant.writeSchema({
      dialect: draft.dialect,
      text,
      orphans: "keep",
    });
    this.#states.push({ schema, relationships: this.#states.at(-1)?.relationships ?? [], zookie });
    return true;
  }

  async step(step: Step): Promise<Found | null> {
    switch (step.kind) {
      case "schema":
        await this.schema(step.schema);
        return null;
      case "advance":
        await this.#ground.advance(step.hours * hour);
        return null;
      case "write":
        return await this.#write(step);
      case "delete":
        return await this.#delete(
          (held) => isMatch(held, step.filter),
          () => this.#tenant.deleteRelationships({ filter: step.filter }),
        );
      case "delete-object":
        return await this.#delete(
          (held) => isAbout(held, step.object),
          () => this.#tenant.deleteObject(step.object),
        );
      case "ask":
        return await new Asking(this.#question(step), this.#tally).all(step.questions);
    }
  }

  get #latest(): State {
    return this.#states.at(-1) as State; // there is one from the first schema on
  }

  async #write({ updates }: Step & { kind: "write" }): Promise<Found | null> {
    const { relationships, schema } = this.#latest;
    const placed = updates
      .map((update) => ({ ...update, relationship: this.#dated(update.relationship) }))
      .filter(({ relationship }) => isPlaced(relationship, schema));
    if (placed.length === 0) return null;
    const held = new Map(relationships.map((one) => [formatRelationship(one), one]));
    const isThere = (one: Relationship) => held.has(formatRelationship(one));
    // Whether what has expired is still there for a create is not promised.
    const creates = placed.filter(({ operation }) => operation === "create");
    const refuses = creates.some(({ relationship }) => isThere(relationship));
    if (refuses && relationships.some(({ expiresAt }) => expiresAt !== undefined)) return null;
    try {
      const { zookie } = await this.#tenant.write({ updates: placed });
      this.#tally.count("writes");
      this.#states.push({ schema, relationships: applyUpdates(relationships, placed), zookie });
      if (refuses) return found("write", "a create of what is there was taken");
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#tally.count("writes refused");
      const expected = refuses ? "relationship-exists" : "nothing";
      if (error.code !== expected) return found("write", `${error.code}: ${error.message}`);
    }
    return null;
  }

  async #delete(
    isGone: (held: Relationship) => boolean,
    act: () => Promise<{ readonly zookie: string; readonly deleted: number }>,
  ): Promise<Found | null> {
    const { relationships, schema } = this.#latest;
    const { zookie } = await act();
    this.#tally.count("deletes");
    const left = relationships.filter((held) => !isGone(held));
    this.#states.push({ schema, relationships: left, zookie });
    return null;
  }

  #question({ back, context, contextual }: Ask): Asked {
    const state = this.#states.at(Math.max(-this.#states.length, -1 - back)) as State; // in range
    const { schema, relationships, zookie } = state;
    const held = new Set(relationships.map(formatRelationship));
    const own = contextual
      .map((one) => this.#dated(one))
      .filter((one) => isPlaced(one, schema) && !held.has(formatRelationship(one)));
    const kinds: readonly Consistency[] =
      back > 0
        ? [{ kind: "exact-snapshot", zookie }]
        : [
            { kind: "minimize-latency" },
            { kind: "fully-consistent" },
            { kind: "at-least-as-fresh", zookie },
            { kind: "exact-snapshot", zookie },
          ];
    const distinct = [...new Map(own.map((one) => [formatRelationship(one), one])).values()];
    return {
      tenant: this.#tenant,
      kinds,
      question: { context, ...(distinct.length === 0 ? {} : { contextual: distinct }) },
      oracle: new Oracle({
        schema,
        relationships,
        context,
        contextual: distinct,
        now: this.#ground.now(),
      }),
    };
  }

  #dated(relationship: Relationship): Relationship {
    const { expiresAt } = relationship;
    if (expiresAt === undefined) return relationship;
    return { ...relationship, expiresAt: Math.floor(this.#start + expiresAt * hour) };
  }
}

function found(kind: string, text: string): Found {
  return { kind, question: null, text };
}
