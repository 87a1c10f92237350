import { acceptedSchema } from "../../../authz/schema/dialect.ts";
import type { Schema } from "../../../authz/schema/schema.ts";
import type { CheckAnswer, CheckItem, ExplainedCaveat, Explanation } from "../../../model/authz.ts";
import { parseObject } from "../read.ts";
import type { SpiceCall } from "./call.ts";
import { printObject, printPartial, printPermissionship, printSubject } from "./nouns.ts";

/** The schema that is told with a trace. */
export interface Used {
  readonly text: string;
  readonly schema: Schema;
}

export async function readUsed({ ask, tenant }: Pick<SpiceCall, "ask" | "tenant">): Promise<Used> {
  const description = await tenant.readSchema();
  return { text: description.text, schema: acceptedSchema(description, ask.limits) };
}

interface Traced {
  readonly subject: CheckItem["subject"];
  readonly schema: Schema;
}

/** An explanation as SpiceDB's `DebugInformation`: what was evaluated, without the operators. */
export function printDebug(answer: CheckAnswer, { subject }: CheckItem, used: Used): unknown {
  const { explanation } = answer;
  if (explanation === undefined) return null;
  const [check = null] = tracesOf(explanation, { subject, schema: used.schema });
  return { check, schemaUsed: used.text };
}

function tracesOf(node: Explanation, traced: Traced): unknown[] {
  const hash = node.what.lastIndexOf("#");
  if (node.note === "not-evaluated") return [];
  const isRight = (node.kind === "permission" || node.kind === "relation") && hash > 0;
  // Operators and arrows have no place there: what is below them moves up.
  const traces = node.children.flatMap((child) => tracesOf(child, traced));
  if (!isRight) return traces;
  return [
    {
      resource: printObject(parseObject(node.what.slice(0, hash), "what")),
      permission: node.what.slice(hash + 1),
      permissionType:
        node.kind === "permission" ? "PERMISSION_TYPE_PERMISSION" : "PERMISSION_TYPE_RELATION",
      subject: printSubject(traced.subject),
      result: printPermissionship(node.verdict),
      caveatEvaluationInfo: printCaveat(findCaveat(node), traced),
      duration: `${(node.micros / 1_000_000).toFixed(9)}s`,
      optionalExpiresAt: null,
      traceOperationId: "",
      source: "",
      // Cached or not, the way is told; SpiceDB has a place for one of the two.
      subProblems: { traces },
    },
  ];
}

interface CaveatNote {
  readonly caveat: ExplainedCaveat;
  readonly verdict: Explanation["verdict"];
}

/** Of a relationship of the relation itself: the one that decided, else the first. */
function findCaveat({ verdict, children }: Explanation): CaveatNote | undefined {
  const found = children
    .filter(({ kind }) => kind === "relationship")
    .flatMap((child) => child.children)
    .flatMap((child): CaveatNote[] =>
      child.caveat === undefined ? [] : [{ caveat: child.caveat, verdict: child.verdict }],
    );
  return found.find((each) => each.verdict === verdict) ?? found[0];
}

const results = {
  yes: "RESULT_TRUE",
  no: "RESULT_FALSE",
  conditional: "RESULT_MISSING_SOME_CONTEXT",
} as const;

function printCaveat(note: CaveatNote | undefined, { schema }: Traced): unknown {
  if (note === undefined) return null;
  const { verdict } = note;
  const { name, context, missing } = note.caveat;
  return {
    // What is told may be cut.
    expression: schema.caveats.get(name)?.expression ?? "",
    result: results[verdict],
    context,
    partialCaveatInfo: verdict === "conditional" ? printPartial(missing) : null,
    caveatName: name,
  };
}
