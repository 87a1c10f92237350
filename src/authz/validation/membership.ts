/**
 * Who has a permission, and through which relations: what the `validation` block of SpiceDB's files
 * lists. The tree of the expansion says through what; checks say whether.
 */
import type { ExpandTree, TenantPort } from "../../model/authz.ts";
import {
  formatSubject,
  type ObjectRef,
  type SubjectRef,
  wildcardId,
} from "../../model/relationship.ts";

export interface Member {
  readonly subject: SubjectRef;
  readonly conditional: boolean;
  /** Of a wildcard: who has not got it all the same. */
  readonly excluded: readonly string[];
  /** `document:1#viewer`, sorted. */
  readonly through: readonly string[];
}

/** By the text of the subject. */
export async function membersOf(
  tenant: TenantPort,
  right: { readonly resource: ObjectRef; readonly permission: string },
): Promise<ReadonlyMap<string, Member>> {
  const { tree } = await tenant.expand({ ...right, deep: true });
  const held = holders(tree);
  const subjects = [...held.values()].map(({ subject }) => subject);
  const wildcards = subjects.filter(({ id }) => id === wildcardId);
  const others = subjects.filter(({ id }) => id !== wildcardId);
  const { items } = await tenant.checkMany({
    items: others.map((subject) => ({ ...right, subject })),
  });
  const members = new Map<string, Member>();
  for (const [index, subject] of others.entries()) {
    const answer = items[index];
    if (answer === undefined) continue;
    if ("error" in answer) throw answer.error;
    if (answer.verdict === "no") continue;
    const text = formatSubject(subject);
    const conditional = answer.verdict === "conditional";
    members.set(text, { subject, conditional, excluded: [], through: through(held, text) });
  }
  for (const subject of wildcards) {
    const found = await everybody(tenant, right, subject);
    const text = formatSubject(subject);
    if (found !== null) members.set(text, { ...found, subject, through: through(held, text) });
  }
  return members;
}

async function everybody(
  tenant: TenantPort,
  right: { readonly resource: ObjectRef; readonly permission: string },
  { type }: SubjectRef,
): Promise<Pick<Member, "conditional" | "excluded"> | null> {
  const { items } = await tenant.lookupSubjects({ ...right, subjectType: type, limit: 1 });
  const found = items.find(({ id }) => id === wildcardId);
  if (found === undefined) return null;
  const excluded = (found.excluded ?? []).map(({ id, verdict }) =>
    verdict === "conditional" ? `${type}:${id}[...]` : `${type}:${id}`,
  );
  return { conditional: found.verdict === "conditional", excluded: excluded.sort() };
}

/** Who stands in a part of a tree, and under which relations. */
type Holders = ReadonlyMap<
  string,
  { readonly subject: SubjectRef; readonly through: ReadonlySet<string> }
>;

function through(held: Holders, text: string): readonly string[] {
  return [...(held.get(text)?.through ?? [])].sort();
}

function holders(tree: ExpandTree): Holders {
  switch (tree.kind) {
    case "leaf": {
      const relation = `${tree.of.type}:${tree.of.id}#${tree.of.relation}`;
      const all = tree.subjects.map(({ type, id, relation: name }) => {
        const subject = name === undefined ? { type, id } : { type, id, relation: name };
        return [formatSubject(subject), { subject, through: new Set([relation]) }] as const;
      });
      return new Map(all);
    }
    case "union":
      return tree.children.map(holders).reduce(either, new Map());
    case "intersection": {
      const [first, ...others] = tree.children.map(holders);
      return others.reduce(both, first ?? new Map());
    }
    case "exclusion": {
      const [base] = tree.children;
      return base === undefined ? new Map() : holders(base);
    }
    case "computed":
      return new Map();
  }
}

function either(a: Holders, b: Holders): Holders {
  const all = new Map(a);
  for (const [text, held] of b) {
    const own = all.get(text);
    all.set(text, { ...held, through: held.through.union(own?.through ?? new Set()) });
  }
  return all;
}

/** Everybody of a type includes each of it. */
function both(a: Holders, b: Holders): Holders {
  const all = new Map<string, { subject: SubjectRef; through: ReadonlySet<string> }>();
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const [text, { subject, through: own }] of one) {
      const isObject = subject.relation === undefined;
      const match = other.get(text) ?? (isObject ? other.get(`${subject.type}:*`) : undefined);
      if (match !== undefined) all.set(text, { subject, through: own.union(match.through) });
    }
  }
  return all;
}
