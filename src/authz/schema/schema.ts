import type { SchemaDialect } from "../../model/authz.ts";

/**
 * The one internal form of a schema. Both languages compile to it, and all that evaluates, lists,
 * lints or describes works on it. A schema that exists is valid: names resolve, rewrites end.
 */
export interface Schema {
  readonly dialect: SchemaDialect;
  readonly types: ReadonlyMap<string, TypeDefinition>;
  readonly caveats: ReadonlyMap<string, CaveatDefinition>;
  /** As it was given: schema text, or the JSON text of a model. */
  readonly source: string;
  /** OpenFGA: the schema version, `1.1` or `1.2`. */
  readonly version?: string;
}

/** OpenFGA: where a part of a model of several modules came from. */
export interface Origin {
  readonly module: string;
  readonly file: string | null;
}

export interface TypeDefinition {
  readonly name: string;
  /** Text of its doc comment, without the marks. */
  readonly doc: string | null;
  readonly at: Position;
  /** Relations and permissions, in the order in which they stand. */
  readonly relations: ReadonlyMap<string, RelationDefinition>;
  readonly origin?: Origin;
}

/**
 * A relation or a permission. In the native language a relation is just what is stored (`this`) and
 * a permission stores nothing; an OpenFGA relation may be both.
 */
export interface RelationDefinition {
  readonly name: string;
  readonly doc: string | null;
  readonly at: Position;
  /** What its tuples may have as subject. Empty: nothing can be written to it. */
  readonly allowed: readonly AllowedSubject[];
  readonly rewrite: Expression;
  /**
   * Native, under `use typechecking`: the types that the permission says its subjects have. There
   * are no others; absent when it says nothing.
   */
  readonly annotation?: readonly string[];
  /** Set when another module than that of its type added it. */
  readonly origin?: Origin;
}

/** One alternative of `user | user:* | group#member with some_caveat and expiration`. */
export interface AllowedSubject {
  readonly type: string;
  /** null: the object itself, or the wildcard. */
  readonly relation: string | null;
  readonly wildcard: boolean;
  /** A tuple of this alternative must have just this caveat, or none when null. */
  readonly caveat: string | null;
  /** Native: whether a tuple must carry an expiry (`with expiration`). */
  readonly expiration: boolean;
}

export type Expression =
  /** The stored tuples of the relation itself. */
  | { readonly kind: "this" }
  /** Another relation or permission of the same object. */
  | { readonly kind: "relation"; readonly name: string }
  /**
   * `over->target`: `target` on each object that is a subject of the relation `over`; of all of them
   * if `all` (then at least one must be there), else of any. `target` is a `relation` or, for nested
   * arrows, an `arrow`; types that lack the target contribute nothing.
   */
  | {
      readonly kind: "arrow";
      readonly over: string;
      readonly target: Expression;
      readonly all: boolean;
    }
  | { readonly kind: "union"; readonly operands: readonly Expression[] }
  | { readonly kind: "intersection"; readonly operands: readonly Expression[] }
  | { readonly kind: "exclusion"; readonly base: Expression; readonly subtract: Expression }
  | { readonly kind: "nil" }
  /** The object itself, as a subject. */
  | { readonly kind: "self" };

export interface CaveatDefinition {
  readonly name: string;
  readonly doc: string | null;
  readonly at: Position;
  readonly parameters: ReadonlyMap<string, CaveatType>;
  /** CEL text, as it stands in the source. */
  readonly expression: string;
  /** Where the expression begins, so that its errors can be placed. */
  readonly expressionAt: Position;
  readonly origin?: Origin;
}

/** Types of caveat parameters, of both languages. */
export type CaveatType =
  | {
      readonly kind:
        | "any"
        | "bool"
        | "int"
        | "uint"
        | "double"
        | "string"
        | "bytes"
        | "duration"
        | "timestamp"
        | "ipaddress";
    }
  | { readonly kind: "list" | "map"; readonly of: CaveatType };

/** In the source; both from 1. Schemas from JSON have 1:1 everywhere. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Something that is wrong with a schema text, or may be. */
export interface SchemaProblem {
  /** Stable and kebab-case: `unknown-relation`, `unexpected-token`, `arrow-over-wildcard`, … */
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly at: Position;
  /** Where it ends (exclusive), when that is known. */
  readonly end?: Position;
  /** What was probably meant: `Did you mean "viewer"?`. */
  readonly suggestion?: string;
  /** Which file, when the schema has several. */
  readonly file?: string;
}

/** What a front end makes of a text. Without a schema there is at least one error. */
export interface ParsedSchema {
  readonly schema: Schema | null;
  readonly problems: readonly SchemaProblem[];
}
