// Which test shows which behaviour. Behaviours have the numbers 59 to 200 and the letters A to K; a
// test says at the end of its title which it shows: `… [70]`, `… [119, 120]`.
// `npm run node -- tools/behaviours.ts` prints the table.
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { elsewhere } from "./behaviours-elsewhere.ts";

export interface Shown {
  readonly behaviour: string;
  readonly title: string;
  readonly file: string;
}

const root: string = path.resolve(import.meta.dirname, "..");

/** Every behaviour that there is, in order. */
export const behaviours: readonly string[] = [
  ...Array.from({ length: 200 - 59 + 1 }, (_, index) => String(59 + index)),
  ..."ABCDEFGHIJK",
];

/** What the titles of the tests say. */
export function readMap(): readonly Shown[] {
  const files = globSync("{src,test}/**/*.test.ts", { cwd: root }).sort();
  const shown: Shown[] = [];
  for (const file of files) {
    const text = readFileSync(path.join(root, file), "utf8");
    for (const [, title = "", list = ""] of text.matchAll(titlePattern)) {
      for (const behaviour of list.split(", ")) {
        shown.push({ behaviour, title, file: file.replaceAll(path.sep, "/") });
      }
    }
  }
  return shown;
}

/** A call of a test function whose title, in quotes of any kind, ends with numbers or letters. */
const titlePattern: RegExp =
  /\b(?:each|eachStore|test|it)\(\s*["'`]([^"\n]*?) \[((?:\d+|[A-K])(?:, (?:\d+|[A-K]))*)\]["'`]/g;

/** The table as Markdown. */
export function printMap(): string {
  const shown = readMap();
  const lines = ["| behaviour | shown by |", "|---|---|"];
  for (const behaviour of behaviours) {
    const tests = shown.filter((one) => one.behaviour === behaviour);
    const by = tests.map(({ file, title }) => `${file}: ${title.replaceAll("|", "\\|")}`);
    lines.push(
      `| ${behaviour} | ${by.length > 0 ? by.join("<br>") : `— ${elsewhere[behaviour] ?? "nothing"}`} |`,
    );
  }
  return lines.join("\n");
}

if (import.meta.main) process.stdout.write(`${printMap()}\n`);
