import type { Command } from "commander";
import { controlExamples, defineControl } from "../control.ts";

export const examples: typeof controlExamples = controlExamples;

export function define(command: Command): void {
  defineControl(command, "kill", (name) => `${name} and all it called were ended`);
}
