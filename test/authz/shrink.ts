/** Takes away from a case whatever it fails without, until nothing can go. */
import type { Expression } from "../../src/authz/schema/schema.ts";
import { formatObject, formatSubject, type Relationship } from "../../src/model/relationship.ts";
import { showQuestion } from "./asking.ts";
import type { Disagreement } from "./differential.ts";
import type { Ask, FuzzCase, Step } from "./fuzz-case.ts";
import { type DraftMember, type DraftSchema, renderSchema } from "./random-schema.ts";

type Fails = (candidate: FuzzCase) => Promise<Disagreement | null>;

/** `fails` is asked at most `budget` times. */
export async function shrink(
  start: { readonly failing: FuzzCase; readonly with: Disagreement },
  fails: Fails,
  budget = 600,
): Promise<{ readonly failing: FuzzCase; readonly with: Disagreement }> {
  let best = start;
  let left = budget;
  for (let progress = true; progress && left > 0; ) {
    progress = false;
    for (const candidate of smaller(best.failing, best.with)) {
      if (left-- <= 0) break;
      const disagreement = await fails(candidate);
      if (disagreement === null || disagreement.kind !== best.with.kind) continue;
      best = { failing: candidate, with: disagreement };
      progress = true;
      break;
    }
  }
  return best;
}

/** The largest steps first. */
function* smaller({ schema, steps }: FuzzCase, at: Disagreement): Generator<FuzzCase> {
  if (steps.length > at.step + 1) yield { schema, steps: steps.slice(0, at.step + 1) };
  const last = steps[at.step];
  if (last?.kind === "ask" && at.question !== null && last.questions.length > 1) {
    yield { schema, steps: replaced(steps, at.step, { ...last, questions: [at.question] }) };
  }
  for (let size = steps.length >> 1; size >= 1; size >>= 1) {
    for (let from = 0; from + size <= at.step; from += size) {
      yield { schema, steps: steps.toSpliced(from, size) };
    }
  }
  for (const [index, step] of steps.entries()) {
    for (const less of lessOf(step)) yield { schema, steps: replaced(steps, index, less) };
  }
  for (const less of lessSchema(schema)) yield { schema: less, steps };
}

function replaced(steps: readonly Step[], at: number, step: Step): readonly Step[] {
  return steps.with(at, step);
}

function* lessOf(step: Step): Generator<Step> {
  if (step.kind === "schema") {
    for (const schema of lessSchema(step.schema)) yield { ...step, schema };
  }
  if (step.kind === "write") {
    for (const updates of without(step.updates)) yield { ...step, updates };
    for (const [at, update] of step.updates.entries()) {
      const { context, ...caveat } = update.relationship.caveat ?? { name: "" };
      if (context === undefined) continue;
      const relationship = { ...update.relationship, caveat };
      yield { ...step, updates: step.updates.with(at, { ...update, relationship }) };
    }
  }
  if (step.kind === "ask") yield* lessAsk(step);
}

function* lessAsk(ask: Ask): Generator<Ask> {
  if (ask.back > 0) yield { ...ask, back: ask.back - 1 };
  for (const contextual of without(ask.contextual)) yield { ...ask, contextual };
  for (const entries of without(Object.entries(ask.context))) {
    yield { ...ask, context: Object.fromEntries(entries) };
  }
  const [only] = ask.questions;
  if (ask.questions.length !== 1 || only === undefined) return;
  if (only.kind === "check" && only.how !== "single") {
    yield { ...ask, questions: [{ ...only, how: "single" }] };
  }
  if ("limit" in only && only.limit !== 100) yield { ...ask, questions: [{ ...only, limit: 100 }] };
}

function* without<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let size = all.length; size >= 1; size >>= 1) {
    for (let from = 0; from + size <= all.length; from += size) yield all.toSpliced(from, size);
  }
}

function* lessSchema({ dialect, types }: DraftSchema): Generator<DraftSchema> {
  for (const [at, type] of types.entries()) {
    if (type.name !== "user") yield { dialect, types: types.toSpliced(at, 1) };
    for (const [index, member] of type.members.entries()) {
      const put = (members: readonly DraftMember[]) => {
        return { dialect, types: types.with(at, { ...type, members }) };
      };
      yield put(type.members.toSpliced(index, 1));
      for (const less of lessMember(member)) yield put(type.members.with(index, less));
    }
  }
}

function* lessMember(member: DraftMember): Generator<DraftMember> {
  if (member.subjects.length > 1) {
    for (const subjects of without(member.subjects)) {
      if (subjects.length > 0) yield { ...member, subjects };
    }
  }
  for (const [at, subject] of member.subjects.entries()) {
    if (subject.expiration) {
      yield { ...member, subjects: member.subjects.with(at, { ...subject, expiration: false }) };
    }
  }
  if (member.expression === null) return;
  for (const expression of lessExpression(member.expression)) yield { ...member, expression };
}

function* lessExpression(expression: Expression): Generator<Expression> {
  switch (expression.kind) {
    case "union":
    case "intersection": {
      yield* expression.operands;
      for (const [at, operand] of expression.operands.entries()) {
        for (const less of lessExpression(operand)) {
          yield { ...expression, operands: expression.operands.with(at, less) };
        }
      }
      return;
    }
    case "exclusion":
      yield expression.base;
      for (const base of lessExpression(expression.base)) yield { ...expression, base };
      for (const subtract of lessExpression(expression.subtract)) yield { ...expression, subtract };
      return;
    case "arrow":
      if (expression.target.kind === "arrow") yield expression.target;
      if (expression.all) yield { ...expression, all: false };
      return;
    default:
  }
}

/** The case as one would tell it to somebody. */
export function showCase({ schema, steps }: FuzzCase, at: Disagreement): string {
  return [renderSchema(schema).trim(), "", ...steps.map(showStep), "", showWhere(at)].join("\n");
}

function showWhere({ step, question, text }: Disagreement): string {
  const what = question === null ? "" : `${showQuestion(question)}: `;
  return `step ${step + 1}: ${what}${text}`;
}

function showStep(step: Step, index: number): string {
  const number = `${index + 1}. ${step.kind}`;
  switch (step.kind) {
    case "write": {
      const each = step.updates.map(
        ({ operation, relationship }) => `     ${operation} ${showRelationship(relationship)}`,
      );
      return [number, ...each].join("\n");
    }
    case "delete":
      return `${number} ${JSON.stringify(step.filter)}`;
    case "delete-object":
      return `${number} ${formatObject(step.object)}`;
    case "schema":
      return `${number}\n${renderSchema(step.schema).replaceAll(/^/gm, "     ")}`;
    case "advance":
      return `${number} ${step.hours} h`;
    case "ask": {
      const context = JSON.stringify(step.context);
      const contextual = step.contextual.map((one) => `     with ${showRelationship(one)}`);
      const some = step.questions.slice(0, 3).map((one) => `     ${showQuestion(one)}`);
      return [`${number} ${step.back} states back, ${context}`, ...contextual, ...some].join("\n");
    }
  }
}

function showRelationship(relationship: Relationship): string {
  const { resource, relation, subject, caveat, expiresAt } = relationship;
  const context = caveat?.context === undefined ? "" : `:${JSON.stringify(caveat.context)}`;
  const condition = caveat === undefined ? "" : `[${caveat.name}${context}]`;
  const expiry = expiresAt === undefined ? "" : `[expires after ${expiresAt} h]`;
  return `${formatObject(resource)}#${relation}@${formatSubject(subject)}${condition}${expiry}`;
}
