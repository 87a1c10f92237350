/** Tables and cells as text. */
import { plain } from "./failure.ts";
import { stdout } from "./terminal.ts";

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => string;
  /** Numbers stand right. */
  readonly align?: "left" | "right";
  /** Colours a cell; the text is laid out before. */
  readonly paint?: (text: string, row: T) => string;
  /** May be cut where the terminal is too narrow. */
  readonly flexible?: boolean;
}

const gap = "  ";
const narrowest = 8;

/** Lines that line up, fitted to the terminal if there is one. */
export function formatTable<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  width: number = stdout.columns,
): string {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.cell(row))));
  const widths = columns.map((column, i) =>
    Math.max(widthOf(column.title), ...cells.map((line) => widthOf(line[i] ?? ""))),
  );
  fit(widths, columns, width);
  const head = columns.map((column, i) => pad(column.title, widths[i] ?? 0, column.align));
  const lines = [stdout.style.dim(head.join(gap).trimEnd())];
  for (const [index, row] of rows.entries()) {
    const line = columns.map((column, i) => {
      const text = pad(cells[index]?.[i] ?? "", widths[i] ?? 0, column.align);
      return column.paint === undefined ? text : column.paint(text, row);
    });
    lines.push(line.join(gap).trimEnd());
  }
  return lines.join("\n");
}

/** Takes from the widest flexible column, until it fits or nothing more can be taken. */
function fit(widths: number[], columns: readonly Column<never>[], max: number): void {
  const total = (): number => widths.reduce((sum, w) => sum + w + gap.length, -gap.length);
  while (total() > max) {
    let widest = -1;
    for (const [i, { flexible }] of columns.entries()) {
      const own = widths[i] ?? 0;
      if (flexible === true && own > narrowest && own > (widths[widest] ?? 0)) widest = i;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

/** Cut with an ellipsis if it is wider. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    const own = widthOf(segment);
    if (used + own > width - 1) break;
    kept += segment;
    used += own;
  }
  return `${kept}…`;
}

export function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const fitted = cut(text, width);
  const space = " ".repeat(Math.max(0, width - widthOf(fitted)));
  return align === "left" ? fitted + space : space + fitted;
}

/** A value as compact JSON in one line. */
export function oneLineJson(value: unknown): string {
  return value === undefined ? "" : oneLine(JSON.stringify(value));
}

export function oneLine(text: string): string {
  return plain(text).replaceAll("\n", "⏎");
}

const graphemes = new Intl.Segmenter();
const isPlainAscii = /^[ -~]*$/;
// East Asian wide and full-width characters, and pictures: two columns on every terminal.
const isWide =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]|.*\ufe0f)/u;

/** Columns that it takes on a terminal. */
export function widthOf(text: string): number {
  if (isPlainAscii.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += isWide.test(segment) ? 2 : 1;
  return width;
}
