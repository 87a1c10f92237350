/**
 * Writes relationships into a file, and says after each transaction which it was: for the test that
 * kills it. The number of the first comes with the path, and all that it does follows from it.
 */
import { openAuthz } from "holdfast/authz";

const [store = "", first = "0"] = process.argv.slice(2);
const perWrite = 500;

const authz = await openAuthz({ store, tenants: ["t"] });
const tenant = authz.tenant("t");
const schema = "definition user {}\ndefinition document {\n  relation viewer: user\n}";
if (first === "0") await tenant.writeSchema({ dialect: "native", text: schema });

/** Scattered over the documents, so that nothing that is written together lies together. */
function relationshipOf(number: number) {
  const resource = { type: "document", id: `d${(number * 7_919) % 100_003}` };
  return { resource, relation: "viewer", subject: { type: "user", id: `u${number}` } };
}

async function write(at: number): Promise<void> {
  const updates = Array.from({ length: perWrite }, (_, i) => ({
    operation: "create" as const,
    relationship: relationshipOf(at * perWrite + i),
  }));
  // Some of what was written before goes again, the latest and old ones.
  const gone = [at * perWrite - 1, Math.floor(at / 2) * perWrite].filter(
    (number) => at > 1 && number > 0,
  );
  const deletes = gone.map((number) => ({
    operation: "delete" as const,
    relationship: relationshipOf(number),
  }));
  await tenant.write({ updates: [...updates, ...deletes], onMissing: "ignore" });
  process.stdout.write(`${at}\n`);
}

let next = Number(first);
await Promise.all(
  Array.from({ length: 4 }, async () => {
    for (;;) await write(next++);
  }),
);
