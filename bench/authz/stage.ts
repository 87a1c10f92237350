// Tenants of the benches: opened, filled, and looked at from inside.
import { type Holdfast, open } from "holdfast";
import type { AuthzSettings } from "../../src/authz/authz.ts";
import type { EmbeddedTenant } from "../../src/authz/port.ts";
import type { Tenant } from "../../src/authz/tenant.ts";
import { Prng } from "../../src/std/prng.ts";
import { below, chunkOf, driveSchema, makeDrive, shapeOf, type Tuple, zipf } from "./drive.ts";

export interface Stage {
  readonly app: Holdfast;
  readonly port: EmbeddedTenant;
  /** The same from inside, for what no user can see: hit rates, memory. */
  readonly tenant: Tenant;
  close(): Promise<void>;
}

/** A tenant whose graph is filled in memory alone: for what only reads. */
export async function stageInMemory(
  tuples: Iterable<Tuple>,
  settings: Partial<AuthzSettings> = {},
): Promise<Stage> {
  const app = await open({ services: [], store: ":memory:", authz: settings });
  const stage = await prepare(app);
  for (const chunk of inChunks(tuples, 10_000)) stage.tenant.view.load(chunkOf(chunk));
  stage.tenant.view.loaded(stage.tenant.durable);
  return stage;
}

export async function prepare(app: Holdfast): Promise<Stage> {
  await app.authz.createTenant({ id: "drive" });
  const port = app.authz.tenant("drive");
  await port.writeSchema({ dialect: "native", text: driveSchema });
  const tenant = app.relations.tenant("drive");
  return { app, port, tenant, close: () => app.close() };
}

export function* inChunks(tuples: Iterable<Tuple>, size: number): Iterable<Tuple[]> {
  let chunk: Tuple[] = [];
  for (const tuple of tuples) {
    if (chunk.push(tuple) < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

export interface Ask {
  readonly resource: { readonly type: string; readonly id: string };
  readonly permission: string;
  readonly subject: { readonly type: string; readonly id: string };
}

/**
 * Questions of mixed shapes: documents and folders, direct and inherited, granted and not. With
 * `popular`, some are asked far more often than others, as in life; else nearly all are new.
 */
export function makeQuestions(
  size: number,
  { count, popular, seed = 2 }: { count: number; popular: boolean; seed?: number },
): Ask[] {
  const random = new Prng(seed);
  const { users, folders, documents } = shapeOf(size);
  const pick = (from: number): number => (popular ? zipf(random, from) : below(random, from));
  return Array.from({ length: count }, () => {
    const isFolder = below(random, 5) === 0;
    const permissions = isFolder ? ["view", "edit"] : ["view", "edit", "comment"];
    return {
      resource: isFolder
        ? { type: "folder", id: `f${pick(folders)}` }
        : { type: "document", id: `d${pick(documents)}` },
      permission: permissions[below(random, permissions.length)] ?? "view",
      subject: { type: "user", id: `u${zipf(random, users)}` },
    };
  });
}

export function driveOf(size: number): Iterable<Tuple> {
  return makeDrive(size);
}
