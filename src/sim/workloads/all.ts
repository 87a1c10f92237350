import type { Workload } from "../workload.ts";
import type { World } from "../world.ts";
import { makeGatherings } from "./gatherings.ts";
import { makeLifecycle } from "./lifecycle.ts";
import { makeMessages } from "./messages.ts";
import { makeNewEnemy } from "./new-enemy.ts";
import { makeRegisters } from "./registers.ts";
import { makeRelationships } from "./relationships.ts";
import { makeRequests } from "./requests.ts";
import { makeSteps } from "./steps.ts";
import { makeTransfers } from "./transfers.ts";
import { makeVaults } from "./vaults.ts";
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

/** Work with relationships, which comes besides. */
const related: Readonly<Record<string, (world: World) => Workload>> = {
  relationships: makeRelationships,
  vaults: makeVaults,
  "new-enemy": makeNewEnemy,
};

/** The workloads that can be asked for by name. */
export const workloadNames: readonly string[] = Object.keys(related);

/** Some of the workloads, as the seed will have it; or one alone. */
export function chooseWorkloads(world: World, only: string | null = null): Workload[] {
  const wanted = only === null ? undefined : related[only];
  if (wanted !== undefined) return [wanted(world)];
  const left = [...all];
  const chosen: Workload[] = [];
  while (chosen.length < world.swarm.workloads && left.length > 0) {
    const [make] = left.splice(world.random.below(left.length), 1);
    if (make !== undefined) chosen.push(make(world));
  }
  const { relationships } = world.swarm;
  if (relationships === "clients" || relationships === "both")
    chosen.push(makeRelationships(world));
  if (relationships === "handlers" || relationships === "both") chosen.push(makeVaults(world));
  return chosen;
}
