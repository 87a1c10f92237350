import type { SchemaProblem } from "../schema.ts";

/**
 * What is wrong with the form of a text in words of our own, in place of those of OpenFGA's parser,
 * which only its own tools need word by word.
 */
export function inPlainWords(problem: SchemaProblem): SchemaProblem {
  const message = problem.code === "invalid-syntax" ? plainWords(problem.message) : undefined;
  return message === undefined ? problem : { ...problem, message };
}

function plainWords(message: string): string | undefined {
  const groups = forms.exec(message)?.groups ?? {};
  const { missing, before = "", what, can } = groups;
  if (missing !== undefined) return `${listed(missing)} is missing before ${shown(before)}`;
  if (what === undefined) return undefined;
  return `${shown(what)} cannot stand here${can === undefined ? "" : `; ${listed(can)} can`}`;
}

const forms =
  /^(?:missing (?<missing>.*) at '(?<before>.*)'|(?:(?:mismatched|extraneous) input|no viable alternative at input|token recognition error at:) '(?<what>.*?)'(?: expecting (?<can>.*))?)$/s;

/** As much as a reader takes in. */
const mostListed = 6;
const longestShown = 60;

const kindNames: Readonly<Record<string, string>> = {
  "<EOF>": "the end",
  WHITESPACE: "a space",
  NEWLINE: "a new line",
  IDENTIFIER: "a name",
  SCHEMA_VERSION: "a version such as 1.1",
};

function shown(text: string): string {
  if (text === "<EOF>") return "the end of the text";
  if (/^(?:\\[nr])+\s*$/.test(text)) return "a new line";
  if (text.trim() === "") return "a space";
  return JSON.stringify(text.length > longestShown ? `${text.slice(0, longestShown)}…` : text);
}

function listed(expected: string): string {
  const kinds = expected.startsWith("{") ? expected.slice(1, -1).split(", ") : [expected];
  const names = kinds.map((kind) => kindNames[kind] ?? kind.toLowerCase().replaceAll("'", '"'));
  const first = names.slice(0, mostListed);
  if (first.length < names.length) return `${first.join(", ")} and some others`;
  const last = first.pop() ?? "";
  return first.length === 0 ? last : `${first.join(", ")} or ${last}`;
}
