import { fail } from "../../../model/errors.ts";

/**
 * JSON values out of lines: one a line, several on one, or one over many, as clients of grpc-gateway
 * stream them. Whether each is well-formed is for whoever parses it to say.
 */
export async function* splitValues(
  lines: AsyncIterable<string>,
  max: number,
): AsyncGenerator<string, void, undefined> {
  const scanner = new Scanner(max);
  for await (const line of lines) yield* scanner.take(line);
  const rest = scanner.rest();
  if (rest !== "") yield rest;
}

/** Finds where values end, by the brackets outside of strings. */
class Scanner {
  readonly #max: number;
  #text = "";
  #depth = 0;
  #inString = false;

  constructor(max: number) {
    this.#max = max;
  }

  *take(line: string): Generator<string, void, undefined> {
    let from = 0;
    for (let i = 0; i < line.length; i++) {
      const code = line.charCodeAt(i);
      if (this.#inString) {
        if (code === 0x5c) i++;
        else if (code === 0x22) this.#inString = false;
      } else if (code === 0x22) this.#inString = true;
      else if (code === 0x7b || code === 0x5b) this.#depth++;
      else if ((code === 0x7d || code === 0x5d) && --this.#depth <= 0) {
        this.#depth = 0;
        yield this.#text + line.slice(from, i + 1);
        this.#text = "";
        from = i + 1;
      }
    }
    // A string cannot go on in another line; whoever parses will say so.
    this.#inString = false;
    const rest = line.slice(from);
    if (this.#text === "" && rest.trim() === "") return;
    this.#text += `${rest}\n`;
    const size = this.#text.length;
    const max = this.#max;
    if (size > max) throw fail("too-large", { what: "A message of the body", size, max });
  }

  rest(): string {
    return this.#text.trim();
  }
}
