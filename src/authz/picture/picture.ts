import type { Explanation } from "../../model/authz.ts";
import { type Box, layOut, type Measures, notesOf } from "./layout.ts";

export interface PictureOptions {
  /** Stands above it. Default: what was asked. */
  readonly title?: string;
}

/**
 * An explanation as a picture: SVG that needs no font, script or style from anywhere, and in which
 * every text is escaped, since ids are chosen by whoever may write them.
 *
 * @example
 * ```ts
 * import { drawExplanation } from "holdfast/authz";
 *
 * const svg = drawExplanation({
 *   what: "document:1#view",
 *   kind: "permission",
 *   verdict: "no",
 *   note: "no-relationship",
 *   micros: 12,
 *   children: [],
 * });
 * console.log(svg.slice(0, 4)); // <svg
 * ```
 */
export function drawExplanation(explanation: Explanation, options: PictureOptions = {}): string {
  const { boxes, width, height } = layOut(explanation, measures);
  const title = options.title ?? `${explanation.what}: ${explanation.verdict}`;
  const outerWidth = Math.ceil(Math.max(width, legendWidth, title.length * 9) + 2 * margin);
  const outerHeight = height + headHeight + legendHeight + 2 * margin;
  const size = `width="${outerWidth}" height="${outerHeight}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${outerWidth} ${outerHeight}" role="img" font-family="${fonts}">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<text x="${margin}" y="${margin + 14}" font-size="15" font-weight="bold" fill="${ink}">${escapeXml(title)}</text>`,
    `<g transform="translate(${margin} ${margin + headHeight})">`,
    ...boxes.map(drawEdge),
    ...boxes.map(drawBox),
    "</g>",
    drawLegend(margin, outerHeight - margin - 12),
    "</svg>",
    "",
  ].join("\n");
}

type Look = keyof typeof looks;

/** Told by a mark and a word too, for those who do not tell colours apart. */
const looks = {
  yes: { mark: "✓", line: "#1a7f37", fill: "#e6f6ea", dash: false, word: "yes" },
  no: { mark: "✗", line: "#b3261e", fill: "#fdecea", dash: false, word: "no" },
  conditional: { mark: "?", line: "#9a6700", fill: "#fff6dd", dash: false, word: "conditional" },
  skipped: { mark: "–", line: "#6e7781", fill: "#f6f8fa", dash: true, word: "not evaluated" },
} as const;

const ink = "#1f2328";
const fonts = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
const margin = 20;
const headHeight = 34;
const legendHeight = 34;
const legendStep = 140;
const legendWidth = legendStep * Object.keys(looks).length;
const boxHeight = 38;

const measures: Measures = {
  // Six tenths of the size is what monospaced fonts take, and a little more.
  charWidth: 8,
  detailCharWidth: 6.8,
  padding: 10,
  rowHeight: boxHeight + 12,
  columnGap: 36,
  charsMax: 60,
  nodesMax: 1_000,
};

function lookOf({ verdict, note }: Explanation): Look {
  return note?.startsWith("not-evaluated") === true ? "skipped" : verdict;
}

/** On what it is part of: what is taken away speaks against where it is there. */
function effectOf(node: Explanation): Look {
  const look = lookOf(node);
  if (node.subtracted !== true) return look;
  return look === "yes" ? "no" : look === "no" ? "yes" : look;
}

function drawBox({ node, text, detail, x, y, width }: Box): string {
  const look = looks[lookOf(node)];
  const top = y - boxHeight / 2;
  const dash = look.dash ? ` stroke-dasharray="4 3"` : "";
  const notes = notesOf(node);
  const whole = notes.length === 0 ? node.what : `${node.what} (${notes.join(", ")})`;
  return [
    `<g><title>${escapeXml(`${whole}: ${look.word}`)}</title>`,
    `<rect x="${round(x)}" y="${round(top)}" width="${round(width)}" height="${boxHeight}" rx="5" fill="${look.fill}" stroke="${look.line}"${dash}/>`,
    `<text x="${round(x + 10)}" y="${round(top + 16)}" font-size="13" fill="${ink}"><tspan fill="${look.line}" font-weight="bold">${look.mark}</tspan> ${escapeXml(text)}</text>`,
    `<text x="${round(x + 10)}" y="${round(top + 31)}" font-size="11" fill="#57606a">${escapeXml(detail)}</text></g>`,
  ].join("");
}

function drawEdge({ node, x, y, parent }: Box): string {
  if (parent === null) return "";
  const look = looks[effectOf(node)];
  const from = parent.x + parent.width;
  const middle = (from + x) / 2;
  const dash = look.dash ? ` stroke-dasharray="4 3"` : "";
  return `<path d="M${round(from)} ${round(parent.y)}C${round(middle)} ${round(parent.y)} ${round(middle)} ${round(y)} ${round(x)} ${round(y)}" fill="none" stroke="${look.line}"${dash}/>`;
}

function drawLegend(x: number, y: number): string {
  const entries = Object.values(looks).map(({ mark, line, fill, dash, word }, index) => {
    const left = x + index * legendStep;
    const dashes = dash ? ` stroke-dasharray="4 3"` : "";
    return (
      `<rect x="${left}" y="${y - 12}" width="18" height="18" rx="4" fill="${fill}" stroke="${line}"${dashes}/>` +
      `<text x="${left + 9}" y="${y + 2}" font-size="12" font-weight="bold" text-anchor="middle" fill="${line}">${mark}</text>` +
      `<text x="${left + 26}" y="${y + 2}" font-size="12" fill="${ink}">${word}</text>`
    );
  });
  return `<g>${entries.join("")}</g>`;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Text as XML, wherever it may stand; what XML cannot have at all is shown as such. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\ufffe\uffff]/gu, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
