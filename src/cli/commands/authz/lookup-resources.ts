import type { Command } from "commander";
import { parseSubject } from "../../../authz/relationship-text.ts";
import { formatObject } from "../../../model/relationship.ts";
import { addQuestionOptions, readQuestion, withTenant } from "./ground.ts";
import { addPageOptions, type PageOptions, pageOf, printFound } from "./pages.ts";

export const examples: readonly (readonly [string, string])[] = [
  ["document view user:ada", "what she may view"],
  ["document view user:ada --all", "all of it, however much that is"],
];

export function define(command: Command): void {
  command
    .argument("<type>", "of the resources")
    .argument("<permission>", "a permission or relation of that type")
    .argument("<subject>", "type:id, or type:id#relation");
  addQuestionOptions(addPageOptions(command)).action(lookupResources);
}

async function lookupResources(
  resourceType: string,
  permission: string,
  subject: string,
  options: PageOptions,
): Promise<void> {
  const question = {
    resourceType,
    permission,
    subject: parseSubject(subject),
    ...(await readQuestion(options)),
  };
  await withTenant(options, (tenant) =>
    printFound(options, {
      ask: (after) => tenant.lookupResources({ ...question, ...pageOf(options, after) }),
      show: ({ id }) => formatObject({ type: resourceType, id }),
    }),
  );
}
