/** What names stand for, in one text. */
import type { Limits } from "../../../model/limits.ts";
import { didYouMean } from "../../../std/suggest.ts";
import type { Span } from "./lexer.ts";
import { checkPath, checkPlainName } from "./names.ts";
import type { Problems } from "./problems.ts";
import type {
  CaveatNode,
  DefinitionNode,
  Name,
  PermissionNode,
  RelationNode,
  SourceFile,
} from "./syntax.ts";

/** A relation or permission as a type has it: its own, or out of a partial. */
export interface Member {
  readonly node: RelationNode | PermissionNode;
  /** Where the type gets it: its own name, or the name of the partial. */
  readonly at: Span;
}

export interface Scope {
  readonly types: ReadonlyMap<string, TypeScope>;
  readonly caveats: ReadonlyMap<string, CaveatNode>;
  readonly flags: ReadonlySet<string>;
  readonly damaged: boolean;
}

export interface TypeScope {
  readonly node: DefinitionNode;
  readonly members: ReadonlyMap<string, Member>;
}

/** Of all types together. Without partials no text that is short enough has so many. */
const mostMembers = 100_000;

interface Options {
  readonly problems: Problems;
  readonly limits: Limits;
}

/** Gathers what there is under which name, and brings partials in where they are used. */
export function collect(file: SourceFile, options: Options): Scope {
  return new Collector(file, options).scope();
}

class Collector {
  readonly #file: SourceFile;
  readonly #problems: Problems;
  readonly #limits: Limits;
  readonly #named = new Map<string, Name>();
  readonly #partials = new Map<string, DefinitionNode>();
  /** Undefined while it is being made. */
  readonly #expanded = new Map<string, readonly Member[] | undefined>();
  #members = 0;

  constructor(file: SourceFile, { problems, limits }: Options) {
    this.#file = file;
    this.#problems = problems;
    this.#limits = limits;
  }

  scope(): Scope {
    const { definitions, partials, caveats, flags, damaged } = this.#file;
    const most = this.#limits.authzTypes;
    for (const [what, nodes] of Object.entries({ types: definitions, partials, caveats })) {
      const over = nodes[most];
      if (over === undefined) continue;
      const message = `The schema has ${nodes.length} ${what}, more than the limit of ${most}`;
      this.#problems.add("too-many-definitions", over.name, { message });
    }
    for (const node of partials.slice(0, most)) {
      if (this.#claim(node.name)) this.#partials.set(node.name.text, node);
    }
    const types = new Map<string, TypeScope>();
    for (const node of definitions.slice(0, most)) {
      if (this.#claim(node.name))
        types.set(node.name.text, { node, members: this.#membersOf(node) });
    }
    const caveatsByName = new Map<string, CaveatNode>();
    for (const node of caveats.slice(0, most)) {
      if (this.#claim(node.name)) caveatsByName.set(node.name.text, node);
    }
    return { types, caveats: caveatsByName, flags, damaged };
  }

  /** Types, caveats and partials share their names. */
  #claim(name: Name): boolean {
    checkPath(name, { problems: this.#problems, longest: this.#limits.authzName });
    const first = this.#named.get(name.text);
    if (first === undefined) {
      this.#named.set(name.text, name);
      return true;
    }
    const { line } = this.#problems.position(first.start);
    const message = `"${name.text}" is defined already, in line ${line}`;
    this.#problems.add("duplicate-name", name, { message });
    return false;
  }

  #membersOf(definition: DefinitionNode): ReadonlyMap<string, Member> {
    const members = new Map<string, Member>();
    const most = this.#limits.authzRelations;
    for (const member of this.#expand(definition)) {
      const { name } = member.node;
      const first = members.get(name.text);
      if (first !== undefined) {
        const { line } = this.#problems.position(first.at.start);
        const message = `Type "${definition.name.text}" has "${name.text}" already, from line ${line}`;
        this.#problems.add("duplicate-relation", member.at, { message });
      } else if (members.size === most) {
        const message = `Type "${definition.name.text}" has more relations and permissions than the limit of ${most}`;
        this.#problems.add("too-many-relations", member.at, { message });
        break;
      } else if (++this.#members > mostMembers) {
        const message = `The schema has more relations and permissions than ${mostMembers}`;
        this.#problems.add("too-many-relations", member.at, { message });
        break;
      } else {
        checkPlainName(name, this.#problems);
        members.set(name.text, member);
      }
    }
    return members;
  }

  /** Partials within partials included; never much more than a type may have. */
  #expand(definition: DefinitionNode): readonly Member[] {
    const members: Member[] = [];
    for (const node of definition.members) {
      if (members.length > this.#limits.authzRelations) break;
      if (node.kind !== "partial-use") {
        members.push({ node, at: node.name });
        continue;
      }
      const found = this.#partial(node.name);
      for (const member of found) members.push({ node: member.node, at: node.name });
    }
    return members;
  }

  #partial(name: Name): readonly Member[] {
    const partial = this.#partials.get(name.text);
    if (partial === undefined) {
      if (this.#file.damaged) return [];
      this.#problems.add("unknown-partial", name, {
        message: `There is no partial "${name.text}"`,
        suggest: () => didYouMean(name.text, this.#partials.keys()),
      });
      return [];
    }
    if (!this.#expanded.has(name.text)) {
      this.#expanded.set(name.text, undefined);
      this.#expanded.set(name.text, this.#expand(partial));
    }
    const members = this.#expanded.get(name.text);
    if (members !== undefined) return members;
    const message = `Partial "${name.text}" contains itself`;
    this.#problems.add("partial-cycle", name, { message });
    return [];
  }
}
