import type { Figure } from "./harness.ts";

interface Goal {
  readonly of: "ours" | "ratio";
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** What each figure must reach; a figure that is not named here is shown for its own sake. */
const goals: Readonly<Record<string, readonly Goal[]>> = {
  "wf10.embedded": [{ of: "ratio", atLeast: 0.4 }],
  "hot.embedded": [
    { of: "ours", atLeast: 100_000 },
    { of: "ratio", atLeast: 0.3 },
  ],
  "recover.progress": [{ of: "ours", atMost: 1_000 }],
  "recover.ready": [{ of: "ours", atMost: 5_000 }],
  "long.recover": [{ of: "ours", atMost: 2_000 }],
  // "Does not grow", with room for what two measurements of one thing differ by.
  "long.replay": [{ of: "ratio", atMost: 1.25 }],
  "long.append": [{ of: "ratio", atMost: 1.25 }],
  "sleepers.rss": [{ of: "ours", atMost: 1_536 }],
  "sleepers.late": [{ of: "ours", atMost: 2_000 }],
  "slow-disk": [{ of: "ratio", atLeast: 0.5 }],
  "slow-disk.loop-p99": [{ of: "ours", atMost: 15 }],
  "check.warm": [{ of: "ours", atLeast: 1_000_000 }],
  "check.warm.p99": [{ of: "ours", atMost: 10 }],
  "check.cold": [{ of: "ours", atLeast: 150_000 }],
  "check.cold.p99": [{ of: "ours", atMost: 100 }],
  "check.deep": [{ of: "ratio", atMost: 3 }],
  "check.http": [{ of: "ours", atLeast: 12_000 }],
  "check.http.bulk": [{ of: "ours", atLeast: 300_000 }],
  lookup: [{ of: "ours", atMost: 60 }],
  "lookup.first": [{ of: "ours", atMost: 3 }],
  write: [{ of: "ours", atLeast: 50_000 }],
  "write.single": [{ of: "ours", atMost: 2 }],
  load: [{ of: "ours", atMost: 30 }],
  "load.memory": [{ of: "ours", atMost: 120 }],
  start: [{ of: "ours", atMost: 400 }],
};

/** The goals of a figure in words, each with whether it is met; empty if it has none. */
export function judge(figure: Figure): string {
  return (goals[figure.case] ?? []).map((goal) => judgeOne(figure, goal)).join(", ");
}

function judgeOne(figure: Figure, { of, atLeast, atMost }: Goal): string {
  const value = figure[of] ?? Number.NaN;
  const met = value >= (atLeast ?? value) && value <= (atMost ?? value);
  const bound = atLeast === undefined ? `<= ${text(atMost)}` : `>= ${text(atLeast)}`;
  return `${met ? "met" : "missed"}: ${of} ${bound}`;
}

function text(bound: number | undefined): string {
  return (bound ?? Number.NaN).toLocaleString("en");
}
