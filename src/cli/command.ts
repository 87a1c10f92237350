/** What a command of the CLI is. */
import type { Command } from "commander";

export interface CommandModule {
  /** Adds arguments, options and action to the command. */
  readonly define: (command: Command, table: readonly CommandRow[]) => void;
  /** Arguments as one would type them, and what they do. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
}

export interface CommandRow {
  readonly name: string;
  readonly group: keyof typeof groups;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

export const groups = {
  run: "Run an application:",
  call: "Call it:",
  look: "Look inside:",
  control: "Take control:",
  shell: "Set up:",
} as const;
