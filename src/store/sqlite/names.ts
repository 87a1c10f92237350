import type { DatabaseSync, StatementSync } from "node:sqlite";
import { assert } from "../../std/assert.ts";
import { Question } from "./rows.ts";

/**
 * The table of names, in memory. What a transaction has added is there at once, so after one that
 * was rolled back all of it must be read again.
 */
export class Names {
  readonly #ask: Question;
  readonly #insert: StatementSync | null;
  #codes = new Map<string, number>();
  #texts: string[] = [];

  /** @param access With a connection that only reads, names come from elsewhere: `read`. */
  constructor(db: DatabaseSync, access: "read" | "write") {
    this.#ask = new Question(db, "SELECT code, name FROM names");
    this.#insert = access === "write" ? db.prepare("INSERT INTO names VALUES (?, ?)") : null;
    this.reload();
  }

  reload(): void {
    this.#codes = new Map();
    this.#texts = [];
    for (const row of this.#ask.all()) this.#note(row[0] as number, row[1] as string); // NOT NULL
  }

  /** Of a name that was written before. */
  find(text: string): number | undefined {
    return this.#codes.get(text);
  }

  /** Inside a transaction. */
  put(text: string): number {
    const known = this.#codes.get(text);
    if (known !== undefined) return known;
    assert(this.#insert !== null, "names are put where the store is written");
    const code = this.#texts.length;
    this.#insert.run(code, text);
    this.#note(code, text);
    return code;
  }

  text(code: number): string {
    if (this.#texts[code] === undefined) this.reload();
    const text = this.#texts[code];
    assert(text !== undefined, `no name ${code}`);
    return text;
  }

  #note(code: number, text: string): void {
    this.#codes.set(text, code);
    this.#texts[code] = text;
  }
}
