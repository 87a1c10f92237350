import assert from "node:assert/strict";
import { test } from "node:test";
import { HoldfastError } from "../model/errors.ts";
import { collectDefinitions, deploymentHash } from "./application.ts";
import { authorization } from "./authorization.ts";
import { actor, handler, service } from "./definition.ts";

function refused(code: string): (error: unknown) => boolean {
  return (error) => error instanceof HoldfastError && error.code === code;
}

const resource = () => ({ type: "document", id: "d" });

test("an authorization fills in what is not said", () => {
  const plain = authorization();
  assert.equal(plain.tenant, "default");
  assert.equal(plain.schema, null);
  assert.deepEqual(plain.subject("ann"), { type: "user", id: "ann" });
  assert.equal(plain.subject(undefined), undefined);
  const { schema } = authorization({ schema: "definition user {}" });
  assert.deepEqual(schema, { dialect: "native", text: "definition user {}" });
});

const wrong: readonly [string, object | null][] = [
  ["no object", null],
  ["an unknown part", { schemas: "" }],
  ["a tenant with a space", { tenant: "a b" }],
  ["a schema that is no text", { schema: 5 }],
  ["an unknown dialect", { dialect: "other" }],
  ["a subject that is no function", { subject: "user" }],
];

for (const [what, spec] of wrong) {
  test(`an authorization with ${what} is refused`, () => {
    assert.throws(() => authorization(spec as never), refused("invalid-argument"));
  });
}

const wrongPermissions: readonly [string, unknown][] = [
  ["without a name", ""],
  ["that is a number", 5],
  ["with an unknown part", { name: "edit", on: resource }],
  ["with a resource that is no function", { name: "edit", resource: resource() }],
  ["with a tenant that is no text", { name: "edit", tenant: 5 }],
];

for (const [what, permission] of wrongPermissions) {
  test(`a permission ${what} is refused when it is declared`, () => {
    const make = () =>
      actor("document", {
        handlers: { edit: handler({ permission: permission as string }, () => 1) },
      });
    assert.throws(make, refused("invalid-argument"));
  });
}

test("a service, which has no key, has to say on what a permission is asked", () => {
  assert.throws(
    () => service("desk", { permission: "edit", handlers: { stamp: () => 1 } }),
    refused("invalid-argument"),
  );
  service("desk", { permission: { name: "edit", resource }, handlers: { stamp: () => 1 } });
});

test("a module has one authorization at most, under any name", () => {
  const access = authorization();
  const page = actor("page", { handlers: { read: () => 1 } });
  assert.equal(collectDefinitions({ page }).authorization, undefined);
  assert.equal(collectDefinitions({ page, access, again: access }).authorization, access);
  assert.throws(
    () => collectDefinitions({ access, other: authorization({ tenant: "other" }) }),
    refused("duplicate-definition"),
  );
});

test("another permission is another deployment", () => {
  const of = (permission?: Parameters<typeof handler>[0]["permission"]) =>
    deploymentHash([
      actor("page", {
        handlers: {
          read: handler(permission === undefined ? {} : { permission }, () => 1),
        },
      }),
    ]);
  const hashes = [
    of(),
    of("read"),
    of("write"),
    of({ name: "read" }),
    of({ name: "read", resource }),
    of({ name: "read", resource: (key) => ({ type: "page", id: key }) }),
  ];
  assert.equal(new Set(hashes).size, hashes.length);
});
