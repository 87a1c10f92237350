import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { drawExplanation } from "../../../authz/picture/picture.ts";
import { parseCheckItem } from "../../../authz/relationship-text.ts";
import type { CheckAnswer } from "../../../model/authz.ts";
import { ExplainedError } from "../../../model/denial.ts";
import { unwritable } from "../../../server/file-error.ts";
import { print, say, stderr } from "../../terminal.ts";
import { addQuestionOptions, type QuestionOptions, readQuestion, withTenant } from "./ground.ts";
import { answerWith, exitNote, explanationText, verdictText } from "./verdict.ts";

interface ExplainOptions extends QuestionOptions {
  readonly svg?: string;
}

export const examples: readonly (readonly [string, string])[] = [
  ["document:1#view@user:ada", "what grants it, or why each branch does not"],
  ["document:1#view@user:ada --svg why.svg", "the same as a picture"],
  ["document:1#view@user:ada --json", "for programs"],
];

export function define(command: Command): void {
  command
    .argument("<question>", "object#permission@subject")
    .option("--svg <file>", "write it as a picture; - for standard output")
    .addHelpText("after", exitNote);
  addQuestionOptions(command).action(explain);
}

function explain(text: string, options: ExplainOptions): Promise<void> {
  return answerWith(options, async () => {
    const question = await readQuestion(options);
    const request = { ...parseCheckItem(text), ...question, explain: true };
    try {
      const answer = await withTenant(options, (tenant) => tenant.check(request));
      await show(answer, { ...options, title: `${text}: ${answer.verdict}` });
      return answer.verdict;
    } catch (error) {
      // How far it got shows where it ended.
      if (error instanceof ExplainedError) {
        const { explanation } = error;
        if (explanation !== undefined) {
          await show({ explanation }, { ...options, title: `${text}: ${error.code}` });
        }
      }
      throw error;
    }
  });
}

type Shown = Pick<CheckAnswer, "explanation"> & Partial<CheckAnswer>;

async function show(
  answer: Shown,
  { svg, json, title }: ExplainOptions & { readonly title: string },
): Promise<void> {
  const { explanation, verdict, missing = [] } = answer;
  if (svg !== undefined && explanation !== undefined) {
    const picture = drawExplanation(explanation, { title });
    if (svg === "-") {
      print(picture.trimEnd());
      return;
    }
    await writeFile(svg, picture).catch((error: unknown) => {
      throw unwritable(svg, error);
    });
    say(stderr.style.dim(`the picture is in ${svg}`));
  }
  if (json === true) {
    print(JSON.stringify(answer));
    return;
  }
  if (verdict !== undefined) print(verdictText({ verdict, missing }));
  if (explanation !== undefined) print(explanationText(explanation));
}
