/** Damage to a store, for showing that the accounting sees it. */
import { DatabaseSync } from "node:sqlite";
import type { ServerFiles } from "./server-process.ts";

export const sabotages: Readonly<Record<string, (files: ServerFiles) => void>> = {
  /** As if a commit that was acknowledged had been lost. */
  lose: (files) => change(files, "json_remove(value, '$[0]')"),
  /** As if a message had been taken twice. */
  double: (files) => change(files, "json_insert(value, '$[#]', value ->> '$[0]')"),
};

function change({ store }: ServerFiles, value: string): void {
  const database = new DatabaseSync(store);
  const { changes } = database
    .prepare(
      `UPDATE state SET value = ${value} WHERE service = 'tally' AND name = 'operations'
        AND key = (SELECT max(key) FROM state WHERE service = 'tally' AND name = 'operations')`,
    )
    .run();
  database.close();
  if (changes === 0) throw new Error("there was nothing to damage");
}
