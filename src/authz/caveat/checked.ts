import type { ASTNode } from "@marcbachmann/cel-js";
import type { SchemaDialect } from "../../model/authz.ts";
import type { Run } from "./frame.ts";
import type { Type } from "./types.ts";
import type { Value } from "./value.ts";

/** A node of an expression after it was checked. */
export interface Checked {
  readonly type: Type;
  readonly run: Run;
  /** What it always is, when that is known. */
  readonly constant?: Value;
}

export interface ExpressionProblem {
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly suggestion?: string;
  /** From where to where in the text of the expression. */
  readonly start: number;
  readonly end: number;
}

/** What is wrong with a node. */
export interface Complaint {
  readonly code: string;
  readonly message: string;
  readonly suggestion?: string | undefined;
}

/** What checking one kind of node needs of the whole. */
export interface Checking {
  readonly dialect: SchemaDialect;
  check(node: ASTNode): Checked;
  /** Notes the problem; what is given back stands for the node, so that the rest can be checked. */
  refuse(node: ASTNode, complaint: Complaint): Checked;
  warn(node: ASTNode, complaint: Complaint): void;
  /** Checks with one variable more. */
  checkWith(variable: Variable, body: (slot: number) => Checked): Checked;
  isVariable(name: string): boolean;
}

export interface Variable {
  readonly name: string;
  readonly type: Type;
}

/** Whether the type of a condition is right; `dyn` is looked at when it runs. */
export function isBool({ type }: Checked): boolean {
  return type.kind === "bool" || type.kind === "dyn";
}
