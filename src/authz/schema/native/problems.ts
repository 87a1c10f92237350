import type { Position, SchemaProblem } from "../schema.ts";
import type { Span } from "./lexer.ts";

/** More than anybody reads; what comes after them is counted for nothing. */
const mostProblems = 100;

/** Collects what is wrong with one text, and knows where in it everything is. */
export class Problems {
  readonly #lineStarts: readonly number[];
  readonly #length: number;
  readonly #found: SchemaProblem[] = [];
  readonly #seen = new Set<string>();

  constructor(text: string) {
    this.#lineStarts = lineStarts(text);
    this.#length = text.length;
  }

  get any(): boolean {
    return this.#found.length > 0;
  }

  /** When it is, nothing more is taken, so nobody need look. */
  get full(): boolean {
    return this.#found.length >= mostProblems;
  }

  /** In the order of the text. */
  get sorted(): readonly SchemaProblem[] {
    return this.#found.toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
  }

  /** `suggest` is asked only if the problem is taken. One place has one problem of a code. */
  add(
    code: string,
    span: Span,
    rest: { message: string; suggest?: () => string | undefined },
  ): void {
    const key = `${code} ${span.start}`;
    if (this.full || this.#seen.has(key)) return;
    this.#seen.add(key);
    const suggestion = rest.suggest?.();
    this.#found.push({
      code,
      severity: "error",
      message: rest.message,
      at: this.position(span.start),
      end: this.position(span.end),
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }

  position(offset: number): Position {
    const within = Math.min(offset, this.#length);
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= within) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: within - (this.#lineStarts[low] ?? 0) + 1 };
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (const found of text.matchAll(/\r\n|\n|\r/g)) starts.push(found.index + found[0].length);
  return starts;
}
