/** What a command of the CLI is. */
import type { Command } from "commander";

export interface CommandModule {
  /** Adds arguments, options and action to the command. */
  readonly define: (command: Command, table: readonly CommandRow[]) => void;
  /** Arguments as one would type them, and what they do. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
}

interface RowBase {
  readonly name: string;
  readonly group: keyof typeof groups;
  readonly summary: string;
}

/** A command, or a name under which there are some. */
export type CommandRow =
  | (RowBase & { readonly load: () => Promise<CommandModule> })
  | (RowBase & { readonly rows: readonly CommandRow[] });

export type CommandLeaf = Extract<CommandRow, { readonly load: unknown }> & {
  /** All its words: `authz schema write`. */
  readonly path: string;
};

export const groups = {
  run: "Run an application:",
  call: "Call it:",
  look: "Look inside:",
  control: "Take control:",
  authz: "Who may do what:",
  shell: "Set up:",
} as const;

/** The commands of a table that do something, in its order. */
export function leavesOf(table: readonly CommandRow[], before: string = ""): CommandLeaf[] {
  return table.flatMap((row): CommandLeaf[] => {
    const path = `${before}${row.name}`;
    return "rows" in row ? leavesOf(row.rows, `${path} `) : [{ ...row, path }];
  });
}
