// The programs in the documentation: every ```ts block of README.md, docs/ and the TSDoc of src/.
import { globSync, readFileSync } from "node:fs";
import path from "node:path";

export interface Block {
  /** The file it stands in, by its path in the repository, and the line of its fence. */
  readonly file: string;
  readonly line: number;
  /** What follows the backquotes: `ts`, `sh`. */
  readonly language: string;
  readonly text: string;
}

/**
 * What a block is called where it is checked. A first line `// name.ts` gives it a name, under which
 * the other blocks of its page import it.
 */
export function nameOf({ text, line }: Block): string {
  return /^\/\/ ([\w-]+\.ts)\n/.exec(text)?.[1] ?? `line-${line}.ts`;
}

/** Opens a Holdfast of its own, so that it can be run as it is. */
export function isProgram({ text }: Block): boolean {
  return /await (open|openAuthz|openTest|serve)\(/.test(text);
}

/** Only defines: loading it does nothing but check the definitions. */
export function isModule(block: Block): boolean {
  return !isProgram(block) && !/^(?!\s|\/\/| \*).*\bawait\b/m.test(block.text);
}

/** What it says that it prints: `console.log(x); // this`, in order. */
export function printsOf({ text }: Block): readonly string[] {
  return [...text.matchAll(/^\s*console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line = ""]) => line);
}

export function readBlocks(root: string): readonly Block[] {
  const pages = ["README.md", ...globSync("docs/**/*.md", { cwd: root })]
    .filter((file) => !file.includes("reference"))
    .sort();
  const sources = globSync("src/{sdk,server,client,authz,authz/schema,authz/picture}/*.ts", {
    cwd: root,
  }).sort();
  return [
    ...pages.flatMap((file) => blocksOf(file, read(root, file))),
    ...sources.flatMap((file) => blocksOf(file, commentsOf(read(root, file)))),
  ];
}

export function blocksOf(file: string, text: string): Block[] {
  const blocks: Block[] = [];
  const fence = /^```([^\n]*)\n([\s\S]*?)^```$/gm;
  for (const found of text.matchAll(fence)) {
    const [, language = "", content = ""] = found;
    const line = text.slice(0, found.index).split("\n").length;
    blocks.push({ file, line, language, text: content });
  }
  return blocks;
}

/** Keeps the comments alone, without their stars, each on its line. */
function commentsOf(source: string): string {
  let inside = false;
  return source
    .split("\n")
    .map((line) => {
      const starts = /^\s*\/\*\*/.test(line);
      if (starts) inside = true;
      const text = inside && !starts ? line.replace(/^\s*\* ?/, "") : "";
      if (line.includes("*/")) inside = false;
      return text;
    })
    .join("\n");
}

function read(root: string, file: string): string {
  return readFileSync(path.join(root, file), "utf8");
}
