import type { Command } from "commander";
import { defineControl } from "../control.ts";

export { controlExamples as examples } from "../control.ts";

export function define(command: Command): void {
  defineControl(
    command,
    "pause",
    (name) => `${name} is paused; holdfast resume ${name} lets it go on`,
  );
}
