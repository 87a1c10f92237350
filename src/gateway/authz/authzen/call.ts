import type { TenantPort } from "../../../model/authz.ts";
import type { Route } from "../../route.ts";
import { type Fields, readObjectOf, refuse } from "../read.ts";
import type { AuthzSources } from "../sources.ts";
import { chooseTenant } from "../tenant-choice.ts";

/** Paths of AuthZEN's HTTPS binding, and the parameters of the metadata that name them. */
export const endpoints = {
  evaluation: "/access/v1/evaluation",
  evaluations: "/access/v1/evaluations",
  subject: "/access/v1/search/subject",
  resource: "/access/v1/search/resource",
  action: "/access/v1/search/action",
} as const;

export interface AuthzenOperation {
  readonly path: string;
  readonly name: string;
  readonly summary: string;
  run(tenant: TenantPort, body: Fields, pageMax: number): Promise<unknown>;
}

export function authzenRoute(operation: AuthzenOperation, sources: AuthzSources): Route {
  const { path, name, summary, run } = operation;
  return {
    method: "POST",
    path,
    name: `authzen${name}`,
    summary,
    body: { required: true, description: "As AuthZEN 1.0 has it.", schema: {} },
    answers: { 200: { description: "As AuthZEN 1.0 has it." } },
    errors: [],
    foreign: true,
    run: async (ask) => {
      if (ask.body.text === null) throw refuse("The request body", "it is missing");
      const body = readObjectOf(ask.body.value, "The request body");
      const tenant = await chooseTenant(ask, "check", sources);
      const answer = await run(tenant, body, ask.limits.authzPage);
      return { status: 200, text: JSON.stringify(answer) };
    },
  };
}
