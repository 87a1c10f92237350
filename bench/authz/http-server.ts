// The server of check.http, in a process of its own: a drive in memory, served over HTTP.
import { serve } from "holdfast";
import { chunkOf } from "./drive.ts";
import { driveOf, inChunks, prepare } from "./stage.ts";

process.once("disconnect", () => process.exit(0));
const relationships = Number(process.argv[2]);
const server = await serve({ services: [], store: ":memory:", port: 0 });
const { tenant } = await prepare(server);
for (const tuples of inChunks(driveOf(relationships), 10_000)) tenant.view.load(chunkOf(tuples));
tenant.view.loaded(tenant.durable);
process.send?.(server.url);
