import { join } from "node:path";
import { open } from "holdfast";
import type { EmbeddedTenant } from "../../src/authz/port.ts";
import { expectEqual, inFolder, median, type Outcome, type Size } from "../harness.ts";
import type { Tuple } from "./drive.ts";
import { driveOf, inChunks, prepare } from "./stage.ts";

const plan = {
  tiny: { size: 2_000, singles: 10 },
  quick: { size: 100_000, singles: 300 },
  full: { size: 1_000_000, singles: 1_000 },
};
const batch = 100;
const writers = 8;

/** Relationships written to SQLite, durable, each visible to the check that follows. */
export function write(size: Size): Promise<Outcome> {
  return inFolder(async (folder) => {
    const { size: relationships, singles } = plan[size];
    const app = await open({ services: [], store: join(folder, "drive.db") });
    const { port, tenant } = await prepare(app);
    const batches = [...inChunks(driveOf(relationships), batch)].map((tuples) =>
      tuples.map(updateOf),
    );
    const begun = performance.now();
    let next = 0;
    async function writer(): Promise<void> {
      for (let updates = batches[next++]; updates !== undefined; updates = batches[next++]) {
        await port.write({ updates });
      }
    }
    await Promise.all(Array.from({ length: writers }, writer));
    const perSecond = (relationships * 1_000) / (performance.now() - begun);
    const check = expectEqual("relationships in memory", tenant.view.graph.size, relationships);
    const latencies = await writeSingly(port, singles);
    const { rows } = await app.query<{ n: number }>("SELECT count(*) AS n FROM relationships");
    expectEqual("relationships in the store", rows[0]?.n ?? 0, relationships + singles);
    await app.close();
    const figure = (name: string, ours: number, unit: string): Outcome["figures"][number] => ({
      case: name,
      ours,
      reference: null,
      ratio: null,
      unit,
    });
    return {
      figures: [
        figure("write", perSecond, "relationships/s"),
        figure("write.single", median(latencies), "ms"),
      ],
      check,
      notes: [`${relationships} in batches of ${batch}, ${writers} at once; then one at a time`],
    };
  });
}

async function writeSingly(port: EmbeddedTenant, count: number): Promise<number[]> {
  const latencies: number[] = [];
  for (let at = 0; at < count; at++) {
    const resource = { type: "document", id: `single${at}` };
    const subject = { type: "user", id: `u${at}` };
    const begun = performance.now();
    const relationship = { resource, relation: "viewer", subject };
    await port.write({ updates: [{ operation: "create", relationship }] });
    latencies.push(performance.now() - begun);
    if (port.checkNow({ resource, permission: "view", subject }) !== "yes") {
      expectEqual("the check after a write", 0, 1);
    }
  }
  return latencies;
}

function updateOf([type, id, relation, subjectType, subjectId, subjectRelation]: Tuple) {
  return {
    operation: "touch" as const,
    relationship: {
      resource: { type, id },
      relation,
      subject: {
        type: subjectType,
        id: subjectId,
        ...(subjectRelation === "" ? {} : { relation: subjectRelation }),
      },
    },
  };
}
