import type { Command } from "commander";
import { parseObject } from "../../../authz/relationship-text.ts";
import type { FoundSubject } from "../../../model/authz.ts";
import { formatSubject } from "../../../model/relationship.ts";
import { addQuestionOptions, readQuestion, withTenant } from "./ground.ts";
import { addPageOptions, type PageOptions, pageOf, printFound } from "./pages.ts";

export const examples: readonly (readonly [string, string])[] = [
  ["document:1 view user", "who may view it"],
  ["document:1 view group#member", "the groups whose members may"],
];

export function define(command: Command): void {
  command
    .argument("<resource>", "type:id")
    .argument("<permission>", "a permission or relation of its type")
    .argument("<subjects>", "a type, or type#relation");
  addQuestionOptions(addPageOptions(command)).action(lookupSubjects);
}

async function lookupSubjects(
  resource: string,
  permission: string,
  kind: string,
  options: PageOptions,
): Promise<void> {
  const [subjectType = "", subjectRelation] = kind.split("#", 2);
  const relation = subjectRelation === undefined ? {} : { subjectRelation };
  const question = {
    resource: parseObject(resource),
    permission,
    subjectType,
    ...relation,
    ...(await readQuestion(options)),
  };
  const subject = (id: string): string =>
    formatSubject({
      type: subjectType,
      id,
      ...(subjectRelation === undefined ? {} : { relation: subjectRelation }),
    });
  const show = ({ id, excluded = [] }: FoundSubject): string =>
    excluded.length === 0
      ? subject(id)
      : `${subject(id)} but ${excluded.map((one) => subject(one.id)).join(", ")}`;
  await withTenant(options, (tenant) =>
    printFound(options, {
      ask: (after) => tenant.lookupSubjects({ ...question, ...pageOf(options, after) }),
      show,
    }),
  );
}
