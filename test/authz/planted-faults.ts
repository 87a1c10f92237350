/** Faults that somebody could make, and the tests that must turn red for each. */
import type { Fault } from "./plant.ts";

export interface PlantedFault extends Fault {
  readonly name: string;
  /** The file that finds it. */
  readonly by: "quick-fuzz.ts" | "bad-input.test.ts" | "bug-classes.test.ts";
}

const rules = "authz/check/rules.ts";
const evaluator = "authz/check/evaluator.ts";
const cache = "authz/check/answer-cache.ts";

export const plantedFaults: readonly PlantedFault[] = [
  {
    name: "an operator is flipped: what is to be taken away is given",
    by: "quick-fuzz.ts",
    file: rules,
    changes: [["without(granted, subtract(", "either(granted, subtract("]],
  },
  {
    name: "an operator is flipped: one part of an intersection is enough",
    by: "quick-fuzz.ts",
    file: rules,
    changes: [["all = both(all, value);", "all = all === yes ? value : either(all, value);"]],
  },
  {
    name: "a branch is skipped: the second of a union",
    by: "quick-fuzz.ts",
    file: rules,
    changes: [["one === yes ? yes : either(one, second(evaluation, object))", "one"]],
  },
  {
    name: "a branch is skipped: usersets by which an arrow goes",
    by: "quick-fuzz.ts",
    file: rules,
    changes: [["for (let list = 0; list < 2; list++)", "for (let list = 0; list < 1; list++)"]],
  },
  {
    name: "all of them becomes any of them",
    by: "quick-fuzz.ts",
    file: "authz/check/compile.ts",
    changes: [["expression.all ? arrowToAll(make) : arrowToAny(make)", "arrowToAny(make)"]],
  },
  {
    name: "the object itself is nobody",
    by: "quick-fuzz.ts",
    file: rules,
    changes: [
      [
        "evaluation.subjectRelation === 0 && object === evaluation.subjectObject ? yes : no;",
        "no;",
      ],
    ],
  },
  {
    name: "the caveat of a userset is ignored",
    by: "quick-fuzz.ts",
    file: rules,
    changes: [
      [
        "  const beyond = right === undefined ? no : evaluation.enter(right, object);\n  return evaluation.settle(mark, both(value, beyond));",
        "  const beyond = right === undefined ? no : evaluation.enter(right, object);\n  return evaluation.settle(mark, beyond);",
      ],
    ],
  },
  {
    name: "an expiry is forgotten",
    by: "quick-fuzz.ts",
    file: evaluator,
    changes: [["if (extra.expiresAt <= this.now)", "if (extra.expiresAt < 0)"]],
  },
  {
    name: "a cached answer outlives what it rests on",
    by: "bug-classes.test.ts",
    file: evaluator,
    changes: [
      ["    if (extra.expiresAt < this.expiresAt) this.expiresAt = extra.expiresAt;\n", ""],
    ],
  },
  {
    name: "the right is not in the cache key",
    by: "quick-fuzz.ts",
    file: cache,
    changes: [
      ["        keys[at + 1] === uid &&\n", ""],
      ["mix(object ^ Math.imul(uid, 0x9e3779b1), ", "mix(object, "],
    ],
  },
  {
    name: "the relation of the subject is not in the cache key",
    by: "quick-fuzz.ts",
    file: cache,
    changes: [
      ["keys[at + 3] === subjectKey", "true"],
      ["subjectObject ^ subjectKey)", "subjectObject)"],
    ],
  },
  {
    name: "answers that depend on a caveat are cached",
    by: "quick-fuzz.ts",
    file: cache,
    changes: [["evaluation.sawCaveat || ", ""]],
  },
  {
    name: "a cached answer does not notice what has changed",
    by: "quick-fuzz.ts",
    file: cache,
    changes: [
      ["this.#stampMask] as number) > answeredAt", "this.#stampMask] as number) > Infinity"],
    ],
  },
  {
    name: "a cached answer of now is given for a snapshot",
    by: "quick-fuzz.ts",
    file: cache,
    changes: [["if (evaluation.revision < answeredAt) return false;", ""]],
  },
  {
    name: "what an arrow goes over changes unnoticed",
    by: "quick-fuzz.ts",
    file: "authz/view.ts",
    changes: [["relation !== 0 || this.#arrows.has(graph.relationOf(resource))", "relation !== 0"]],
  },
  {
    name: "usersets come and go unnoticed",
    by: "bug-classes.test.ts",
    file: "authz/view.ts",
    changes: [
      [
        "relation !== 0 || this.#arrows.has(graph.relationOf(resource))",
        "this.#arrows.has(graph.relationOf(resource))",
      ],
    ],
  },
  {
    name: "what has changed lately is passed over",
    by: "quick-fuzz.ts",
    file: cache,
    changes: [["if (isRecent && !this.#recent.has(slot)) continue;", "if (isRecent) continue;"]],
  },
  {
    name: "contextual relationships leak into the cache",
    by: "bug-classes.test.ts",
    file: "authz/check/check.ts",
    changes: [["    !overlay.hasEdges &&\n", ""]],
  },
  {
    name: "whom a wildcard leaves out is not told",
    by: "bug-classes.test.ts",
    file: "authz/lookup/subjects.ts",
    changes: [['if (value === no) excluded.push(describe(id, "no", []));\n      else if', "if"]],
  },
  {
    name: "a wildcard is for usersets as well",
    by: "quick-fuzz.ts",
    file: evaluator,
    changes: [["if (relation === 0 && !isEverybody) {", "if (!isEverybody) {"]],
  },
  {
    name: "everything is read at the head of the log",
    by: "quick-fuzz.ts",
    file: "authz/ask.ts",
    changes: [["tenant.revisionFor(question.consistency)", "tenant.revisionFor(undefined)"]],
  },
  {
    name: "the index of groups is stale: what is taken out stays in",
    by: "quick-fuzz.ts",
    file: "authz/check/group-index.ts",
    changes: [["    else this.#closure.removeEdge(from, to);\n", ""]],
  },
  {
    name: "a delete is not visible",
    by: "quick-fuzz.ts",
    file: evaluator,
    changes: [["    if (!this.graph.holdsAt(version, this.revision)) return no;\n", ""]],
  },
  {
    name: "relationships without a place in the schema count",
    by: "bug-classes.test.ts",
    file: evaluator,
    changes: [["    if (!forms.includes(formOf(extra))) return no;\n", ""]],
  },
  {
    name: "stored context loses to what is asked",
    by: "quick-fuzz.ts",
    file: "authz/caveat/caveat.ts",
    changes: [
      ["let value = stored?.values[at];", "let value = asked?.values[at];"],
      ["if (value === undefined) value = asked?.values[at];", "value ??= stored?.values[at];"],
    ],
  },
  {
    name: "what was found for one subject is taken for another",
    by: "quick-fuzz.ts",
    file: evaluator,
    changes: [["    this.#memo.begin();\n", ""]],
  },
  {
    name: "a circle right of `but not` is no circle",
    by: "quick-fuzz.ts",
    file: evaluator,
    changes: [
      ["if (!this.schema.circlesFail) return circle;", "if (!this.schema.circlesFail) return no;"],
    ],
  },
  {
    name: "lookups list whatever they come across",
    by: "quick-fuzz.ts",
    file: "authz/lookup/resources.ts",
    changes: [["plan.exact ? yes : checkRight(asked, right, object)", "yes as Tri"]],
  },
  {
    name: "depth is ignored",
    by: "bad-input.test.ts",
    file: evaluator,
    changes: [["path.depth >= this.schema.depthMax", "path.depth >= 99"]],
  },
  {
    name: "preconditions are skipped",
    by: "bad-input.test.ts",
    file: "authz/write/apply.ts",
    changes: [['if (holds === (must === "match")) continue;', "if (holds || !holds) continue;"]],
  },
  {
    name: "zookies of other tenants are not told apart",
    by: "bad-input.test.ts",
    file: "authz/zookie.ts",
    changes: [
      ['    if (!fingerprint.equals(this.#fingerprint)) throw fail("zookie-foreign");\n', ""],
    ],
  },
  {
    name: "cursors are not bound to their question",
    by: "bad-input.test.ts",
    file: "authz/lookup/page.ts",
    changes: [["canonical(fixed)", "canonical(0)"]],
  },
];
