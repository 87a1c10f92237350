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
