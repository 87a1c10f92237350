// `npm run build`: src/ to dist/, one file to one file.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";

const root: string = path.resolve(import.meta.dirname, "..");
const tsc: string = path.join(root, "node_modules/typescript/bin/tsc");

rmSync(path.join(root, "dist"), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
if (status === 0 && existsSync(path.join(root, "dist"))) console.log("built dist/");
process.exitCode = status ?? 1;
