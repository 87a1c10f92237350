import { expectEqual, median, type Outcome, type Size } from "../harness.ts";
import type { Tuple } from "./drive.ts";
import { driveOf, stageInMemory } from "./stage.ts";

const plan = {
  tiny: { size: 2_000, resources: 500, rounds: 2 },
  quick: { size: 1_000_000, resources: 10_000, rounds: 15 },
  full: { size: 1_000_000, resources: 10_000, rounds: 51 },
};

/** Everything that one subject may see: all of it, and the first hundred. */
export async function lookup(size: Size): Promise<Outcome> {
  const { size: relationships, resources, rounds } = plan[size];
  const stage = await stageInMemory(withReader(relationships, resources));
  const request = {
    resourceType: "document",
    permission: "view",
    subject: { type: "user", id: "reader" },
  };
  const all: number[] = [];
  const first: number[] = [];
  let found = 0;
  for (let round = 0; round < rounds; round++) {
    let begun = performance.now();
    found = (await stage.port.lookupResources({ ...request, limit: resources })).items.length;
    all.push(performance.now() - begun);
    begun = performance.now();
    await stage.port.lookupResources({ ...request, limit: 100 });
    first.push(performance.now() - begun);
  }
  await stage.close();
  const figure = (name: string, values: readonly number[]): Outcome["figures"][number] => ({
    case: name,
    ours: median(values),
    reference: null,
    ratio: null,
    unit: "ms",
  });
  return {
    figures: [figure("lookup", all), figure("lookup.first", first)],
    check: expectEqual("documents found", found, resources),
    notes: [`among ${relationships} relationships; half of them through folders and groups`],
  };
}

/** A reader with just so many documents: by name, by group, and in folders within folders. */
function* withReader(size: number, resources: number): Iterable<Tuple> {
  yield* driveOf(size);
  yield ["group", "readers", "member", "user", "reader", ""];
  yield ["group", "all", "member", "group", "readers", "member"];
  yield ["folder", "top", "viewer", "group", "all", "member"];
  for (let folder = 0; folder < 10; folder++) {
    yield ["folder", `below${folder}`, "parent", "folder", "top", ""];
  }
  for (let at = 0; at < resources; at++) {
    const document = `r${at}`;
    if (at % 2 === 0) yield ["document", document, "viewer", "user", "reader", ""];
    else yield ["document", document, "parent", "folder", `below${at % 10}`, ""];
  }
}
