import type { Command } from "commander";
import { parseCheckItem } from "../../../authz/relationship-text.ts";
import { print } from "../../terminal.ts";
import { addQuestionOptions, type QuestionOptions, readQuestion, withTenant } from "./ground.ts";
import { answerWith, exitNote, verdictText } from "./verdict.ts";

export const examples: readonly (readonly [string, string])[] = [
  ["document:1#view@user:ada", "may she?"],
  [`document:1#view@user:ada --context '{"ip": "10.0.0.1"}'`, "with values for caveats"],
  ["document:1#view@user:ada --with group:x#member@user:ada", "if she were a member"],
  ["document:1#view@user:ada --store holdfast.db --tenant acme", "without a server"],
];

export function define(command: Command): void {
  command.argument("<question>", "object#permission@subject").addHelpText("after", exitNote);
  addQuestionOptions(command).action(check);
}

function check(text: string, options: QuestionOptions): Promise<void> {
  return answerWith(options, async () => {
    const request = { ...parseCheckItem(text), ...(await readQuestion(options)) };
    const answer = await withTenant(options, (tenant) => tenant.check(request));
    print(options.json === true ? JSON.stringify(answer) : verdictText(answer));
    return answer.verdict;
  });
}
