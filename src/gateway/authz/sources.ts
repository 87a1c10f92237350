import type { Host } from "../../host/host.ts";
import type { AuthzPort } from "../../model/authz.ts";
import type { Limits } from "../../model/limits.ts";

/** What the routes of authorization work with. */
export interface AuthzSources {
  readonly authz: AuthzPort;
  readonly host: Pick<Host, "now" | "random" | "setTimer">;
  readonly limits: Limits;
  /** Where clients reach the server, without a slash at the end. */
  readonly publicUrl: () => string;
}
