import type { Authz } from "../authz/authz.ts";
import { check } from "../authz/check/check.ts";
import type { CheckAnswer, CheckRequest } from "../model/authz.ts";
import { fail } from "../model/errors.ts";
import type { SubjectRef } from "../model/relationship.ts";
import type { Authorization } from "../sdk/authorization.ts";

/** A question of a handler. */
export interface HandlerQuestion {
  readonly tenant: string;
  readonly request: CheckRequest;
}

/** A decision as the journal keeps it. */
export interface Decided extends CheckAnswer {
  /** The revision that the zookie stands for. */
  readonly revision: number;
}

/**
 * What handlers may ask about relationships. They are answered as of all that was applied, durable or
 * not: commits follow one another, so the journal entry with the answer is never durable before what
 * it rests on, and nothing that reveals it leaves before that.
 */
export class Relations {
  readonly #authz: Authz;
  readonly #authorization: Authorization;

  constructor(authz: Authz, authorization: Authorization) {
    this.#authz = authz;
    this.#authorization = authorization;
  }

  get tenant(): string {
    return this.#authorization.tenant;
  }

  subjectOf(caller: string | undefined): SubjectRef | undefined {
    return this.#authorization.subject(caller);
  }

  /**
   * @param seen the latest zookie of that tenant that the asker has seen: what is older is no answer.
   */
  ask(
    { tenant: id, request }: HandlerQuestion,
    seen: string | undefined,
  ): Decided | Promise<Decided> {
    const { host } = this.#authz;
    const tenant = this.#authz.tenant(id);
    const revision = tenant.applied;
    // Refused where it is of another tenant of that name, or of a future that was lost.
    if (seen !== undefined && tenant.zookies.read(seen) > revision) throw fail("zookie-future");
    const monotonic = (): number => host.monotonic();
    const answer = check(tenant, request, { now: host.now(), monotonic, revision });
    return answer instanceof Promise
      ? answer.then((later) => ({ ...later, revision }))
      : { ...answer, revision };
  }
}
