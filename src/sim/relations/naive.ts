import type { TupleRow } from "../../store/relations.ts";

/* What the answers must be, for the few schemas that are used here, by the shortest way to say it. */

type Rule =
  | { readonly kind: "any" | "both"; readonly of: readonly Rule[] }
  | { readonly kind: "minus"; readonly from: Rule; readonly what: Rule }
  | { readonly kind: "right"; readonly name: string }
  | { readonly kind: "arrow"; readonly over: string; readonly name: string };

/** Permissions by type and name. */
type Rules = Readonly<Record<string, Readonly<Record<string, Rule>>>>;

const any = (...of: Rule[]): Rule => ({ kind: "any", of });
const both = (...of: Rule[]): Rule => ({ kind: "both", of });
const minus = (from: Rule, what: Rule): Rule => ({ kind: "minus", from, what });
const right = (name: string): Rule => ({ kind: "right", name });
const arrow = (over: string, name: string): Rule => ({ kind: "arrow", over, name });

const [viewer, banned] = [right("viewer"), right("banned")];

/** What a permission means is changed while it is asked for. All have the same relations. */
const rules: readonly Rules[] = [
  {
    folder: { view: minus(any(viewer, arrow("parent", "view")), banned) },
    document: {
      view: minus(any(viewer, arrow("folder", "view")), banned),
      edit: both(viewer, arrow("folder", "view")),
    },
  },
  {
    folder: { view: minus(viewer, banned) },
    document: { view: any(viewer, arrow("folder", "view")), edit: minus(viewer, banned) },
  },
  {
    folder: { view: any(viewer, arrow("parent", "view")) },
    document: {
      view: minus(both(viewer, arrow("folder", "view")), banned),
      edit: any(viewer, banned),
    },
  },
];

const people = "user | user:* | group#member | user with expiration";

const relations: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  user: {},
  group: { member: "user | group#member" },
  folder: { parent: "folder", viewer: people, banned: "user | group#member" },
  document: { folder: "folder", viewer: people, banned: "user | group#member", mark: "user" },
};

/** The schemas as texts: what they mean is known by the place in this list. */
export const schemaTexts: readonly string[] = rules.map(print);

function print(permissions: Rules): string {
  const types = Object.entries(relations).map(([type, of]) => {
    const lines = Object.entries(of).map(([name, allowed]) => `  relation ${name}: ${allowed}`);
    for (const [name, rule] of Object.entries(permissions[type] ?? {})) {
      lines.push(`  permission ${name} = ${printRule(rule)}`);
    }
    return `definition ${type} {\n${lines.join("\n")}\n}`;
  });
  return ["use expiration", ...types].join("\n\n");
}

function printRule(rule: Rule): string {
  switch (rule.kind) {
    case "any":
      return `(${rule.of.map(printRule).join(" + ")})`;
    case "both":
      return `(${rule.of.map(printRule).join(" & ")})`;
    case "minus":
      return `(${printRule(rule.from)} - ${printRule(rule.what)})`;
    case "right":
      return rule.name;
    case "arrow":
      return `${rule.over}->${rule.name}`;
    default:
      return rule satisfies never;
  }
}

/** Relationships at one revision, with the schema of that revision. */
export class Snapshot {
  readonly schema: string | null;
  readonly rows: readonly TupleRow[];
  readonly #byResource = new Map<string, TupleRow[]>();

  constructor(rows: readonly TupleRow[], schema: string | null) {
    this.rows = rows;
    this.schema = schema;
    for (const row of rows) {
      const key = `${row.resourceType}:${row.resourceId}#${row.relation}`;
      const list = this.#byResource.get(key);
      if (list === undefined) this.#byResource.set(key, [row]);
      else list.push(row);
    }
  }

  /** Everything that can be asked for on a type. */
  rights(type: string): string[] {
    const permissions = Object.keys(this.#rules[type] ?? {});
    return [...Object.keys(relations[type] ?? {}), ...permissions];
  }

  get #rules(): Rules {
    return rules[schemaTexts.indexOf(this.schema ?? "")] ?? {};
  }

  has({ type, id, right: name, user, now }: Asked): boolean {
    const rule = this.#rules[type]?.[name];
    const holds = (of: Rule): boolean => this.#holds(of, { type, id, right: name, user, now });
    return rule === undefined ? this.#stored({ type, id, right: name, user, now }) : holds(rule);
  }

  #holds(rule: Rule, asked: Asked): boolean {
    switch (rule.kind) {
      case "any":
        return rule.of.some((part) => this.#holds(part, asked));
      case "both":
        return rule.of.every((part) => this.#holds(part, asked));
      case "minus":
        return this.#holds(rule.from, asked) && !this.#holds(rule.what, asked);
      case "right":
        return this.has({ ...asked, right: rule.name });
      case "arrow":
        return this.#rows(asked, rule.over).some(({ subjectType, subjectId }) =>
          this.has({ ...asked, type: subjectType, id: subjectId, right: rule.name }),
        );
      default:
        return rule satisfies never;
    }
  }

  #stored(asked: Asked): boolean {
    return this.#rows(asked, asked.right).some(({ subjectType, subjectId, subjectRelation }) => {
      if (subjectRelation === "")
        return subjectType === "user" && (subjectId === "*" || subjectId === asked.user);
      return this.has({ ...asked, type: subjectType, id: subjectId, right: subjectRelation });
    });
  }

  #rows({ type, id, now }: Asked, relation: string): TupleRow[] {
    const rows = this.#byResource.get(`${type}:${id}#${relation}`) ?? [];
    return rows.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
  }
}

export interface Asked {
  readonly type: string;
  readonly id: string;
  /** A relation or a permission. */
  readonly right: string;
  /** Id of a user. */
  readonly user: string;
  readonly now: number;
}
