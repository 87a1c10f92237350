import type { Workload } from "../workload.ts";
import type { World } from "../world.ts";
import { makeGatherings } from "./gatherings.ts";
import { makeLifecycle } from "./lifecycle.ts";
import { makeMessages } from "./messages.ts";
import { makeRegisters } from "./registers.ts";
import { makeRequests } from "./requests.ts";
import { makeSteps } from "./steps.ts";
import { makeTransfers } from "./transfers.ts";
import { makeVersions } from "./versions.ts";
import { makeWaits } from "./waits.ts";

const all: readonly ((world: World) => Workload)[] = [
  makeGatherings,
  makeLifecycle,
  makeMessages,
  makeRegisters,
  makeRequests,
  makeSteps,
  makeTransfers,
  makeVersions,
  makeWaits,
];

/** Some of the workloads, as the seed will have it. */
export function chooseWorkloads(world: World): Workload[] {
  const left = [...all];
  const chosen: Workload[] = [];
  while (chosen.length < world.swarm.workloads && left.length > 0) {
    const [make] = left.splice(world.random.below(left.length), 1);
    if (make !== undefined) chosen.push(make(world));
  }
  return chosen;
}
