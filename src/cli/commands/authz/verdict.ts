/** Verdicts as text, as colour, and as exit codes that a script can tell from errors. */

import { labelOf, notesOf } from "../../../authz/picture/layout.ts";
import { explanationLines, markOf } from "../../../authz/picture/lines.ts";
import type { CheckAnswer, Explanation, Verdict } from "../../../model/authz.ts";
import { exitCodes, plain, reportFailure } from "../../failure.ts";
import { widthOf } from "../../table.ts";
import { stdout } from "../../terminal.ts";

export const exitNote: string =
  "\nExit codes: 0 yes, 1 no, 8 it depends on context that was not given; 2 and above for errors,\n" +
  "which are never taken for an answer.";

const codes: Readonly<Record<Verdict, number>> = {
  yes: exitCodes.ok.code,
  no: exitCodes.failed.code,
  conditional: exitCodes.conditional.code,
};

/** Runs a question that is answered by an exit code, and keeps errors apart from a no. */
export async function answerWith(
  options: { readonly json?: boolean },
  ask: () => Promise<Verdict>,
): Promise<void> {
  try {
    process.exitCode = codes[await ask()];
  } catch (error) {
    const code = reportFailure(error, { json: options.json === true });
    process.exitCode = code === exitCodes.failed.code ? exitCodes.unanswered.code : code;
  }
}

export function verdictText({
  verdict,
  missing,
}: Pick<CheckAnswer, "verdict" | "missing">): string {
  const text = paintVerdict(verdict, verdict);
  return missing.length === 0 ? text : `${text} (it depends on ${missing.map(plain).join(", ")})`;
}

export function paintVerdict(text: string, verdict: Verdict): string {
  const { green, red, yellow } = stdout.style;
  return verdict === "yes" ? green(text) : verdict === "no" ? red(text) : yellow(text);
}

/** The kind where there is no reason; a reason has it in it. */
function noteText(node: Explanation): string {
  const kind = node.note === undefined && node.kind !== "operator" ? [node.kind] : [];
  return [...kind, ...notesOf(node)].join(", ");
}

const narrowest = 40;
const timeWidth = 8;

/** As a tree whose notes and times stand in columns. */
export function explanationText(explanation: Explanation, indent: string = ""): string {
  const { dim, bold } = stdout.style;
  const lines = explanationLines(explanation).map(({ branch, node, time }) => ({
    branch,
    mark: paintVerdict(markOf(node), node.verdict),
    what: plain(labelOf(node)),
    length: widthOf(branch) + 2 + widthOf(plain(labelOf(node))),
    note: plain(noteText(node)),
    time,
  }));
  const noteWidth = Math.max(...lines.map(({ note }) => widthOf(note)));
  // What is longer than the terminal leaves room for stands out of its column.
  const room = Math.max(narrowest, stdout.columns - indent.length - noteWidth - timeWidth - 4);
  const width = Math.min(room, Math.max(...lines.map(({ length }) => length)));
  return lines
    .map(({ branch, mark, what, length, note, time }, index) => {
      const gap = " ".repeat(Math.max(0, width - length) + 2);
      const rest = `${note.padEnd(noteWidth)}  ${time.padStart(timeWidth)}`.trimEnd();
      return `${indent}${dim(branch)}${mark} ${index === 0 ? bold(what) : what}${rest === "" ? "" : gap + dim(rest)}`;
    })
    .join("\n");
}
