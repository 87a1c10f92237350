import type { CheckManyAnswer, CheckManyRequest } from "../model/authz.ts";
import { fail, toHoldfastError } from "../model/errors.ts";
import { type Asked, type AskOptions, ask } from "./ask.ts";
import type { Budget } from "./budget.ts";
import { checkItem, missingOf } from "./check/check.ts";
import { verdictOf } from "./check/verdict.ts";
import { checkItemShape } from "./check-request.ts";
import type { Tenant } from "./tenant.ts";

type Item = CheckManyRequest["items"][number];
type ItemAnswer = CheckManyAnswer["items"][number];

/** Many checks at one revision. Each is a question of its own to the limits, and to the budget. */
export function checkMany(
  tenant: Tenant,
  request: CheckManyRequest,
  options: AskOptions,
): CheckManyAnswer | Promise<CheckManyAnswer> {
  const max = tenant.limits.authzChecks;
  if (request.items.length > max) {
    throw fail("too-many", { limit: "authzChecks", max, what: "one bulk check" });
  }
  const { budget, ...rest } = options;
  budget?.admit();
  return ask(tenant, request, {
    ...rest,
    answer(asked) {
      const answer = (item: Item) => answerItem(asked, item, { request, budget });
      const items = request.items.map(answer);
      return { items, zookie: asked.zookie };
    },
  });
}

function answerItem(
  asked: Asked,
  item: Item,
  { request, budget }: { readonly request: CheckManyRequest; readonly budget: Budget | undefined },
): ItemAnswer {
  const { evaluation } = asked;
  evaluation.work = 0;
  try {
    budget?.admitNext();
    checkItemShape(item);
    if (item.context !== undefined) {
      evaluation.setContext({ ...request.context, ...item.context });
    }
    const value = checkItem(asked, item);
    return { verdict: verdictOf(value), missing: missingOf(asked, value) };
  } catch (error) {
    return { error: toHoldfastError(error) };
  } finally {
    budget?.charge(evaluation.work);
    if (item.context !== undefined) evaluation.setContext(request.context ?? null);
  }
}
