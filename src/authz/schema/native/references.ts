/** Whether names that are used exist, and may be used so. */
import { didYouMean } from "../../../std/suggest.ts";
import type { Problems } from "./problems.ts";
import type { Scope, TypeScope } from "./scope.ts";
import type { ExpressionNode, Name, PermissionNode, RelationNode, SubjectNode } from "./syntax.ts";

/** Types looked at for steps of arrows that follow each other: real schemas need some hundreds. */
const mostSteps = 1_000_000;

export class References {
  readonly #scope: Scope;
  readonly #problems: Problems;
  /** Relations that have everybody of a type among their subjects, and of which type. */
  readonly #wildcards: ReadonlyMap<string, string>;
  /** Of each relation, by `type#relation`: the types of its subjects. */
  readonly #subjectTypes = new Map<string, ReadonlySet<string>>();
  #steps = 0;

  constructor(scope: Scope, problems: Problems) {
    this.#scope = scope;
    this.#problems = problems;
    this.#wildcards = wildcardRelations(scope);
  }

  check(type: string, node: RelationNode | PermissionNode): void {
    if (node.kind === "permission") {
      this.#expression(type, node.expression);
      return;
    }
    const seen = new Set<string>();
    for (const subject of node.subjects) {
      if (this.#problems.full) return;
      this.#subject(type, subject);
      const text = subjectText(subject);
      if (seen.has(text)) {
        const message = `Relation "${node.name.text}" takes "${text}" already`;
        this.#problems.add("duplicate-subject", subject, { message });
      }
      seen.add(text);
    }
  }

  /** Permissions of a type that are computed from themselves, without an arrow in between. */
  checkCycles(type: string): void {
    const members = this.#scope.types.get(type)?.members ?? new Map();
    const done = new Set<string>();
    for (const start of members.keys()) {
      if (done.has(start)) continue;
      const path: { readonly name: string; readonly next: Iterator<Name> }[] = [];
      const onPath = new Set<string>();
      const enter = (name: string): void => {
        done.add(name);
        onPath.add(name);
        path.push({ name, next: usedNames(members.get(name)?.node).values() });
      };
      enter(start);
      for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
        const used = top.next.next();
        if (used.done === true) {
          path.pop();
          onPath.delete(top.name);
        } else if (onPath.has(used.value.text)) {
          this.#cycle(
            used.value,
            path.map(({ name }) => name),
          );
        } else if (members.has(used.value.text) && !done.has(used.value.text)) {
          enter(used.value.text);
        }
      }
    }
  }

  #cycle(at: Name, path: readonly string[]): void {
    const circle = [...path.slice(path.indexOf(at.text)), at.text];
    const shown = circle.length <= 10 ? circle : [...circle.slice(0, 5), "…", ...circle.slice(-4)];
    const message =
      circle.length === 2
        ? `Permission "${at.text}" is computed from itself`
        : `Permission "${at.text}" is computed from itself: ${shown.join(" → ")}`;
    this.#problems.add("permission-cycle", at, { message });
  }

  // --- Subjects of a relation ----------------------------------------------------------------------

  #subject(owner: string, subject: SubjectNode): void {
    const { type, relation } = subject;
    const found = this.#scope.types.get(type.text);
    if (found === undefined) {
      this.#unknown("unknown-type", type, {
        message: `There is no type "${type.text}"`,
        names: this.#scope.types.keys(),
        known: this.#scope.damaged,
      });
    } else if (relation !== null) {
      this.#userset(owner, { type, relation, found });
    }
    const { caveat } = subject;
    if (caveat === null || this.#scope.caveats.has(caveat.text)) return;
    if (caveat.text === "expiration") {
      this.#problems.add("expiration-not-enabled", caveat, {
        message: '"expiration" is a feature that must be switched on',
        suggest: () => 'Begin the schema with "use expiration".',
      });
      return;
    }
    this.#unknown("unknown-caveat", caveat, {
      message: `There is no caveat "${caveat.text}"`,
      names: this.#scope.caveats.keys(),
      known: this.#scope.damaged,
    });
  }

  #userset(
    owner: string,
    { type, relation, found }: { type: Name; relation: Name; found: TypeScope },
  ): void {
    if (!found.members.has(relation.text)) {
      this.#unknown("unknown-relation", relation, {
        message: `Type "${type.text}" has no relation or permission "${relation.text}"`,
        names: found.members.keys(),
        known: found.node.damaged,
      });
      return;
    }
    const everybody = this.#wildcards.get(`${type.text}#${relation.text}`);
    if (everybody === undefined || type.text === owner) return;
    const span = { start: type.start, end: relation.end };
    const message = `"${type.text}#${relation.text}" includes "${everybody}:*": relations that include everybody cannot be subjects of others`;
    this.#problems.add("transitive-wildcard", span, { message });
  }

  // --- Expressions ---------------------------------------------------------------------------------

  #expression(type: string, node: ExpressionNode): void {
    if (node.kind === "name") this.#member(type, node.name);
    if (node.kind === "arrow") this.#arrow(type, node.steps);
    if (!("operands" in node)) return;
    for (const operand of node.operands) {
      if (this.#problems.full) return;
      this.#expression(type, operand);
    }
  }

  #member(type: string, name: Name): RelationNode | PermissionNode | undefined {
    const scope = this.#scope.types.get(type);
    const found = scope?.members.get(name.text)?.node;
    if (found !== undefined || scope === undefined) return found;
    if (name.text === "self") {
      this.#problems.add("self-not-enabled", name, {
        message: '"self" is a feature that must be switched on',
        suggest: () => 'Begin the schema with "use self".',
      });
      return undefined;
    }
    this.#unknown("unknown-relation", name, {
      message: `Type "${type}" has no relation or permission "${name.text}"`,
      names: scope.members.keys(),
      known: scope.node.damaged,
    });
    return undefined;
  }

  /** Every step but the last goes over a relation; the first must exist, the others may. */
  #arrow(type: string, steps: readonly Name[]): void {
    const [first] = steps;
    if (first === undefined) return;
    const relation = this.#member(type, first);
    if (relation === undefined || !this.#goesOver(type, first, relation)) return;
    let types = this.#typesOf(type, relation);
    for (const step of steps.slice(1, -1)) {
      const next = new Set<string>();
      for (const each of types) {
        if (++this.#steps > mostSteps) {
          const message = "The schema has too many arrows that follow each other to be checked";
          this.#problems.add("too-complex", step, { message });
          return;
        }
        const found = this.#scope.types.get(each)?.members.get(step.text)?.node;
        if (found === undefined) continue;
        if (!this.#goesOver(each, step, found)) return;
        for (const subject of this.#typesOf(each, found)) next.add(subject);
        this.#steps += this.#typesOf(each, found).size;
      }
      types = next;
    }
  }

  #goesOver(type: string, name: Name, node: RelationNode | PermissionNode): boolean {
    if (node.kind === "permission") {
      const message = `"${name.text}" of type "${type}" is a permission: an arrow goes over a relation`;
      this.#problems.add("arrow-over-permission", name, { message });
      return false;
    }
    const everybody = this.#wildcards.get(`${type}#${name.text}`);
    if (everybody === undefined) return true;
    const message = `"${type}#${name.text}" includes "${everybody}:*": an arrow cannot go over everybody`;
    this.#problems.add("arrow-over-wildcard", name, { message });
    return false;
  }

  #typesOf(type: string, node: RelationNode | PermissionNode): ReadonlySet<string> {
    const key = `${type}#${node.name.text}`;
    let types = this.#subjectTypes.get(key);
    if (types === undefined) {
      const subjects = node.kind === "relation" ? node.subjects : [];
      types = new Set(subjects.map((subject) => subject.type.text));
      this.#subjectTypes.set(key, types);
    }
    return types;
  }

  /** `known`: that the name is missing may be due to a problem that was told already. */
  #unknown(
    code: string,
    name: Name,
    { message, names, known }: { message: string; names: Iterable<string>; known: boolean },
  ): void {
    if (known) return;
    this.#problems.add(code, name, { message, suggest: () => didYouMean(name.text, names) });
  }
}

/** Directly, or through the relations that are its subjects. */
function wildcardRelations(scope: Scope): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const usedBy = new Map<string, string[]>();
  for (const [type, { members }] of scope.types) {
    for (const [name, { node }] of members) {
      if (node.kind !== "relation") continue;
      const key = `${type}#${name}`;
      for (const subject of node.subjects) {
        if (subject.wildcard && !found.has(key)) found.set(key, subject.type.text);
        if (subject.relation === null) continue;
        const used = `${subject.type.text}#${subject.relation.text}`;
        const users = usedBy.get(used);
        if (users === undefined) usedBy.set(used, [key]);
        else users.push(key);
      }
    }
  }
  // A map goes on to what is added while it is walked over.
  for (const [key, type] of found) {
    for (const user of usedBy.get(key) ?? []) {
      if (!found.has(user)) found.set(user, type);
    }
  }
  return found;
}

/** What the permission is computed from on the same object. */
function usedNames(node: RelationNode | PermissionNode | undefined): Name[] {
  const names: Name[] = [];
  if (node?.kind !== "permission") return names;
  const rest: ExpressionNode[] = [node.expression];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (next.kind === "name") names.push(next.name);
    if ("operands" in next) for (const operand of next.operands) rest.push(operand);
  }
  return names.reverse();
}

function subjectText({ type, relation, wildcard, caveat, expiration }: SubjectNode): string {
  const traits = [...(caveat === null ? [] : [caveat.text]), ...(expiration ? ["expiration"] : [])];
  const what = wildcard
    ? `${type.text}:*`
    : relation === null
      ? type.text
      : `${type.text}#${relation.text}`;
  return traits.length === 0 ? what : `${what} with ${traits.join(" and ")}`;
}
