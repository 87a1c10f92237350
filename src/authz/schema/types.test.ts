import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { defaultLimits } from "../../model/limits.ts";
import { parseNativeSchema } from "./native/parse.ts";
import { generateTypes } from "./types.ts";

const { schema } = parseNativeSchema(
  `use expiration
caveat cond(count int, tags list<string>, more map<any>, ok bool) { count > 1 && tags == [] && more == {} && ok }
// A person. */ still
definition user {}
definition org/group { relation member: user | org/group#member\n }
// What is read.
//
// And written.
definition document {
  // Who sees it.
  relation viewer: user | user:* with cond | user with expiration | org/group#member
  permission view = viewer
  permission edit = viewer
}`,
  defaultLimits,
);
assert(schema !== null);

/** A facade as somebody may write it, used well and badly. */
const use = `
import type { AuthzCaveats, AuthzTypes } from "./authz.ts";

type Type = keyof AuthzTypes;
type Permission<T extends Type> = AuthzTypes[T]["permissions"];
type Relations<T extends Type> = AuthzTypes[T]["relations"];

declare function check<T extends Type>(question: {
  readonly resource: { readonly type: T; readonly id: string };
  readonly permission: Permission<T> | keyof Relations<T>;
  readonly subject: { readonly type: AuthzTypes[T]["subjects"]; readonly id: string };
}): boolean;
declare function write<T extends Type, R extends keyof Relations<T>>(relationship: {
  readonly resource: { readonly type: T; readonly id: string };
  readonly relation: R;
  readonly subject: Relations<T>[R];
}): void;

const document = { type: "document", id: "1" } as const;
const bob = { type: "user", id: "bob" } as const;
check({ resource: document, permission: "view", subject: bob });
check({ resource: document, permission: "viewer", subject: { type: "org/group", id: "1" } });
write({ resource: document, relation: "viewer", subject: bob });
write({ resource: document, relation: "viewer", subject: { type: "user", id: "*" } });
write({ resource: document, relation: "viewer", subject: { type: "org/group", id: "1", relation: "member" } });
const given: AuthzCaveats["cond"] = { count: 1, tags: ["a"], more: { a: 1 }, ok: true };

// @ts-expect-error: no such permission
check({ resource: document, permission: "veiw", subject: bob });
// @ts-expect-error: no such type
check({ resource: { type: "doc", id: "1" }, permission: "view", subject: bob });
// @ts-expect-error: a document is no subject of documents
check({ resource: document, permission: "view", subject: document });
// @ts-expect-error: a permission stores nothing
write({ resource: document, relation: "view", subject: bob });
// @ts-expect-error: not the group itself
write({ resource: document, relation: "viewer", subject: { type: "org/group", id: "1" } });
// @ts-expect-error: no such relation of the subject
write({ resource: document, relation: "viewer", subject: { type: "org/group", id: "1", relation: "head" } });
// @ts-expect-error: users have no relations
write({ resource: { type: "user", id: "1" }, relation: "viewer", subject: bob });
// @ts-expect-error: a number
const wrong: AuthzCaveats["cond"] = { ...given, count: "1" };
void wrong;
`;

test("the compiler takes good use of the types, and refuses bad use", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-authz-types-"));
  try {
    writeFileSync(path.join(folder, "authz.ts"), generateTypes(schema));
    writeFileSync(path.join(folder, "use.ts"), use);
    const compilerOptions = {
      target: "es2024",
      module: "nodenext",
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      isolatedDeclarations: true,
      declaration: true,
      noEmit: true,
      allowImportingTsExtensions: true,
    };
    writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    writeFileSync(path.join(folder, "package.json"), '{ "type": "module" }');
    const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
    const tsc = path.join(path.dirname(typescript), "bin/tsc");
    const { stdout, status } = spawnSync(
      process.execPath,
      [tsc, "-p", folder, "--pretty", "false"],
      {
        encoding: "utf8",
      },
    );
    assert.equal(stdout, "");
    assert.equal(status, 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("docs come along", () => {
  const source = generateTypes(schema);
  assert.match(source, /\/\*\* A person\. \*\\\/ still \*\//);
  assert.match(
    source,
    / {2}\/\*\*\n {3}\* What is read\.\n {3}\*\n {3}\* And written\.\n {3}\*\/\n/,
  );
  assert.match(source, /\/\*\* Who sees it\. \*\//);
});
