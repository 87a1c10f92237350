import type { Authz } from "../authz/authz.ts";
import { check } from "../authz/check/check.ts";
import type { Tenant } from "../authz/tenant.ts";
import type { HandlerRuntime } from "../engine/deployments.ts";
import type { StartCommand, StartGuard } from "../engine/engine.ts";
import type { CheckAnswer, CheckRequest } from "../model/authz.ts";
import { PermissionDenied } from "../model/denial.ts";
import { fail, HoldfastError, reasonOf } from "../model/errors.ts";
import { formatObject, formatSubject, type SubjectRef } from "../model/relationship.ts";
import type { Authorization } from "../sdk/authorization.ts";
import type { PermissionRule } from "../sdk/handler.ts";

/** A call, as far as permissions see it. */
export interface Visit {
  readonly key: string | null;
  /** Parsed. */
  readonly input: unknown;
  readonly caller: string | undefined;
  /** Whether a denial may say why, by tenant. */
  readonly mayExplain: (tenant: string) => boolean;
}

interface Asked {
  readonly tenant: Tenant;
  readonly request: CheckRequest;
}

/**
 * Asks for the permissions that handlers declare: at the door for those from outside, and in the loop
 * for what handlers and schedules start. Whatever cannot be decided is refused.
 */
export class Guard implements StartGuard {
  readonly #authz: Authz;
  readonly #authorization: Authorization;
  /** Of questions that had to wait for what is not in memory. */
  readonly #prepared = new WeakMap<StartCommand, HoldfastError | null>();

  constructor(authz: Authz, authorization: Authorization) {
    this.#authz = authz;
    this.#authorization = authorization;
  }

  /**
   * Lets a call from outside in, or throws, or rejects. It sees everything that was acknowledged
   * anywhere before. A promise only where that has to be waited for, or loaded.
   */
  admit(handler: HandlerRuntime, visit: Visit): void | Promise<void> {
    const { tenant, request } = this.#question(handler, visit);
    const revision = tenant.revisionFor({ kind: "fully-consistent" });
    if (typeof revision !== "number") {
      return revision.then((at) => this.#admitAt({ tenant, request }, at, visit));
    }
    return this.#admitAt({ tenant, request }, revision, visit);
  }

  #admitAt(asked: Asked, revision: number, visit: Visit): void | Promise<void> {
    const answer = this.#ask(asked, revision);
    if (answer instanceof Promise) {
      return answer.then((later) => this.#takeAnswer(asked, later, { revision, visit }));
    }
    return this.#takeAnswer(asked, answer, { revision, visit });
  }

  #takeAnswer(
    asked: Asked,
    { verdict }: CheckAnswer,
    { revision, visit }: { readonly revision: number; readonly visit: Visit },
  ): void | Promise<void> {
    if (verdict === "yes") return;
    if (!visit.mayExplain(asked.tenant.id)) throw denial(asked);
    const explained = { ...asked, request: { ...asked.request, explain: true } };
    const why = this.#ask(explained, revision);
    if (!(why instanceof Promise)) throw denial(asked, why);
    return why.then((answer) => {
      throw denial(asked, answer);
    });
  }

  #ask({ tenant, request }: Asked, revision: number): CheckAnswer | Promise<CheckAnswer> {
    const { host } = this.#authz;
    const monotonic = (): number => host.monotonic();
    return check(tenant, request, { now: host.now(), monotonic, revision });
  }

  // The loop's side.

  prepare(command: StartCommand, handler: HandlerRuntime): void | Promise<void> {
    const first = this.#decide(command, handler);
    if (!(first instanceof Promise)) return;
    return first.then((refusal) => {
      this.#prepared.set(command, refusal);
    });
  }

  refusal(command: StartCommand, handler: HandlerRuntime): HoldfastError | null {
    const decided = this.#decide(command, handler);
    if (!(decided instanceof Promise)) return decided;
    const prepared = this.#prepared.get(command);
    return prepared === undefined ? fail("not-ready") : prepared;
  }

  #decide(
    command: StartCommand,
    handler: HandlerRuntime,
  ): HoldfastError | null | Promise<HoldfastError | null> {
    try {
      const { key, caller } = command;
      const input = command.input === null ? undefined : JSON.parse(command.input);
      const asked = this.#question(handler, { key, input, caller, mayExplain: never });
      const answer = this.#ask(asked, asked.tenant.applied);
      if (!(answer instanceof Promise)) return refusalOf(asked, answer);
      return answer.then((later) => refusalOf(asked, later), knownOnly);
    } catch (error) {
      return knownOnly(error);
    }
  }

  // The question.

  #question(handler: HandlerRuntime, visit: Visit): Asked {
    const { permission = "" } = handler.definition.options;
    const rule: PermissionRule = typeof permission === "string" ? { name: permission } : permission;
    const { name: service } = handler.service;
    const target = `${service}/${handler.definition.name}`;
    const { key, caller } = visit;
    const input = visit.input as never; // the user's function knows its type
    const subject = make(target, () =>
      rule.subject === undefined
        ? this.#authorization.subject(caller)
        : rule.subject(caller, input),
    );
    if (subject === undefined) throw fail("caller-missing", { target });
    const resource = make(
      target,
      () => rule.resource?.(key ?? "", input) ?? { type: service, id: key ?? "" },
    );
    const context = make(target, () => rule.context?.(key ?? "", input));
    for (const { type, id } of [subject, resource]) {
      if (typeof type === "string" && typeof id === "string") continue;
      throw fail("invalid-input", { target, reason: "it does not say whose permission is asked" });
    }
    const request: CheckRequest = {
      permission: rule.name,
      resource,
      subject,
      ...(context === undefined ? {} : { context }),
    };
    return { tenant: this.#authz.tenant(rule.tenant ?? this.#authorization.tenant), request };
  }
}

const never = (): boolean => false;

/** What the user's functions make of a call. One that fails refuses the input it failed on. */
function make<T>(target: string, maker: () => T): T {
  try {
    return maker();
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const reason = `its permission cannot be told from it: ${reasonOf(error)}`;
    throw fail("invalid-input", { target, reason }, error);
  }
}

function refusalOf(asked: Asked, { verdict }: CheckAnswer): HoldfastError | null {
  return verdict === "yes" ? null : denial(asked);
}

function knownOnly(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  throw error;
}

function denial({ request }: Asked, answer?: CheckAnswer): PermissionDenied {
  const { permission, resource } = request;
  const subject: SubjectRef = request.subject;
  const details = {
    subject: formatSubject(subject),
    permission,
    resource: formatObject(resource),
  };
  return new PermissionDenied(details, answer?.explanation);
}
