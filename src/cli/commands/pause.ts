import type { Command } from "commander";
import { controlExamples, defineControl } from "../control.ts";

export const examples: typeof controlExamples = controlExamples;

export function define(command: Command): void {
  defineControl(
    command,
    "pause",
    (name) => `${name} is paused; holdfast resume ${name} lets it go on`,
  );
}
