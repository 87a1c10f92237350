// What all cases share: their shape, a folder that goes away, and load that is counted.
import { removeFolder, tempFolder } from "./peers/children.ts";

/** `tiny` only shows that the case still runs; `quick` is for a first look, `full` for the record. */
export type Size = "tiny" | "quick" | "full";

/** One printed line. `reference` is the limit of the bare store, or of whatever else is named. */
export interface Figure {
  readonly case: string;
  readonly ours: number;
  readonly reference: number | null;
  readonly ratio: number | null;
  readonly unit: string;
}

export interface Outcome {
  readonly figures: readonly Figure[];
  /** What was checked, with the value found: a broken run must not look fast. */
  readonly check: string;
  /** Spread and whatever else helps to read the figures. */
  readonly notes?: readonly string[];
}

export type Case = (size: Size) => Promise<Outcome>;

/** The measured work gave a wrong result. */
export class WrongResult extends Error {
  override readonly name = "WrongResult";
}

export function expectEqual(what: string, actual: number, expected: number): string {
  if (actual !== expected) throw new WrongResult(`${what}: ${actual} instead of ${expected}`);
  return `${what} ${actual}`;
}

/** Gives the work a folder of its own, and removes it whatever happens. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await tempFolder();
  try {
    return await work(folder);
  } finally {
    removeFolder(folder);
  }
}

export interface Load {
  readonly calls: number;
  readonly perSecond: number;
}

/** Keeps a number of calls in flight for a while. A call throws if its answer is wrong. */
export async function keepBusy(
  call: () => Promise<unknown>,
  options: { readonly inFlight: number; readonly forMs: number },
): Promise<Load> {
  const begun = performance.now();
  const until = begun + options.forMs;
  let calls = 0;
  async function worker(): Promise<void> {
    while (performance.now() < until) {
      await call();
      calls++;
    }
  }
  await Promise.all(Array.from({ length: options.inFlight }, worker));
  return { calls, perSecond: (calls * 1_000) / (performance.now() - begun) };
}

/** Measures two things in turn, several times, so that a disturbance hits both. */
export async function inTurn(
  rounds: number,
  ours: () => Promise<number>,
  reference: () => Promise<number>,
): Promise<{ ours: number[]; reference: number[] }> {
  const found = { ours: [] as number[], reference: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    found.ours.push(await ours());
    found.reference.push(await reference());
  }
  return found;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** A figure against a reference: the medians, and their ratio. */
export function compare(
  name: string,
  unit: string,
  values: { readonly ours: readonly number[]; readonly reference: readonly number[] },
): Figure {
  const ours = median(values.ours);
  const reference = median(values.reference);
  return { case: name, ours, reference, ratio: ours / reference, unit };
}

export function spread(what: string, values: readonly number[]): string {
  return `${what}: ${values.map((value) => Number(value.toPrecision(3))).join(" ")}`;
}
