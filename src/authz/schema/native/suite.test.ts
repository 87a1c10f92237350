/** SpiceDB's own schemas, when they are at hand. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { suiteFolder } from "../../../../test/suites.ts";
import { defaultLimits } from "../../../model/limits.ts";
import { parseNativeSchema } from "./parse.ts";

const folder = suiteFolder("spicedb/testconfigs");

test("every schema of the suite parses without a problem", {
  skip: folder === undefined && "the suite is not beside this checkout",
}, async (t) => {
  assert(folder !== undefined);
  const files = readdirSync(folder);
  assert(files.length >= 50);
  for (const file of files) {
    await t.test(file, () => {
      const { schema: text } = parse(readFileSync(path.join(folder, file), "utf8"));
      const { schema, problems } = parseNativeSchema(text, defaultLimits);
      assert.deepEqual(problems, []);
      assert(schema !== null && schema.types.size > 0);
    });
  }
});
