import type { State } from "./automaton.ts";
import type { TokenKind } from "./tokens.ts";

/** Where calls return to, innermost first; null is the end of what is known. */
export interface Stack {
  readonly follow: State;
  readonly outer: Stack | null;
  readonly id: number;
}

/** One way the text could be going on. */
interface Way {
  readonly state: State;
  /** From 1, in the order in which the decision prefers them. */
  readonly alternative: number;
  readonly stack: Stack | null;
  /** It has left the rule in which the decision is made. */
  readonly left: boolean;
}

export type Prediction =
  | { readonly kind: "alternative"; readonly alternative: number }
  /** No alternative fits; how many tokens were looked at. */
  | { readonly kind: "none"; readonly length: number }
  /** It would take too long to say. */
  | { readonly kind: "unknown" };

/** How many ways may be followed at once: nested parentheses double them with every level. */
const mostWays = 4_000;

/**
 * Which alternative of a decision the text takes, told as ANTLR's ALL(*) tells it (Parr, Harwell and
 * Fisher, OOPSLA 2014): all alternatives are followed side by side until one is left; first without
 * regard to where the rule was called from, and only if that leaves several, again with regard to it.
 */
export class Predictor {
  readonly #stacks = new Map<string, Stack>();
  /** Ways that may still be followed, by all predictions together. */
  #budget: number;

  constructor(budget: number) {
    this.#budget = budget;
  }

  push(follow: State, outer: Stack | null): Stack {
    const key = `${follow.id}/${outer?.id ?? ""}`;
    const known = this.#stacks.get(key);
    if (known !== undefined) return known;
    const made = { follow, outer, id: this.#stacks.size };
    this.#stacks.set(key, made);
    return made;
  }

  predict(
    starts: readonly State[],
    context: { readonly stack: Stack | null; kindAt(ahead: number): TokenKind },
  ): Prediction {
    const local = this.#run(starts, { ...context, stack: null, full: false });
    return local ?? this.#run(starts, { ...context, full: true }) ?? { kind: "unknown" };
  }

  /** Undefined: several alternatives fit, as far as one can tell like this. */
  #run(
    starts: readonly State[],
    context: {
      readonly stack: Stack | null;
      readonly full: boolean;
      kindAt(ahead: number): TokenKind;
    },
  ): Prediction | undefined {
    const { full, stack } = context;
    let ways = this.#closure(
      starts.map((state, index) => ({ state, alternative: index + 1, stack, left: false })),
      full,
    );
    for (let length = 0; ; length++) {
      const kind = context.kindAt(length);
      const next = this.#reach(ways, kind, full);
      if (this.#budget < 0 || next.length > mostWays) return { kind: "unknown" };
      if (next.length === 0) return finished(ways, full) ?? { kind: "none", length: length + 1 };
      ways = next;
      const only = uniqueAlternative(ways);
      if (only !== undefined) return { kind: "alternative", alternative: only };
      const viable = full ? viableAlternative(ways) : undefined;
      if (viable !== undefined) return { kind: "alternative", alternative: viable };
      if (!full && conflicts(ways)) return undefined;
    }
  }

  #reach(ways: readonly Way[], kind: TokenKind, full: boolean): readonly Way[] {
    const moved: Way[] = [];
    const stopped: Way[] = [];
    for (const way of ways) {
      if (way.state.role === "stop" && (full || kind === "EOF")) stopped.push(way);
      if (way.state.on?.set.has(kind)) moved.push({ ...way, state: way.state.on.to });
    }
    const closed = this.#closure(moved, full);
    const reached = kind === "EOF" ? closed.filter(({ state }) => state.role === "stop") : closed;
    if (full && reached.some(({ state }) => state.role === "stop")) return reached;
    return [...reached, ...stopped];
  }

  /** All that can be reached without taking a token; places that matter: those that take one, and ends. */
  #closure(from: readonly Way[], full: boolean): readonly Way[] {
    const seen = new Map<string, Way>();
    const kept: Way[] = [];
    const queue = [...from];
    for (let way = queue.pop(); way !== undefined; way = queue.pop()) {
      const key = `${way.state.id}/${way.alternative}/${way.stack?.id ?? ""}/${way.left}`;
      if (seen.has(key)) continue;
      seen.set(key, way);
      if (this.#budget-- < 0) break;
      const { state } = way;
      if (state.on !== null) kept.push(way);
      if (state.call !== null) {
        const stack = this.push(state.call.follow, way.stack);
        queue.push({ ...way, state: state.call.start, stack });
      }
      if (state.role === "stop") {
        if (way.stack !== null) {
          queue.push({ ...way, state: way.stack.follow, stack: way.stack.outer });
          continue;
        }
        if (full || state.free.length === 0) kept.push(way);
        if (full) continue;
        for (const follow of state.free) queue.push({ ...way, state: follow, left: true });
      } else {
        for (const free of state.free) queue.push({ ...way, state: free });
      }
    }
    return kept;
  }
}

/** The text fits nothing any more, but one alternative had come to the end of the rule before. */
function finished(ways: readonly Way[], full: boolean): Prediction | undefined {
  const ends = ways.filter((way) => way.left || (way.state.role === "stop" && way.stack === null));
  const first = Math.min(...ends.map(({ alternative }) => alternative));
  if (ends.length === 0 || (full && !Number.isFinite(first))) return undefined;
  return { kind: "alternative", alternative: first };
}

function uniqueAlternative(ways: readonly Way[]): number | undefined {
  const first = ways[0]?.alternative;
  return ways.every(({ alternative }) => alternative === first) ? first : undefined;
}

/** The alternatives by place: those that share one cannot be told apart from there on. */
function byPlace(ways: readonly Way[]): readonly ReadonlySet<number>[] {
  const stacks = new Map<string, number[]>();
  for (const { state, alternative, stack } of ways) {
    const key = `${state.id}/${alternative}`;
    const known = stacks.get(key) ?? [];
    known.push(stack?.id ?? -1);
    stacks.set(key, known);
  }
  const places = new Map<string, Set<number>>();
  for (const [key, ids] of stacks) {
    const [state = "", alternative = ""] = key.split("/");
    const place = `${state}:${[...new Set(ids)].sort((a, b) => a - b).join(",")}`;
    const known = places.get(place) ?? new Set();
    places.set(place, known.add(Number(alternative)));
  }
  return [...places.values()];
}

function viableAlternative(ways: readonly Way[]): number | undefined {
  const firsts = byPlace(ways).map((alternatives) => Math.min(...alternatives));
  const [first] = firsts;
  return firsts.every((one) => one === first) ? first : undefined;
}

function conflicts(ways: readonly Way[]): boolean {
  if (ways.every(({ state }) => state.role === "stop")) return true;
  if (byPlace(ways).every((alternatives) => alternatives.size === 1)) return false;
  const byState = new Map<State, Set<number>>();
  for (const { state, alternative } of ways) {
    const known = byState.get(state) ?? new Set();
    byState.set(state, known.add(alternative));
  }
  return [...byState.values()].every((alternatives) => alternatives.size > 1);
}
