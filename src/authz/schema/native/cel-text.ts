/** As much of CEL as is needed to find where an expression ends and which names it uses. */

export interface CelText {
  /** Of the expression itself, without blanks around it. */
  readonly start: number;
  readonly end: number;
  /** Of the brace that closes it; the length of the text if none does. */
  readonly close: number;
  /** Names that do not follow a dot: variables, functions, macros. */
  readonly names: ReadonlySet<string>;
  /** Nothing but blanks and comments. */
  readonly empty: boolean;
}

const word = /[A-Za-z0-9_]+/y;
const restOfLine = /[^\r\n]*/y;
const stringPrefix = /^(r|b|rb|br)$/i;

/** Reads from just after the opening brace. */
export function scanCel(text: string, from: number): CelText {
  const names = new Set<string>();
  let depth = 0;
  let at = from;
  let before = "";
  while (at < text.length) {
    const char = text.charAt(at);
    if (text.startsWith("//", at)) {
      at = endOfMatch(restOfLine, text, at);
      continue;
    }
    const end = char === '"' || char === "'" ? endOfString(text, at, false) : endOfWord(text, at);
    if (end > at) {
      const token = text.slice(at, end);
      const raw = stringPrefix.test(token) && /["']/.test(text.charAt(end));
      if (raw) at = endOfString(text, end, /r/i.test(token));
      else at = end;
      if (!raw && before !== "." && char !== '"' && char !== "'") names.add(token);
      before = "x";
      continue;
    }
    if (char === "{") depth++;
    if (char === "}" && depth-- === 0) break;
    if (!/\s/.test(char)) before = char;
    at++;
  }
  const body = text.slice(from, at);
  const start = from + (body.length - body.trimStart().length);
  const end = Math.max(start, from + body.trimEnd().length);
  return { start, end, close: at, names, empty: before === "" };
}

function endOfWord(text: string, at: number): number {
  return endOfMatch(word, text, at);
}

function endOfMatch(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}

/** A string that does not end reaches to the end of its line; CEL will complain of it. */
function endOfString(text: string, at: number, raw: boolean): number {
  const quote = text.charAt(at);
  const triple = text.startsWith(quote.repeat(3), at);
  const closing = triple ? quote.repeat(3) : quote;
  let here = at + closing.length;
  while (here < text.length) {
    if (text.startsWith(closing, here)) return here + closing.length;
    const char = text.charAt(here);
    if (!triple && (char === "\n" || char === "\r")) return here;
    here += char === "\\" && !raw ? 2 : 1;
  }
  return text.length;
}
