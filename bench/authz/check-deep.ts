import { expectEqual, median, type Outcome, type Size } from "../harness.ts";
import type { Tuple } from "./drive.ts";
import { type Ask, stageInMemory } from "./stage.ts";

const plan = {
  tiny: { towers: 20, rounds: 1, asks: 500 },
  quick: { towers: 2_000, rounds: 7, asks: 50_000 },
  full: { towers: 10_000, rounds: 15, asks: 100_000 },
};
const height = 20;

/** Membership through 20 groups within each other, against membership in the group itself. */
export async function checkDeep(size: Size): Promise<Outcome> {
  const { towers, rounds, asks: count } = plan[size];
  const stage = await stageInMemory(makeTowers(towers), { cacheBytes: 0 });
  const ask = (level: number): Ask[] =>
    Array.from({ length: count }, (_, at) => ({
      resource: { type: "folder", id: `t${at % towers}-${level}` },
      permission: "viewer",
      // One in four is nobody's member.
      subject: { type: "user", id: at % 4 === 3 ? `nobody${at % towers}` : `u${at % towers}` },
    }));
  // Level 0 names the group that has the user; level 20 one around 20 others.
  const kinds = [ask(0), ask(height)];
  const rates = kinds.map(() => [] as number[]);
  const granted = [0, 0];
  for (let round = 0; round < rounds; round++) {
    for (const [kind, asks] of kinds.entries()) {
      const before = process.threadCpuUsage();
      let yes = 0;
      for (const one of asks) if (stage.port.checkNow(one) === "yes") yes++;
      const { user, system } = process.threadCpuUsage(before);
      granted[kind] = yes;
      rates[kind]?.push((asks.length * 1e6) / (user + system));
    }
  }
  await stage.close();
  const [shallow = [], deep = []] = rates;
  const [ours, reference] = [median(deep), median(shallow)];
  return {
    figures: [{ case: "check.deep", ours, reference, ratio: reference / ours, unit: "checks/s" }],
    check: expectEqual("granted at both depths", granted[1] ?? 0, granted[0] ?? -1),
    notes: [
      `${towers} towers of ${height} groups; the ratio says how much longer the deep one takes`,
    ],
  };
}

function* makeTowers(towers: number): Iterable<Tuple> {
  for (let tower = 0; tower < towers; tower++) {
    for (let level = 0; level <= height; level++) {
      const group = `t${tower}-${level}`;
      if (level > 0) {
        yield ["group", group, "member", "group", `t${tower}-${level - 1}`, "member"];
      }
      yield ["folder", group, "viewer", "group", group, "member"];
      // Every group has members of its own, so that none is only a link.
      yield ["group", group, "member", "user", `m${tower}-${level}`, ""];
    }
    yield ["group", `t${tower}-0`, "member", "user", `u${tower}`, ""];
    yield ["group", `other${tower}`, "member", "user", `nobody${tower}`, ""];
  }
}
