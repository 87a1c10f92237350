import type { Host } from "../../host/host.ts";
import type { AuthzPort } from "../../model/authz.ts";
import type { Limits } from "../../model/limits.ts";
import type { MetricSample } from "../metrics.ts";

/** What the routes of authorization work with. */
export interface AuthzSources {
  readonly authz: AuthzPort;
  readonly host: Pick<Host, "now" | "random" | "setTimer">;
  readonly limits: Limits;
  /** What one tenant was asked, and nothing of the others: `unknown-tenant`. */
  readonly measure: (tenant: string) => Promise<readonly MetricSample[]>;
  /** Where clients reach the server, without a slash at the end. */
  readonly publicUrl: () => string;
}
