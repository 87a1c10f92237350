import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Command } from "commander";
import { type Placed, placeError } from "../../../authz/placed.ts";
import { makeNodeHost } from "../../../host/node-host.ts";
import type { TenantPort } from "../../../model/authz.ts";
import { HoldfastError } from "../../../model/errors.ts";
import { isFileError, unreadable } from "../../../server/file-error.ts";
import { note, parseCount } from "../../connection.ts";
import { reportFailure, usageError } from "../../failure.ts";
import { print, say, showStatus, stderr } from "../../terminal.ts";
import { type AuthzOptions, addTenantOptions, readPlaced, withTenant } from "./ground.ts";

interface ImportOptions extends AuthzOptions {
  readonly create?: boolean;
  readonly batch?: string;
  readonly from?: string;
}

export const examples: readonly (readonly [string, string])[] = [
  ["relationships.txt", "one a line, as text or JSON; empty lines and // are passed over"],
  ["relationships.jsonl --from 120001", "go on where it stopped"],
  ["- < relationships.txt", "from standard input"],
];

const batchMax = 1_000;
const linesMax = 999_999_999;

export function define(command: Command): void {
  command
    .argument("<file>", "relationships, or - for standard input")
    .option("--create", "refuse what is there already; without it, it may be repeated")
    .option("--batch <count>", `how many in one transaction (default and most: ${batchMax})`)
    .option("--from <line>", "begin with this line (default: 1)");
  addTenantOptions(command).action(importFile);
}

async function importFile(file: string, options: ImportOptions): Promise<void> {
  const { from = "1", batch = String(batchMax) } = options;
  const command = "authz import";
  const first = parseCount(from, "--from", { min: 1, max: linesMax, command });
  const batchSize = parseCount(batch, "--batch", { min: 1, max: batchMax, command });
  const operation = options.create === true ? "create" : "touch";
  await withTenant(options, async (tenant) => {
    const importing = new Import(tenant, { file, first, batchSize, operation });
    try {
      await importing.run();
    } catch (error) {
      showStatus(undefined);
      process.exitCode = tellFailure(error, importing, { file, options });
      return;
    }
    showStatus(undefined);
    const { written, zookie } = importing;
    if (options.json === true) print(JSON.stringify({ written, zookie }));
    else if (zookie === "") note("0 relationships written", options);
    else {
      note(`${written.toLocaleString("en-US")} relationships written; the zookie of it:`, options);
      print(zookie);
    }
  });
}

/** What went wrong; how much is written all the same, and how to go on. Gives the exit code. */
function tellFailure(
  error: unknown,
  { written, nextLine, hasWritten }: Import,
  { file, options }: { readonly file: string; readonly options: ImportOptions },
): number {
  // The answer may have been lost on the way, and not the request.
  const isLost = error instanceof HoldfastError && error.code === "unreachable";
  if (!hasWritten && !isLost) return reportFailure(error, { json: options.json === true });
  const { create, ...rest } = options;
  const goOn = commandLine(file, { ...(isLost ? rest : options), from: String(nextLine) });
  if (options.json === true) {
    return reportFailure(error, { json: true, more: { written, from: nextLine, command: goOn } });
  }
  const code = reportFailure(error, { json: false });
  const { dim } = stderr.style;
  say(dim(`${written.toLocaleString("en-US")} are written; go on with: ${goOn}`));
  if (isLost && create === true) {
    say(dim("Without --create, since those after them may be written, too."));
  }
  return code;
}

/** As one would type it again; but the token, which is nobody's business on a screen. */
function commandLine(file: string, { create, token, ...options }: ImportOptions): string {
  const words = Object.entries({ ...options, ...(token === undefined ? {} : { token: "…" }) });
  const given = words.map(([name, value]) =>
    value === true ? `--${name}` : `--${name} ${quoted(String(value))}`,
  );
  return [
    "holdfast authz import",
    quoted(file),
    ...(create === true ? ["--create"] : []),
    ...given,
  ].join(" ");
}

function quoted(word: string): string {
  return /^[\w@%+=:,./…-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

interface ImportSettings {
  readonly file: string;
  readonly first: number;
  readonly batchSize: number;
  readonly operation: "create" | "touch";
}

class Import {
  written = 0;
  zookie = "";
  /** What was before it is durable. */
  nextLine: number;
  readonly #tenant: TenantPort;
  readonly #settings: ImportSettings;
  readonly #began: number;

  constructor(tenant: TenantPort, settings: ImportSettings) {
    this.#tenant = tenant;
    this.#settings = settings;
    this.nextLine = settings.first;
    this.#began = makeNodeHost().monotonic();
  }

  get hasWritten(): boolean {
    return this.nextLine > this.#settings.first;
  }

  async run(): Promise<void> {
    const { file, first, batchSize } = this.#settings;
    const input = file === "-" ? process.stdin : createReadStream(file);
    let line = 0;
    let batch: Placed[] = [];
    try {
      for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
        if (++line < first) continue;
        const placed = readPlaced(text, { line });
        if (placed === undefined) continue;
        batch.push(placed);
        if (batch.length < batchSize) continue;
        await this.#write(batch, line);
        batch = [];
      }
    } catch (error) {
      throw isFileError(error) ? unreadable(file, error) : error;
    }
    if (line < first - 1) {
      const reason = `${file} has ${line} lines, and is to be begun with line ${first}`;
      throw usageError(reason, "authz import");
    }
    if (batch.length > 0) await this.#write(batch, line);
  }

  async #write(batch: readonly Placed[], last: number): Promise<void> {
    const { operation } = this.#settings;
    const updates = batch.map(({ relationship }) => ({ operation, relationship }));
    const { zookie } = await this.#tenant.write({ updates }).catch((error: unknown) => {
      throw placeError(error, batch);
    });
    this.zookie = zookie;
    this.written += batch.length;
    this.nextLine = last + 1;
    const seconds = Math.max(0.001, (makeNodeHost().monotonic() - this.#began) / 1_000);
    const rate = Math.round(this.written / seconds).toLocaleString("en-US");
    showStatus(`${this.written.toLocaleString("en-US")} written, ${rate}/s …`);
  }
}
