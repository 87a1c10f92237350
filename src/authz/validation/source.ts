/** A YAML file with the lines on which its values stand. */
import { isMap, isScalar, LineCounter, type Node, parseDocument, type Scalar } from "yaml";
import type { FileProblem } from "./validation.ts";

type Path = readonly (string | number)[];

/** What is larger is no file that people wrote. */
const longest = 16 * 1024 * 1024;

export class YamlSource {
  readonly problems: readonly FileProblem[];
  /** Undefined where there are problems. */
  readonly value: unknown;
  readonly #text: string;
  readonly #counter: LineCounter = new LineCounter();
  readonly #document: ReturnType<typeof parseDocument> | null;

  constructor(text: string) {
    this.#text = text;
    if (text.length > longest) {
      const message = `It has ${text.length} characters, more than ${longest}`;
      this.problems = [{ message, line: null, severity: "error" }];
      this.#document = null;
      return;
    }
    const document = parseDocument(text, { lineCounter: this.#counter, prettyErrors: false });
    this.#document = document;
    const { errors } = document;
    if (errors.length > 0) {
      this.problems = errors.slice(0, 20).map(({ message, pos }) => ({
        message: `It is not YAML: ${message}`,
        line: this.#lineAt(pos[0]),
        severity: "error",
      }));
      return;
    }
    try {
      this.value = document.toJS({ maxAliasCount: 1_000 });
      this.problems = [];
    } catch (error) {
      // An alias that names nothing, or that stands for more than a file can hold.
      const { message } = error as ReferenceError;
      this.problems = [{ message: `It is not YAML: ${message}`, line: null, severity: "error" }];
    }
  }

  has(path: Path): boolean {
    return this.#node(path) !== undefined;
  }

  /** Of the value at the path, or of the nearest that is there around it. */
  line(path: Path): number | null {
    for (let length = path.length; length >= 0; length--) {
      const node = this.#node(path.slice(0, length));
      if (node?.range) return this.#lineAt(node.range[0]);
    }
    return null;
  }

  /** Of the name of a field, and not of its value. */
  keyLine(path: Path, key: string): number | null {
    const map = this.#node(path);
    if (!isMap(map)) return this.line(path);
    const pair = map.items.find(({ key: own }) => isScalar(own) && String(own.value) === key);
    const node = pair?.key as Scalar | undefined; // as found
    return node?.range ? this.#lineAt(node.range[0]) : this.line(path);
  }

  /** How line and column of a text in the file lie in the file itself. */
  placeIn(path: Path, at: { readonly line: number; readonly column: number }): number | null {
    const node = this.#node(path);
    if (!node?.range) return null;
    const isBlock =
      isScalar(node) && (node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED");
    return this.#lineAt(node.range[0]) + at.line - (isBlock ? 0 : 1);
  }

  /**
   * Finds on which line of the file each line of a text stands, however YAML has folded it. They are
   * asked for in their order.
   */
  lineFinder(path: Path): (text: string) => number | null {
    const node = this.#node(path);
    if (!node?.range) return () => null;
    const [start, end] = node.range;
    let from = start;
    return (text) => {
      const at = this.#text.slice(0, end).indexOf(text, from);
      if (at < 0) return this.#lineAt(start);
      from = at + text.length;
      return this.#lineAt(at);
    };
  }

  #node(path: Path): Node | undefined {
    if (path.length === 0) return this.#document?.contents ?? undefined;
    const node: unknown = this.#document?.getIn(path, true);
    return typeof node === "object" && node !== null && "range" in node
      ? (node as Node) // all that has a range is one
      : undefined;
  }

  #lineAt(offset: number): number {
    return this.#counter.linePos(offset).line;
  }
}
