import type { CheckManyAnswer, TenantPort } from "../../../model/authz.ts";
import { toHoldfastError } from "../../../model/errors.ts";
import type { Route } from "../../route.ts";
import { type Fields, readChoice, readListOf, readObjectOf } from "../read.ts";
import type { AuthzSources } from "../sources.ts";
import { authzenRoute, endpoints } from "./call.ts";
import { type Question, readEvaluation } from "./read.ts";

/** Access Evaluation and Access Evaluations of AuthZEN 1.0 (§6, §7). */
export function evaluationRoutes(sources: AuthzSources): Route[] {
  return [
    authzenRoute(
      {
        path: endpoints.evaluation,
        name: "Evaluation",
        summary: "Whether a subject may do an action on a resource.",
        run: evaluateOne,
      },
      sources,
    ),
    authzenRoute(
      {
        path: endpoints.evaluations,
        name: "Evaluations",
        summary: "Many evaluations, all of them or up to the one that decides.",
        run: evaluateMany,
      },
      sources,
    ),
  ];
}

/** §5.5: `context` says why, for whoever wants to know. */
interface Decision {
  readonly decision: boolean;
  readonly context?: Fields;
}

async function evaluateOne(tenant: TenantPort, body: Fields): Promise<Decision> {
  const [decision] = await decide(tenant, [readEvaluation(body)]);
  return decision ?? { decision: false };
}

async function evaluateMany(tenant: TenantPort, body: Fields): Promise<unknown> {
  const { evaluations, options } = body as { evaluations?: unknown; options?: unknown }; // as read
  const list = evaluations === undefined || evaluations === null ? [] : readList(evaluations);
  const semantic = readSemantic(options);
  // §7.1: without a list it is a single one, and is answered as such.
  if (list.length === 0) return evaluateOne(tenant, body);
  const questions = list.map((each, i) =>
    readEvaluation({
      ...defaultsOf(body),
      ...withoutAbsent(readObjectOf(each, `evaluations[${i}]`)),
    }),
  );
  return { evaluations: cut(await decide(tenant, questions), semantic) };
}

function readList(value: unknown): readonly unknown[] {
  return readListOf(value, "evaluations");
}

/** §7.1.1: an entity is given whole, or taken whole from the request around it. */
function defaultsOf({ subject, action, resource, context }: Fields): Fields {
  return { subject, action, resource, context };
}

function withoutAbsent(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  );
}

const semantics = ["execute_all", "deny_on_first_deny", "permit_on_first_permit"] as const;

type Semantic = (typeof semantics)[number];

function readSemantic(options: unknown): Semantic {
  if (options === undefined || options === null) return "execute_all";
  const { evaluations_semantic: given } = readObjectOf(options, "options");
  if (given === undefined || given === null) return "execute_all";
  return readChoice(given, "options.evaluations_semantic", semantics);
}

/** All are evaluated at one revision; what lies behind the one that decides is not told. */
function cut(decisions: readonly Decision[], semantic: Semantic): readonly Decision[] {
  if (semantic === "execute_all") return decisions;
  const stops = semantic === "permit_on_first_permit";
  const index = decisions.findIndex(({ decision }) => decision === stops);
  if (index < 0) return decisions;
  const told = decisions.slice(0, index + 1);
  const last = told[index];
  if (stops || last === undefined) return told;
  const context = { code: "200", reason: "deny_on_first_deny", ...last.context };
  return [...told.slice(0, index), { decision: false, context }];
}

async function decide(tenant: TenantPort, items: readonly Question[]): Promise<Decision[]> {
  const answer = await tenant.checkMany({ items });
  return answer.items.map(toDecision);
}

/** Closed by default: what cannot be decided is denied, and says so. */
function toDecision(item: CheckManyAnswer["items"][number]): Decision {
  if ("error" in item) {
    const { status, code, message } = toHoldfastError(item.error);
    return { decision: false, context: { error: { status, code, message } } };
  }
  const { verdict, missing } = item;
  if (verdict !== "conditional") return { decision: verdict === "yes" };
  return { decision: false, context: { reason: "properties are missing", missing } };
}
