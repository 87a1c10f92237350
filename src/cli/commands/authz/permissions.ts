import type { Command } from "commander";
import { parseObject, parseSubject } from "../../../authz/relationship-text.ts";
import { formatTable } from "../../table.ts";
import { print } from "../../terminal.ts";
import { addQuestionOptions, type QuestionOptions, readQuestion, withTenant } from "./ground.ts";
import { paintVerdict } from "./verdict.ts";

export const examples: readonly (readonly [string, string])[] = [
  ["document:1 user:ada", "all that she may do with it"],
];

export function define(command: Command): void {
  command.argument("<resource>", "type:id").argument("<subject>", "type:id, or type:id#relation");
  addQuestionOptions(command).action(permissions);
}

async function permissions(
  resource: string,
  subject: string,
  options: QuestionOptions,
): Promise<void> {
  const request = {
    resource: parseObject(resource),
    subject: parseSubject(subject),
    ...(await readQuestion(options)),
  };
  const answer = await withTenant(options, (tenant) => tenant.permissions(request));
  if (options.json === true) {
    print(JSON.stringify(answer));
    return;
  }
  type Row = (typeof answer.permissions)[number];
  print(
    formatTable<Row>(
      [
        { title: "permission", cell: ({ name }) => name },
        {
          title: "verdict",
          cell: ({ verdict }) => verdict,
          paint: (text, { verdict }) => paintVerdict(text, verdict),
        },
        { title: "depends on", cell: ({ missing }) => missing.join(", "), flexible: true },
      ],
      answer.permissions,
    ),
  );
}
