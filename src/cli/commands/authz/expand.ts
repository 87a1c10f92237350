import type { Command } from "commander";
import { printTraits } from "../../../authz/relationship-text.ts";
import type { ExpandTree } from "../../../model/authz.ts";
import { formatSubject } from "../../../model/relationship.ts";
import { plain } from "../../failure.ts";
import { print, stdout } from "../../terminal.ts";
import {
  addQuestionOptions,
  parseRight,
  type QuestionOptions,
  readQuestion,
  withTenant,
} from "./ground.ts";

interface ExpandOptions extends QuestionOptions {
  readonly deep?: boolean;
}

export const examples: readonly (readonly [string, string])[] = [
  ["document:1#view", "what the permission comes from, one step"],
  ["document:1#view --deep", "to the end: every group and folder followed"],
];

export function define(command: Command): void {
  command
    .argument("<right>", "object#permission")
    .option("--deep", "follow usersets and computed rights to the end");
  addQuestionOptions(command).action(expand);
}

async function expand(text: string, options: ExpandOptions): Promise<void> {
  const request = { ...parseRight(text), ...(await readQuestion(options)) };
  const deep = options.deep === true;
  const answer = await withTenant(options, (tenant) => tenant.expand({ ...request, deep }));
  print(options.json === true ? JSON.stringify(answer) : treeLines(answer.tree, "", "").join("\n"));
}

function treeLines(tree: ExpandTree, branch: string, indent: string): string[] {
  const { dim, cyan } = stdout.style;
  const right = `${tree.of.type}:${tree.of.id}#${tree.of.relation}`;
  const caveat = dim(plain(printTraits({ caveat: tree.caveat })));
  const head = `${dim(branch)}${plain(right)}${caveat} ${dim(tree.kind === "computed" ? overText(tree.over) : tree.kind)}`;
  const children = "children" in tree ? tree.children : [];
  const leaves = leavesOf(tree);
  const count = children.length + leaves.length;
  const below = Array.from({ length: count }, (_, index) => {
    const isLast = index === count - 1;
    const [own, more] = [
      `${indent}${isLast ? "└─ " : "├─ "}`,
      `${indent}${isLast ? "   " : "│  "}`,
    ];
    const child = children[index - leaves.length];
    return child === undefined
      ? [`${dim(own)}${cyan(plain(leaves[index] ?? ""))}`]
      : treeLines(child, own, more);
  });
  return [head, ...below.flat()];
}

function overText(over: string | undefined): string {
  return over === undefined ? "computed" : `computed over ${over}`;
}

function leavesOf(tree: ExpandTree): string[] {
  if (tree.kind === "leaf") {
    return tree.subjects.map((one) => formatSubject(one) + printTraits({ caveat: one.caveat }));
  }
  return tree.kind === "computed" ? tree.usersets.map(formatSubject) : [];
}
