/** What the parser makes of a text: names not yet looked up, and where each of them stands. */
import type { CaveatType } from "../schema.ts";
import type { Span } from "./lexer.ts";

export interface SourceFile {
  readonly definitions: readonly DefinitionNode[];
  /** Their members come in where they are referred to; they are no types themselves. */
  readonly partials: readonly DefinitionNode[];
  readonly caveats: readonly CaveatNode[];
  readonly flags: ReadonlySet<string>;
  /** Something at the top could not be read, so that a name which is missing may stand there. */
  readonly damaged: boolean;
}

export interface Name extends Span {
  readonly text: string;
}

export interface DefinitionNode {
  readonly name: Name;
  readonly at: Span;
  readonly doc: string | null;
  readonly members: readonly MemberNode[];
  /** Something in it could not be read. */
  readonly damaged: boolean;
}

export type MemberNode = RelationNode | PermissionNode | PartialUseNode;

export interface RelationNode {
  readonly kind: "relation";
  readonly name: Name;
  readonly at: Span;
  readonly doc: string | null;
  readonly subjects: readonly SubjectNode[];
}

export interface PermissionNode {
  readonly kind: "permission";
  readonly name: Name;
  readonly at: Span;
  readonly doc: string | null;
  /** The types of `permission view: user | team = …`. */
  readonly annotation: readonly Name[];
  readonly expression: ExpressionNode;
}

/** `...name` */
export interface PartialUseNode {
  readonly kind: "partial-use";
  readonly name: Name;
}

export interface SubjectNode extends Span {
  readonly type: Name;
  readonly relation: Name | null;
  readonly wildcard: boolean;
  readonly caveat: Name | null;
  readonly expiration: boolean;
}

export type ExpressionNode =
  | { readonly kind: "name"; readonly name: Name }
  | { readonly kind: "nil" | "self" | "broken" }
  /** `a->b->c`; at least two steps. */
  | { readonly kind: "arrow"; readonly steps: readonly Name[]; readonly all: boolean }
  /** At least two operands; those of an exclusion are taken away from the first one by one. */
  | {
      readonly kind: "union" | "intersection" | "exclusion";
      readonly operands: readonly ExpressionNode[];
    };

export interface CaveatNode {
  readonly name: Name;
  readonly at: Span;
  readonly doc: string | null;
  readonly parameters: readonly ParameterNode[];
  readonly expression: Name;
  /** Names in the expression that may be parameters. */
  readonly used: ReadonlySet<string>;
}

export interface ParameterNode {
  readonly name: Name;
  readonly type: CaveatType;
}
