import { type RuleName, rules, type Syntax } from "./grammar.ts";
import type { TokenKind } from "./tokens.ts";

/**
 * The grammar as a network of states, as ANTLR makes it: what can come next, and what the parser
 * does about it when something else comes, is a matter of states and not of rules.
 */
export interface State {
  readonly id: number;
  readonly role: "plain" | "block" | "loop-entry" | "loop-back" | "stop";
  /** Ways that take nothing, in order of preference; of a stop all places it may have been called from. */
  readonly free: State[];
  readonly on: { readonly set: ReadonlySet<TokenKind>; readonly to: State } | null;
  readonly call: { readonly start: State; readonly follow: State } | null;
}

/** What the parser does with a part of the grammar, with the states in which it does it. */
export type Step =
  | { readonly kind: "match"; readonly state: State; readonly set: ReadonlySet<TokenKind> }
  | { readonly kind: "call"; readonly state: State; readonly rule: RuleName }
  | { readonly kind: "sequence"; readonly steps: readonly Step[] }
  | {
      readonly kind: "choice" | "optional" | "star" | "plus";
      readonly far: boolean;
      /** Where it is decided first. */
      readonly state: State;
      /** Of loops: where it is decided again. */
      readonly back: State;
      readonly branches: readonly Branch[];
    };

export interface Branch {
  readonly start: State;
  readonly step: Step;
}

export interface Rule {
  readonly start: State;
  readonly stop: State;
  readonly step: Step;
}

export type Automaton = Readonly<Record<RuleName, Rule>>;

interface MutableState extends State {
  readonly free: MutableState[];
  on: State["on"];
  call: State["call"];
}

interface Piece {
  readonly from: MutableState;
  readonly to: MutableState;
  readonly step: Step;
}

export function makeAutomaton(): Automaton {
  return new Builder().build();
}

class Builder {
  #states = 0;
  readonly #starts = new Map<RuleName, MutableState>();
  readonly #stops = new Map<RuleName, MutableState>();

  build(): Automaton {
    const names = Object.keys(rules) as RuleName[]; // keys forgets the key type
    for (const name of names) {
      this.#starts.set(name, this.#state());
      this.#stops.set(name, this.#state("stop"));
    }
    const entries = names.map((name) => [name, this.#rule(name)] as const);
    return Object.fromEntries(entries) as Automaton; // fromEntries forgets it, too
  }

  #rule(name: RuleName): Rule {
    const start = this.#start(name);
    const stop = this.#stop(name);
    const { from, to, step } = this.#piece(rules[name]);
    start.free.push(from);
    to.free.push(stop);
    return { start, stop, step };
  }

  #start(name: RuleName): MutableState {
    return this.#starts.get(name) ?? this.#state();
  }

  #stop(name: RuleName): MutableState {
    return this.#stops.get(name) ?? this.#state("stop");
  }

  #state(role: State["role"] = "plain"): MutableState {
    return { id: this.#states++, role, free: [], on: null, call: null };
  }

  #piece(syntax: Syntax): Piece {
    switch (syntax.kind) {
      case "token": {
        const [from, to] = [this.#state(), this.#state()];
        from.on = { set: syntax.set, to };
        return { from, to, step: { kind: "match", state: from, set: syntax.set } };
      }
      case "rule": {
        const [from, to] = [this.#state(), this.#state()];
        from.call = { start: this.#start(syntax.name), follow: to };
        this.#stop(syntax.name).free.push(to);
        return { from, to, step: { kind: "call", state: from, rule: syntax.name } };
      }
      case "sequence":
        return this.#sequence(syntax.parts);
      case "choice":
      case "optional":
        return this.#block(syntax);
      case "star":
        return this.#star(syntax);
      case "plus":
        return this.#plus(syntax);
    }
  }

  #sequence(parts: readonly Syntax[]): Piece {
    const from = this.#state();
    let to = from;
    const steps = parts.map((part) => {
      const piece = this.#piece(part);
      to.free.push(piece.from);
      to = piece.to;
      return piece.step;
    });
    return { from, to, step: { kind: "sequence", steps } };
  }

  #block(syntax: Decision): Piece {
    const from = this.#state("block");
    const to = this.#state();
    const branches = this.#branches(syntax.alternatives, from, to);
    if (syntax.kind === "optional") from.free.push(to);
    const step: Step = { ...this.#decision(syntax), state: from, back: from, branches };
    return { from, to, step };
  }

  #star(syntax: Decision): Piece {
    const from = this.#state("loop-entry");
    const block = this.#state("block");
    const back = this.#state("loop-back");
    const to = this.#state();
    from.free.push(block, to);
    const branches = this.#branches(syntax.alternatives, block, back);
    back.free.push(from);
    return { from, to, step: { ...this.#decision(syntax), state: from, back, branches } };
  }

  #plus(syntax: Decision): Piece {
    const from = this.#state("block");
    const back = this.#state("loop-back");
    const to = this.#state();
    const branches = this.#branches(syntax.alternatives, from, back);
    back.free.push(from, to);
    return { from, to, step: { ...this.#decision(syntax), state: from, back, branches } };
  }

  #branches(
    alternatives: readonly Syntax[],
    from: MutableState,
    to: MutableState,
  ): readonly Branch[] {
    return alternatives.map((alternative) => {
      const piece = this.#piece(alternative);
      from.free.push(piece.from);
      piece.to.free.push(to);
      return { start: piece.from, step: piece.step };
    });
  }

  #decision({ kind, look }: Decision): { readonly kind: Decision["kind"]; readonly far: boolean } {
    return { kind, far: look === "far" };
  }
}

type Decision = Extract<Syntax, { readonly look: unknown }>;

/** What may come next in a state, and whether its rule may end before anything comes. */
export interface Upcoming {
  readonly kinds: ReadonlySet<TokenKind>;
  readonly mayEnd: boolean;
}

/** Within the rule of the state (and those that it calls); the same state is only looked at once. */
export class Lookahead {
  readonly #known = new Map<State, Upcoming>();

  from(state: State): Upcoming {
    const known = this.#known.get(state);
    if (known !== undefined) return known;
    const found = this.#look(state);
    this.#known.set(state, found);
    return found;
  }

  #look(from: State): Upcoming {
    const kinds = new Set<TokenKind>();
    let mayEnd = false;
    const seen = new Set([from]);
    const queue = [from];
    for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
      for (const kind of state.on?.set ?? []) kinds.add(kind);
      if (state.role === "stop") mayEnd = true;
      const ways = state.role === "stop" ? [] : [...state.free];
      if (state.call !== null) {
        const called = this.from(state.call.start);
        for (const kind of called.kinds) kinds.add(kind);
        if (called.mayEnd) ways.push(state.call.follow);
      }
      for (const way of ways) {
        if (seen.has(way)) continue;
        seen.add(way);
        queue.push(way);
      }
    }
    return { kinds, mayEnd };
  }
}
