/** A store that is set back to a copy of it: what was lost is not taken for what comes in its place. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { parseRelationship } from "../../src/authz/relationship-text.ts";
import type { Consistency } from "../../src/model/authz.ts";
import { type Holdfast, open } from "../../src/server/open.ts";

const schema = `definition user {}
definition document {
  relation viewer: user
  permission view = viewer
}`;

function change(app: Holdfast, operation: "touch" | "delete", text: string) {
  const relationship = parseRelationship(text);
  return app.authz.tenant("t").write({ updates: [{ operation, relationship }] });
}

test("zookies and cursors from before are refused for good, however much is written after", async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-restore-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const store = path.join(folder, "holdfast.db");
  const openStore = () => open({ services: [], store });
  let app = await openStore();
  await app.authz.createTenant({ id: "t" });
  await app.authz.tenant("t").writeSchema({ dialect: "native", text: schema });
  const before = await change(app, "touch", "document:1#viewer@user:bob");
  await app.close();
  copyFileSync(store, `${store}.copy`);
  app = await openStore();
  const { zookie } = await change(app, "delete", "document:1#viewer@user:bob");
  await app.close();
  copyFileSync(`${store}.copy`, store);
  app = await openStore();
  t.after(() => app.close());
  const ask = (consistency: Consistency) => {
    const resource = { type: "document", id: "1" };
    const subject = { type: "user", id: "bob" };
    return app.authz.tenant("t").check({ resource, permission: "view", subject, consistency });
  };
  for (let round = 0; round < 3; round++) {
    for (const kind of ["at-least-as-fresh", "exact-snapshot"] as const) {
      await assert.rejects(ask({ kind, zookie }), { code: "zookie-future" });
      const known = await ask({ kind, zookie: before.zookie });
      assert.equal(known.verdict, "yes", "what was there before the copy is there");
    }
    await assert.rejects(app.authz.tenant("t").changes({ after: zookie }), {
      code: "zookie-future",
    });
    await change(app, "touch", `document:${round + 2}#viewer@user:ann`);
  }
});
