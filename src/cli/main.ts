#!/usr/bin/env node
// The program `holdfast`. Nothing is imported here that could be imported later: this file has to
// load on a Node that is too old, to say so, and on the right one before its compile cache is on.
import module from "node:module";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  const { complainOfNode } = await import("./terminal.ts");
  complainOfNode();
} else {
  module.enableCompileCache();
  const [command, ...args] = process.argv.slice(2);
  if (command === "--app-process") {
    const { runAppProcess } = await import("./app-process.ts");
    await runAppProcess(args);
  } else {
    const { main } = await import("./program.ts");
    process.exitCode = await main(process.argv.slice(2));
  }
}
