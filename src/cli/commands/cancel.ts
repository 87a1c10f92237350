import type { Command } from "commander";
import { defineControl } from "../control.ts";

export { controlExamples as examples } from "../control.ts";

export function define(command: Command): void {
  defineControl(command, "cancel", (name) => `${name} is asked to end; its clean-up runs now`);
}
