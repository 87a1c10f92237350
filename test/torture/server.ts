/** The process that is killed: `node server.ts <store>`. Prints its address when it takes requests. */
import { serve } from "holdfast";
import { services } from "./app.ts";

const server = await serve({ services, store: process.argv[2] ?? "torture.db", port: 0 });
process.stdout.write(`${server.url}\n`);
