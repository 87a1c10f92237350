/** The process that is killed: `node server.ts <store>`. Prints its address when it takes requests. */
import { serve } from "holdfast";
import { access, services } from "./app.ts";

const server = await serve({
  services,
  authorization: access,
  store: process.argv[2] ?? "torture.db",
  port: 0,
});
process.stdout.write(`${server.url}\n`);
