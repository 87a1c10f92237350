// One case in a process of its own, so that none finds the heap or the compiled code of another.
// Started with: <case> <size>. Sends its outcome to the parent, or ends with status 1.
import { cases } from "./cases.ts";
import type { Size } from "./harness.ts";

process.once("disconnect", () => process.exit(1));
const [name = "", size = "quick"] = process.argv.slice(2);
const make = cases[name];
if (make === undefined) throw new Error(`there is no case ${name}`);
const run = await make();
const outcome = await run(size as Size); // main.ts and the test give nothing else
process.send?.(outcome, () => process.exit(0));
