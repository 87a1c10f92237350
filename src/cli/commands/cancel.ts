import type { Command } from "commander";
import { controlExamples, defineControl } from "../control.ts";

export const examples: typeof controlExamples = controlExamples;

export function define(command: Command): void {
  defineControl(command, "cancel", (name) => `${name} is asked to end; its clean-up runs now`);
}
