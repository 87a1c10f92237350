/** The conditions of other projects' suites, when they are at hand. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { suiteFolder, whySkipped } from "../../../test/suites.ts";
import { defaultLimits } from "../../model/limits.ts";
import { parseNativeSchema } from "../schema/native/parse.ts";
import { parseOpenfgaDsl } from "../schema/openfga/openfga.ts";
import type { ParsedSchema } from "../schema/schema.ts";
import { compileCaveat } from "./caveat.ts";

const [spicedb, openfga] = [suiteFolder("spicedb"), suiteFolder("openfga")];

function compileAll({ schema, problems }: ParsedSchema): number {
  assert(schema !== null, JSON.stringify(problems));
  for (const definition of schema.caveats.values()) {
    const compiled = compileCaveat(definition, schema.dialect, defaultLimits);
    assert.notEqual(compiled.caveat, null);
    assert.deepEqual(compiled.problems, [], definition.expression);
  }
  return schema.caveats.size;
}

test("every caveat of SpiceDB's schemas compiles", { skip: whySkipped(spicedb) }, () => {
  assert(spicedb !== undefined);
  const folder = path.join(spicedb, "testconfigs");
  let caveats = 0;
  for (const file of readdirSync(folder)) {
    const { schema } = parse(readFileSync(path.join(folder, file), "utf8"));
    caveats += compileAll(parseNativeSchema(schema, defaultLimits));
  }
  assert(caveats >= 18, `${caveats}`);
});

test("every condition of OpenFGA's models compiles", { skip: whySkipped(openfga) }, () => {
  assert(openfga !== undefined);
  const { tests } = parse(readFileSync(path.join(openfga, "abac_tests.yaml"), "utf8"));
  let conditions = 0;
  for (const { stages } of tests) {
    for (const { model } of stages) conditions += compileAll(parseOpenfgaDsl(model, defaultLimits));
  }
  assert(conditions >= 29, `${conditions}`);
});
