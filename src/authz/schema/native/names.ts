import type { Problems } from "./problems.ts";
import type { Name } from "./syntax.ts";

/** SpiceDB's patterns: what is valid there is valid here, and the other way round. */
const plainName = /^[a-z][a-z0-9_]{1,62}[a-z0-9]$/;
const path = /^(?:[a-z][a-z0-9_]{1,62}[a-z0-9]\/)*[a-z][a-z0-9_]{1,62}[a-z0-9]$/;
const parameterName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Words of CEL, which an expression could not use as names. */
const celWords: ReadonlySet<string> = new Set(
  "as break const continue else false for function if import in let loop namespace null package return true var void while".split(
    " ",
  ),
);

const rule =
  "names have 3 to 64 lower-case letters, digits and underscores, begin with a letter and end with a letter or digit";

/** Of a relation or permission. */
export function checkPlainName(name: Name, problems: Problems): void {
  if (!plainName.test(name.text)) invalid(name, problems, plainName);
}

/** Of a type, caveat or partial: names with slashes between them. */
export function checkPath(
  name: Name,
  { problems, longest }: { problems: Problems; longest: number },
): void {
  if (!path.test(name.text)) invalid(name, problems, path);
  else if (name.text.length > longest) {
    const message = `"${name.text.slice(0, 40)}…" has ${name.text.length} characters, more than the limit of ${longest}`;
    problems.add("invalid-name", name, { message });
  }
}

/** Of a parameter of a caveat. */
export function checkParameterName(
  name: Name,
  { problems, longest }: { problems: Problems; longest: number },
): void {
  if (celWords.has(name.text)) {
    const message = `"${name.text}" is a word of the expression language and cannot be a parameter`;
    problems.add("reserved-word", name, { message });
  } else if (!parameterName.test(name.text) || name.text.length > longest) {
    const message = `"${name.text.slice(0, longest)}" cannot be a parameter: these have letters, digits and underscores, ${longest} at most, and begin with no digit`;
    problems.add("invalid-name", name, { message });
  }
}

function invalid(name: Name, problems: Problems, pattern: RegExp): void {
  const shown = name.text.length <= 40 ? name.text : `${name.text.slice(0, 40)}…`;
  problems.add("invalid-name", name, {
    message: `"${shown}" cannot be a name: ${rule}`,
    suggest: () => {
      const snake = name.text.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
      return pattern.test(snake) && snake.length <= 128 ? `Write "${snake}".` : undefined;
    },
  });
}
