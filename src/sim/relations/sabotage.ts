import type { Authz } from "../../authz/authz.ts";
import type { Submit } from "../../authz/port.ts";
import type { World } from "../world.ts";

export function sabotageAuthz(_world: World, authz: Authz): Authz {
  return authz;
}

export function sabotageSubmit(_world: World, submit: Submit, _authz: Authz): Submit {
  return submit;
}
