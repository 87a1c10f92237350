// One system under comparison. Every system runs the same cases, in turn and never at the same
// time, so that an idle one takes nothing from the one being measured.

/** How long and how much one case may run. Both bounds hold; the first one reached ends it. */
export interface Budget {
  readonly warmupMs: number;
  readonly measureMs: number;
  readonly maxCalls: number;
}

export interface Measured {
  readonly value: number;
  readonly unit: "workflows/s" | "calls/s" | "ms";
}

export type CaseName = "wf10.http" | "call.http" | "hot.http" | "wf10.latency" | "wf10.client";

export interface Contender {
  readonly name: string;
  /** Exact versions, for the report. */
  readonly version: string;
  /** The cases in the order they run; one that the system has no counterpart for is left out. */
  readonly cases: { readonly [name in CaseName]?: (budget: Budget) => Promise<Measured> };
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What a load process needs to know of a system: how to make one call of each case. */
export interface Calls {
  readonly [name: string]: () => Promise<unknown>;
}
