import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { suiteFolder } from "../../../../test/suites.ts";
import { defaultLimits } from "../../../model/limits.ts";
import { diffSchemas } from "../diff.ts";
import type { CaveatType, Schema } from "../schema.ts";
import { parseNativeSchema } from "./parse.ts";
import { printNativeSchema } from "./print.ts";

function parsed(text: string): Schema {
  const { schema, problems } = parseNativeSchema(text, defaultLimits);
  assert.deepEqual(problems, [], text);
  assert(schema !== null);
  return schema;
}

/** Without positions and the text it came from. */
function meaning(schema: Schema): unknown {
  const plain = (_: string, value: unknown) => (value instanceof Map ? [...value] : value);
  const kept = JSON.parse(JSON.stringify(schema, plain));
  delete kept.source;
  return JSON.parse(
    JSON.stringify(kept, (key, value) => (/^(at|expressionAt)$/.test(key) ? 0 : value)),
  );
}

function checkRoundTrip(schema: Schema): void {
  const text = printNativeSchema(schema);
  const again = parsed(text);
  assert.deepEqual(meaning(again), meaning(schema), text);
  assert.deepEqual(diffSchemas(schema, again), []);
  assert.equal(printNativeSchema(again), text);
}

test("the canonical text has one form for everything", () => {
  const schema = parsed(`use typechecking use partial use expiration use self
/* Who
 * comes. */
definition user {}
caveat cond( aaa int,bbb list< map<any> > ){aaa > 1 // really
 && bbb == []}
partial ppp { relation ppp_rel: user }
definition org/doc {
  // First.
  //
  //  Then.
  relation viewer:user|user:*|org/doc#viewer with cond and expiration
  ...ppp
  permission view:user|org/doc=(viewer+(ppp_rel+self))&ppp_rel-ppp_rel->view-(viewer-nil)
  permission all = ppp_rel.all(all) + ppp_rel.any(view)
}`);
  assert.equal(
    printNativeSchema(schema),
    `use expiration
use self
use typechecking

caveat cond(aaa int, bbb list<map<any>>) {
  aaa > 1 // really
 && bbb == []
}

// Who
// comes.
definition user {}

definition org/doc {
  // First.
  //
  //  Then.
  relation viewer: user | user:* | org/doc#viewer with cond and expiration
  relation ppp_rel: user
  permission view: user | org/doc = ((viewer + ppp_rel + self) & ppp_rel) - ppp_rel->view - (viewer - nil)
  permission all = ppp_rel.all(all) + ppp_rel->view
}
`,
  );
  checkRoundTrip(schema);
});

const suite = suiteFolder("spicedb/testconfigs");
test("printing and parsing a schema of the suite gives the same schema", {
  skip: suite === undefined && "the suite is not beside this checkout",
}, () => {
  assert(suite !== undefined);
  for (const file of readdirSync(suite)) {
    checkRoundTrip(parsed(parse(readFileSync(path.join(suite, file), "utf8")).schema));
  }
});

test("printing and parsing any schema gives the same schema", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 0xffff }), { maxLength: 400 }), (choices) => {
      checkRoundTrip(parsed(new Writer(choices).schema()));
    }),
    { numRuns: 300 },
  );
});

/** Writes a valid schema, as loosely laid out as the language allows, by a list of choices. */
class Writer {
  readonly #choices: readonly number[];
  #next = 0;

  constructor(choices: readonly number[]) {
    this.#choices = choices;
  }

  schema(): string {
    const types = this.#list(1, 4).map(
      (_, index) => `${this.#pick(["", "org/", "aa1/bb2/"])}typ${index}`,
    );
    const caveats = this.#list(0, 2).map((_, index) => `cav${index}`);
    const head = "use self; use expiration\nuse typechecking ";
    const bodies = [
      ...caveats.map((name) => this.#caveat(name)),
      ...types.map((name) => this.#type(name, { types, caveats })),
    ];
    return `${head}${bodies.join(this.#pick(["\n", "\n\n", " "]))}`;
  }

  #type(name: string, { types, caveats }: { types: string[]; caveats: string[] }): string {
    const relations = this.#list(1, 3).map((_, index) => `rel${index}`);
    const permissions = this.#list(0, 4).map((_, index) => `per${index}`);
    const lines = relations.map((relation) => {
      const subjects = new Set(this.#list(1, 3).map(() => this.#subject(types, caveats)));
      return `relation ${relation}: ${[...subjects].join(this.#pick([" | ", "|", "\n|"]))}`;
    });
    permissions.forEach((permission, index) => {
      const usable = [...relations, ...permissions.slice(0, index)];
      const annotation = this.#pick(["", `: ${types.join("|")}`]);
      lines.push(`permission ${permission}${annotation} = ${this.#expression(usable, 3)}`);
    });
    const body = lines.map(
      (line) => `${this.#doc()}${line}${this.#pick(["\n", ";", " // trailing\n"])}`,
    );
    return `${this.#doc()}definition ${name} {${this.#pick(["\n", " "])}${body.join("")}}`;
  }

  /** No wildcards: an arrow may go over any relation. */
  #subject(types: string[], caveats: string[]): string {
    const what = `${this.#pick(types)}${this.#pick(["", "#rel0", "#..."])}`.replace("#...", "");
    const traits = [
      ...this.#pick([[], ...caveats.map((caveat) => [caveat])]),
      ...this.#pick([[], ["expiration"]]),
    ];
    return traits.length === 0 ? what : `${what} with ${traits.join(" and ")}`;
  }

  #expression(names: string[], depth: number): string {
    const kind = depth === 0 ? 0 : this.#pick([0, 0, 1, 2]);
    if (kind === 0) return this.#atom(names);
    const operands = this.#list(2, 4).map(() => {
      const inner = this.#expression(names, depth - 1);
      return kind === 1 ? `(${inner})` : inner;
    });
    return operands.reduce(
      (text, operand) => `${text}${this.#pick([" + ", "&", " - ", "-\n", " + "])}${operand}`,
    );
  }

  #atom(names: string[]): string {
    return this.#pick([
      ...names,
      "nil",
      "self",
      "rel0->per0",
      "rel0.any(rel0)",
      "rel0.all(missing)",
      "rel0->rel0->per1",
    ]);
  }

  #caveat(name: string): string {
    const parameters = this.#list(1, 3).map((_, index) => `p${index} ${this.#caveatType(2)}`);
    const used = parameters.map((parameter) => parameter.split(" ")[0]).join(" == ");
    const end = this.#pick(["", " // } done\n", " && \"}\" != '{'", "\n\n"]);
    return `${this.#doc()}caveat ${name}(${parameters.join(", ")}) { ${used}${end} }`;
  }

  #caveatType(depth: number): string {
    const plain: CaveatType["kind"][] = [
      "any",
      "bool",
      "int",
      "uint",
      "double",
      "string",
      "bytes",
      "duration",
      "timestamp",
      "ipaddress",
    ];
    const kind = this.#pick([...plain, "list", "map"]);
    if (kind !== "list" && kind !== "map") return kind;
    return `${kind}<${depth === 0 ? "any" : this.#caveatType(depth - 1)}>`;
  }

  #doc(): string {
    return this.#pick([
      "",
      "",
      "\n// A doc.\n",
      "\n// apart\n\n",
      "\n//  two\n// lines /* of it */\n",
      "\n/** a block */ ",
      "\n/*\n * with\n *\n *   more\n */\n",
      "\n// ignore: this // and\t \n",
    ]);
  }

  #list(least: number, most: number): undefined[] {
    return Array.from({ length: least + (this.#choose() % (most - least + 1)) });
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#choose() % from.length] as T;
  }

  #choose(): number {
    return this.#choices[this.#next++ % Math.max(1, this.#choices.length)] ?? 0;
  }
}
