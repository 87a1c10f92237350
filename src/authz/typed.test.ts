// The compiler is the test: `npm run check` fails where an error is expected and none comes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openAuthz } from "../server/open-authz.ts";
import { type TypedRelationship, type TypedTenant, typed } from "./typed.ts";

interface AuthzTypes {
  readonly user: {
    readonly relations: object;
    readonly permissions: never;
    readonly subjects: never;
  };
  readonly group: {
    readonly relations: {
      readonly member:
        | { readonly type: "user"; readonly id: string; readonly relation?: never }
        | { readonly type: "group"; readonly id: string; readonly relation: "member" };
    };
    readonly permissions: never;
    readonly subjects: "user" | "group";
  };
  readonly document: {
    readonly relations: {
      readonly viewer:
        | { readonly type: "user"; readonly id: string; readonly relation?: never }
        | { readonly type: "user"; readonly id: "*"; readonly relation?: never }
        | { readonly type: "group"; readonly id: string; readonly relation: "member" };
      readonly owner: { readonly type: "user"; readonly id: string; readonly relation?: never };
    };
    readonly permissions: "view" | "edit";
    readonly subjects: "user" | "group";
  };
}

interface AuthzCaveats {
  readonly office: { readonly net: string; readonly floor: number };
}

const schema = `
caveat office(net string, floor int) { net == "10" && floor == 1 }
definition user {}
definition group {
  relation member: user | group#member
}
definition document {
  relation viewer: user | user with office | user:* | group#member
  relation owner: user
  permission edit = owner
  permission view = viewer + edit
}`;

const document = { type: "document", id: "1" } as const;
const ada = { type: "user", id: "ada" } as const;
const members = { type: "group", id: "x", relation: "member" } as const;

test("good use compiles and works; bad use does not compile", async () => {
  await using authz = await openAuthz({ store: ":memory:", tenants: ["acme"] });
  const acme = typed<AuthzTypes, AuthzCaveats>(authz.tenant("acme"));
  await acme.writeSchema({ dialect: "native", text: schema });
  await acme.write({
    updates: [
      {
        operation: "touch",
        relationship: { resource: { type: "group", id: "x" }, relation: "member", subject: ada },
      },
      {
        operation: "touch",
        relationship: { resource: document, relation: "viewer", subject: members },
      },
      {
        operation: "touch",
        relationship: {
          resource: document,
          relation: "viewer",
          subject: { type: "user", id: "bob" },
          caveat: { name: "office", context: { net: "10" } },
        },
      },
    ],
    preconditions: [{ must: "not-match", filter: { resourceType: "group", relation: "member" } }],
  });
  const item = { resource: document, permission: "view", subject: ada } as const;
  assert.equal(acme.checkNow(item), "yes");
  assert.equal((await acme.check({ ...item, explain: true })).verdict, "yes");
  assert.equal((await acme.check({ ...item, subject: members })).verdict, "yes");
  const question = { permission: "view", subject: ada, resourceType: "document" } as const;
  assert.equal((await acme.lookupResources(question)).items.length, 1);
  const who = { resource: document, permission: "view", subjectType: "user" } as const;
  assert.equal((await acme.lookupSubjects(who)).items.length, 2);
  const { permissions } = await acme.permissions({ resource: document, subject: ada });
  const names: readonly ("view" | "edit" | "viewer" | "owner")[] = permissions.map((p) => p.name);
  assert.deepEqual(names.toSorted(), ["edit", "owner", "view", "viewer"]);
  assert.equal((await acme.read({ filter: { resourceType: "document" } })).items.length, 2);
  assert.equal((await acme.deleteObject(document)).deleted, 2);
});

const heads = { ...members, relation: "head" } as const;
const wrongFloor = { name: "office", context: { floor: "1" } } as const;

/** Never called: only compiled. */
export async function badUse(acme: TypedTenant<AuthzTypes, AuthzCaveats>): Promise<void> {
  const touch = (relationship: TypedRelationship<AuthzTypes, AuthzCaveats>) =>
    acme.write({ updates: [{ operation: "touch", relationship }] });
  // @ts-expect-error: no such permission
  await acme.check({ resource: document, permission: "veiw", subject: ada });
  // @ts-expect-error: no such type
  await acme.check({ resource: { type: "doc", id: "1" }, permission: "view", subject: ada });
  // @ts-expect-error: a document is no subject of a document
  await acme.check({ resource: document, permission: "view", subject: document });
  // @ts-expect-error: groups have members and no heads
  await acme.check({ resource: document, permission: "view", subject: heads });
  // @ts-expect-error: a permission stores nothing
  await touch({ resource: document, relation: "view", subject: ada });
  // @ts-expect-error: an owner is one user, and no group
  await touch({ resource: document, relation: "owner", subject: members });
  // @ts-expect-error: no such caveat
  await touch({ resource: document, relation: "owner", subject: ada, caveat: { name: "ofice" } });
  // @ts-expect-error: the floor is a number
  await touch({ resource: document, relation: "owner", subject: ada, caveat: wrongFloor });
  // @ts-expect-error: users have no permissions
  await acme.lookupResources({ resourceType: "user", permission: "view", subject: ada });
  // @ts-expect-error: nothing is of that type
  await acme.read({ filter: { resourceType: "doc" } });
}
