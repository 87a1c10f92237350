/** An explanation as lines of a tree, for terminals and logs. */
import type { Explanation } from "../../model/authz.ts";
import { formatMicros } from "./layout.ts";

export interface ExplanationLine {
  /** What joins it to its parent: `│  ├─ `. */
  readonly branch: string;
  readonly node: Explanation;
  readonly time: string;
}

export function explanationLines(root: Explanation): readonly ExplanationLine[] {
  const lines: ExplanationLine[] = [];
  const visit = (node: Explanation, branch: string, indent: string): void => {
    lines.push({ branch, node, time: node.micros > 0 ? formatMicros(node.micros) : "" });
    for (const [index, child] of node.children.entries()) {
      const isLast = index === node.children.length - 1;
      visit(child, `${indent}${isLast ? "└─ " : "├─ "}`, `${indent}${isLast ? "   " : "│  "}`);
    }
  };
  visit(root, "", "");
  return lines;
}

/** The marks of the picture, for text. */
export function markOf({ verdict, note }: Explanation): string {
  if (note?.startsWith("not-evaluated") === true) return "–";
  return verdict === "yes" ? "✓" : verdict === "no" ? "✗" : "?";
}
