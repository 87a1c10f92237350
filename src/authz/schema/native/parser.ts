/**
 * Text to syntax. What cannot be read is reported and passed over up to where the next statement
 * begins, so that one run finds as much as possible.
 */
import type { Limits } from "../../../model/limits.ts";
import { didYouMean, nearest } from "../../../std/suggest.ts";
import { parseCaveat } from "./caveat-parser.ts";
import { parseExpression } from "./expression.ts";
import type { Problems } from "./problems.ts";
import { docAbove, flags, TokenStream } from "./stream.ts";
import type {
  CaveatNode,
  DefinitionNode,
  MemberNode,
  Name,
  PermissionNode,
  RelationNode,
  SourceFile,
  SubjectNode,
} from "./syntax.ts";

const topWords = ["definition", "caveat", "use", "partial", "import"];
const memberWords = ["relation", "permission"];

export function parseFile(text: string, { problems, limits }: ParseOptions): SourceFile {
  return new Parser(new TokenStream(text, problems), limits).file();
}

interface ParseOptions {
  readonly problems: Problems;
  readonly limits: Limits;
}

class Parser {
  readonly #stream: TokenStream;
  readonly #limits: Limits;
  readonly #definitions: DefinitionNode[] = [];
  readonly #partials: DefinitionNode[] = [];
  readonly #caveats: CaveatNode[] = [];
  #damaged = false;

  constructor(stream: TokenStream, limits: Limits) {
    this.#stream = stream;
    this.#limits = limits;
  }

  file(): SourceFile {
    const stream = this.#stream;
    while (!stream.atEnd && !stream.problems.full) {
      if (stream.acceptSymbol(";")) continue;
      if (!this.#top(stream.token.text)) {
        this.#damaged = true;
        this.#skipToTop();
      }
    }
    return {
      definitions: this.#definitions,
      partials: this.#partials,
      caveats: this.#caveats,
      flags: stream.flags,
      damaged: this.#damaged,
    };
  }

  #top(word: string): boolean {
    const stream = this.#stream;
    if (stream.token.kind === "word") {
      if (word === "use") return this.#use();
      if (word === "definition") return this.#definition(this.#definitions);
      if (word === "caveat") return this.#caveat();
      if (word === "partial") return this.#partial();
      if (word === "import") return this.#import();
    }
    const isWord = stream.token.kind === "word";
    const meant = isWord ? nearest(word, topWords) : undefined;
    stream.unexpected('"definition", "caveat" or "use"', topWords);
    if (meant === "definition" || meant === "caveat") return this.#top(meant);
    stream.advance();
    return false;
  }

  // --- use, import, partial ------------------------------------------------------------------------

  #use(): boolean {
    const stream = this.#stream;
    const { token } = stream;
    stream.advance();
    const flag = stream.token;
    if (flag.kind !== "word") {
      stream.unexpected('the name of a feature after "use"');
      return false;
    }
    if (!flags.has(flag.text)) {
      stream.problems.add("unknown-use-flag", flag, {
        message: `"${flag.text}" is no feature that can be switched on`,
        suggest: () =>
          didYouMean(flag.text, flags.keys()) ?? `There are: ${[...flags.keys()].join(", ")}.`,
      });
    } else if (this.#definitions.length > 0 || this.#caveats.length > 0) {
      const message = '"use" stands before all definitions and caveats';
      stream.problems.add(
        "use-after-definition",
        { start: token.start, end: flag.end },
        { message },
      );
    }
    stream.switchOn(flag.text);
    stream.advance();
    return true;
  }

  #import(): boolean {
    const stream = this.#stream;
    const { token } = stream;
    stream.advance();
    const what = stream.token;
    if (what.kind === "string") stream.advance();
    const span = { start: token.start, end: stream.lastEnd };
    stream.problems.add("import-not-possible", span, {
      message: "A schema is one text: it cannot import files",
      suggest: () => "Put what is imported into the text itself.",
    });
    return what.kind === "string";
  }

  #partial(): boolean {
    const stream = this.#stream;
    if (!stream.flags.has("partial")) {
      stream.problems.add("partial-not-enabled", stream.token, {
        message: '"partial" is a feature that must be switched on',
        suggest: () => 'Begin the schema with "use partial".',
      });
    }
    return this.#definition(this.#partials);
  }

  // --- Definitions ---------------------------------------------------------------------------------

  #caveat(): boolean {
    const caveat = parseCaveat(this.#stream, this.#limits);
    if (caveat !== undefined) this.#caveats.push(caveat);
    return caveat !== undefined;
  }

  /** Also of partials, which have the same form. */
  #definition(into: DefinitionNode[]): boolean {
    const stream = this.#stream;
    const { token } = stream;
    const doc = docAbove(stream.text, token, stream.lastEnd);
    const what = into === this.#partials ? "partial" : "definition";
    stream.advance();
    const name = stream.expectPath(`the name of a ${what}`);
    if (name === undefined) return false;
    const members: MemberNode[] = [];
    const opened = stream.expectSymbol("{", `the name of the ${what}`);
    const whole = opened && this.#members(members, name);
    into.push({ name, at: token, doc, members, damaged: !whole });
    return opened;
  }

  /** Up to and with the closing brace. Tells whether all of it could be read. */
  #members(members: MemberNode[], owner: Name): boolean {
    const stream = this.#stream;
    let whole = true;
    while (!stream.problems.full) {
      if (stream.acceptSymbol(";")) continue;
      if (stream.acceptSymbol("}")) return whole;
      if (stream.atEnd || this.#isAtTop()) {
        const message = `The definition of "${owner.text}" does not end: "}" is missing`;
        stream.problems.add("unexpected-end", stream.token, { message });
        return whole;
      }
      const member = this.#member(stream.token.text);
      if (member !== undefined) members.push(member);
      else whole = false;
      if (member !== undefined && stream.isTerminated) continue;
      if (member !== undefined && !isBroken(member)) {
        stream.unexpected("a new line or the end of the definition");
      }
      this.#skipToMember();
    }
    return false;
  }

  #member(word: string): MemberNode | undefined {
    const stream = this.#stream;
    if (stream.acceptSymbol("...")) {
      const name = stream.expectPath("the name of a partial");
      return name === undefined ? undefined : { kind: "partial-use", name };
    }
    const isWord = stream.token.kind === "word";
    if (isWord && word === "relation") return this.#relation();
    if (isWord && word === "permission") return this.#permission();
    const meant = isWord ? nearest(word, memberWords) : undefined;
    stream.unexpected('"relation", "permission" or "}"', memberWords);
    if (meant !== undefined) return this.#member(meant);
    stream.advance();
    return undefined;
  }

  #relation(): RelationNode | undefined {
    const stream = this.#stream;
    const at = stream.token;
    const doc = docAbove(stream.text, at, stream.lastEnd);
    stream.advance();
    const name = stream.expectName("the name of a relation");
    if (name === undefined) return undefined;
    const subjects: SubjectNode[] = [];
    const relation: RelationNode = { kind: "relation", name, at, doc, subjects };
    if (!stream.expectSymbol(":", "the name of the relation")) return relation;
    do {
      const subject = this.#subject();
      if (subject === undefined) {
        subjects.length = 0;
        return relation;
      }
      subjects.push(subject);
    } while (stream.acceptSymbol("|"));
    return relation;
  }

  #subject(): SubjectNode | undefined {
    const stream = this.#stream;
    const type = stream.expectPath("the type of a subject");
    if (type === undefined) return undefined;
    const { start } = type;
    let relation: Name | null = null;
    let wildcard = false;
    if (stream.acceptSymbol(":")) {
      if (!stream.expectSymbol("*", '":"')) return undefined;
      wildcard = true;
      if (stream.isSymbol("#")) {
        const message = `Everybody of a type has no relation: "${type.text}:*" stands alone`;
        stream.problems.add("wildcard-with-relation", stream.token, { message });
        return undefined;
      }
    } else if (stream.acceptSymbol("#") && !stream.acceptSymbol("...")) {
      relation = stream.expectName("the relation of the subject") ?? null;
      if (relation === null) return undefined;
    }
    if (!stream.acceptKeyword("with")) {
      return {
        start,
        end: stream.lastEnd,
        type,
        relation,
        wildcard,
        caveat: null,
        expiration: false,
      };
    }
    const traits = this.#traits();
    if (traits === undefined) return undefined;
    return { start, end: stream.lastEnd, type, relation, wildcard, ...traits };
  }

  /** After `with`: a caveat, `expiration`, or both in this order. */
  #traits(): Pick<SubjectNode, "caveat" | "expiration"> | undefined {
    const stream = this.#stream;
    if (stream.acceptKeyword("expiration")) {
      if (!stream.isKeyword("and")) return { caveat: null, expiration: true };
      stream.problems.add("caveat-after-expiration", stream.token, {
        message: "The caveat stands before the expiration",
        suggest: () => 'Write "with some_caveat and expiration".',
      });
      return undefined;
    }
    const caveat = stream.expectPath("the name of a caveat");
    if (caveat === undefined) return undefined;
    if (!stream.isWord("and") || stream.token.newline) return { caveat, expiration: false };
    const and = stream.advance();
    if (!stream.isWord("expiration")) {
      stream.unexpected('"expiration" after "and"', ["expiration"]);
      return undefined;
    }
    const { end } = stream.advance();
    if (!stream.flags.has("expiration")) {
      stream.problems.add(
        "expiration-not-enabled",
        { start: and.start, end },
        {
          message: '"expiration" is a feature that must be switched on',
          suggest: () => 'Begin the schema with "use expiration".',
        },
      );
    }
    return { caveat, expiration: true };
  }

  #permission(): PermissionNode | undefined {
    const stream = this.#stream;
    const at = stream.token;
    const doc = docAbove(stream.text, at, stream.lastEnd);
    stream.advance();
    const name = stream.expectName("the name of a permission");
    if (name === undefined) return undefined;
    const annotation: Name[] = [];
    const lost: PermissionNode = {
      kind: "permission",
      name,
      at,
      doc,
      annotation: [],
      expression: { kind: "broken" },
    };
    if (stream.acceptSymbol(":")) {
      do {
        const type = stream.expectPath("a type of subjects");
        if (type === undefined) return lost;
        annotation.push(type);
      } while (stream.acceptSymbol("|"));
    }
    if (!stream.expectSymbol("=", "the name of the permission")) return lost;
    const expression = parseExpression(stream, this.#limits.authzExpression);
    return { kind: "permission", name, at, doc, annotation, expression };
  }

  // --- Recovery ------------------------------------------------------------------------------------

  #isAtTop(): boolean {
    const stream = this.#stream;
    return (
      stream.token.newline &&
      (stream.isKeyword("definition") || stream.isKeyword("caveat") || stream.isKeyword("partial"))
    );
  }

  #skipToTop(): void {
    const stream = this.#stream;
    while (!stream.atEnd) {
      if (stream.token.newline && topWords.some((word) => stream.isWord(word))) return;
      stream.advance();
    }
  }

  #skipToMember(): void {
    const stream = this.#stream;
    while (!stream.atEnd && !stream.isSymbol("}") && !this.#isAtTop()) {
      if (stream.isSymbol(";")) return;
      const { newline } = stream.token;
      if (newline && (memberWords.some((word) => stream.isWord(word)) || stream.isSymbol("..."))) {
        return;
      }
      stream.advance();
    }
  }
}

function isBroken(member: MemberNode): boolean {
  if (member.kind === "relation") return member.subjects.length === 0;
  return member.kind === "permission" && member.expression.kind === "broken";
}
