#!/usr/bin/env node
// What `npx holdfast` runs inside this repository: the command line, from its sources.
process.argv.splice(2, 0, "holdfast");
await import("./run.mjs");
