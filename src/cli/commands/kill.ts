import type { Command } from "commander";
import { defineControl } from "../control.ts";

export { controlExamples as examples } from "../control.ts";

export function define(command: Command): void {
  defineControl(command, "kill", (name) => `${name} and all it called were ended`);
}
