import type { CheckAnswer, CheckItem, Explanation } from "../../../model/authz.ts";
import { parseObject } from "../read.ts";
import { printObject, printPartial, printPermissionship, printSubject } from "./nouns.ts";

/** An explanation as SpiceDB's `DebugInformation`: what was evaluated, without the operators. */
export function printDebug(answer: CheckAnswer, { subject }: CheckItem, schema: string): unknown {
  const { explanation } = answer;
  if (explanation === undefined) return null;
  const [check = null] = tracesOf(explanation, subject);
  return { check, schemaUsed: schema };
}

function tracesOf(node: Explanation, subject: CheckItem["subject"]): unknown[] {
  const hash = node.what.lastIndexOf("#");
  const isRight = (node.kind === "permission" || node.kind === "relation") && hash > 0;
  // Operators and arrows have no place there: what is below them moves up.
  if (!isRight) return node.children.flatMap((child) => tracesOf(child, subject));
  const traces = node.children.flatMap((child) => tracesOf(child, subject));
  return [
    {
      resource: printObject(parseObject(node.what.slice(0, hash), "what")),
      permission: node.what.slice(hash + 1),
      permissionType:
        node.kind === "permission" ? "PERMISSION_TYPE_PERMISSION" : "PERMISSION_TYPE_RELATION",
      subject: printSubject(subject),
      result: printPermissionship(node.verdict),
      caveatEvaluationInfo: printCaveat(node.children.find(isCaveat)),
      duration: `${(node.micros / 1_000_000).toFixed(9)}s`,
      optionalExpiresAt: null,
      traceOperationId: "",
      source: "",
      // Cached or not, the way is told; SpiceDB has a place for one of the two.
      subProblems: { traces },
    },
  ];
}

function isCaveat({ kind }: Explanation): boolean {
  return kind === "caveat";
}

const results = {
  yes: "RESULT_TRUE",
  no: "RESULT_FALSE",
  conditional: "RESULT_MISSING_SOME_CONTEXT",
} as const;

function printCaveat(node: Explanation | undefined): unknown {
  if (node === undefined) return null;
  return {
    expression: "",
    result: results[node.verdict],
    context: null,
    partialCaveatInfo: node.verdict === "conditional" ? printPartial([node.what]) : null,
    caveatName: node.what,
  };
}
