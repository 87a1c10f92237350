/** Who may do what on the drive: the schema is in drive.zed, what must follow from it in drive.yaml. */
import { readFileSync } from "node:fs";
import { authorization } from "holdfast";

export const schema: string = readFileSync(new URL("drive.zed", import.meta.url), "utf8");

export const access = authorization({ schema });
