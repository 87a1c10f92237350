/** Whether what an engine answered is what the oracle says. */
import type { CheckManyAnswer, ExpandTree, FoundSubject, Verdict } from "../../src/model/authz.ts";
import { type ErrorCode, HoldfastError } from "../../src/model/errors.ts";
import { type CaveatUse, type SubjectRef, wildcardId } from "../../src/model/relationship.ts";
import type { Answer } from "./oracle.ts";

/** What an engine answered to one question. */
export type Given =
  | { readonly verdict: Verdict; readonly missing: readonly string[] }
  | { readonly code: ErrorCode };

export function givenOf(answer: CheckManyAnswer["items"][number]): Given {
  return "error" in answer ? { code: codeOfError(answer.error) } : answer;
}

/** The answer, or the code of what was thrown. */
export async function givenBy(
  ask: () => Promise<{ readonly verdict: Verdict; readonly missing: readonly string[] }>,
): Promise<Given> {
  try {
    const { verdict, missing } = await ask();
    return { verdict, missing };
  } catch (error) {
    return { code: codeOfError(error) };
  }
}

function codeOfError(error: unknown): ErrorCode {
  if (error instanceof HoldfastError) return error.code;
  throw error;
}

/**
 * The verdict must be the same. Of the parameters, an engine may tell only as many as it came across
 * before it had its answer: at least one, and none that has nothing to do with it.
 */
export function isRight(given: Given, expected: Answer): boolean {
  if ("error" in expected) return "code" in given && isCodeOf(given.code, expected.error);
  if ("code" in given || given.verdict !== expected.verdict) return false;
  if (given.verdict !== "conditional") return given.missing.length === 0;
  return given.missing.length > 0 && given.missing.every((name) => expected.missing.has(name));
}

function isCodeOf(code: ErrorCode, expected: "depth-exceeded" | "caveat-failed"): boolean {
  return expected === "depth-exceeded" ? code === expected : code.startsWith("caveat-");
}

export function showGiven(given: Given | undefined): string {
  if (given === undefined) return "nothing";
  if ("code" in given) return given.code;
  return given.missing.length === 0 ? given.verdict : `${given.verdict} (${given.missing.join()})`;
}

export function showAnswer(answer: Answer | undefined): string {
  if (answer === undefined) return "nothing";
  if ("error" in answer) return answer.error;
  return answer.missing.size === 0
    ? answer.verdict
    : `${answer.verdict} (${[...answer.missing].join()})`;
}

/** What a list of found subjects says about one of them. */
export function verdictIn(found: readonly FoundSubject[], id: string): Given {
  const none: Given = { verdict: "no", missing: [] };
  const own = found.find((subject) => subject.id === id);
  if (own !== undefined) return own;
  const everybody = found.find((subject) => subject.id === wildcardId);
  if (everybody === undefined) return none;
  const excluded = everybody.excluded?.find((subject) => subject.id === id);
  if (excluded === undefined) return everybody;
  return excluded.verdict === "yes" ? none : excluded;
}

/** What a deep tree says about one subject; `caveat` evaluates what its parts depend on. */
export function verdictInTree(
  tree: ExpandTree,
  subject: SubjectRef,
  caveat: (use: CaveatUse | undefined) => Verdict,
): Verdict {
  const inner = verdictInPart(tree, subject, caveat);
  return tree.caveat === undefined ? inner : bothVerdicts(inner, caveat(tree.caveat));
}

function verdictInPart(
  tree: ExpandTree,
  subject: SubjectRef,
  caveat: (use: CaveatUse | undefined) => Verdict,
): Verdict {
  const { type, id, relation } = subject;
  if (tree.of.type === type && tree.of.id === id && tree.of.relation === relation) return "yes";
  if (tree.kind === "computed") return "no";
  if (tree.kind === "leaf") {
    const held = tree.subjects.filter(
      (one) =>
        one.type === type &&
        one.relation === relation &&
        (one.id === id || (one.id === wildcardId && relation === undefined)),
    );
    return held.map((one) => caveat(one.caveat)).reduce(eitherVerdict, "no");
  }
  const each = tree.children.map((child) => verdictInTree(child, subject, caveat));
  if (tree.kind === "union") return each.reduce(eitherVerdict, "no");
  if (tree.kind === "intersection") return each.reduce(bothVerdicts, "yes");
  const [base = "no", ...subtracted] = each;
  return subtracted.map(opposite).reduce(bothVerdicts, base);
}

function eitherVerdict(a: Verdict, b: Verdict): Verdict {
  if (a === "yes" || b === "yes") return "yes";
  return a === "conditional" || b === "conditional" ? "conditional" : "no";
}

function bothVerdicts(a: Verdict, b: Verdict): Verdict {
  return opposite(eitherVerdict(opposite(a), opposite(b)));
}

function opposite(verdict: Verdict): Verdict {
  if (verdict === "conditional") return verdict;
  return verdict === "yes" ? "no" : "yes";
}
