import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Command } from "commander";
import { makeNodeHost } from "../../../host/node-host.ts";
import type { TenantPort } from "../../../model/authz.ts";
import { fail, toHoldfastError } from "../../../model/errors.ts";
import type { Relationship } from "../../../model/relationship.ts";
import { note, parseCount } from "../../connection.ts";
import { print, say, showStatus, stderr } from "../../terminal.ts";
import { type AuthzOptions, addTenantOptions, withTenant } from "./ground.ts";
import { parseLine } from "./lines.ts";

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
  const first = options.from === undefined ? 1 : parseCount(options.from, "--from", linesMax);
  const size =
    options.batch === undefined ? batchMax : parseCount(options.batch, "--batch", batchMax);
  const operation = options.create === true ? "create" : "touch";
  const batchSize = Math.max(1, size);
  await withTenant(options, async (tenant) => {
    const importing = new Import(tenant, { file, first, batchSize, operation });
    try {
      await importing.run();
    } catch (error) {
      showStatus(undefined);
      if (importing.nextLine > first) {
        const command = `holdfast authz import ${file} --from ${importing.nextLine}`;
        say(stderr.style.dim(`${importing.written} are written; go on with: ${command}`));
      }
      throw error;
    }
    showStatus(undefined);
    const { written, zookie } = importing;
    if (options.json === true) print(JSON.stringify({ written, zookie }));
    else note(`${written.toLocaleString("en-US")} relationships written`, options);
  });
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

  async run(): Promise<void> {
    const { file, first, batchSize } = this.#settings;
    const input = file === "-" ? process.stdin : createReadStream(file);
    let number = 0;
    let batch: Relationship[] = [];
    try {
      for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
        if (++number < first) continue;
        const relationship = this.#parse(line, number);
        if (relationship === undefined) continue;
        batch.push(relationship);
        if (batch.length < batchSize) continue;
        await this.#write(batch, number);
        batch = [];
      }
    } catch (error) {
      if (!isFileError(error)) throw error;
      throw fail("invalid-argument", { what: `The file ${file}`, reason: error.message }, error);
    }
    if (batch.length > 0) await this.#write(batch, number);
  }

  #parse(line: string, number: number): Relationship | undefined {
    try {
      return parseLine(line, `line ${number}`);
    } catch (error) {
      const reason = toHoldfastError(error).message;
      throw fail("invalid-argument", { what: `Line ${number}`, reason }, error);
    }
  }

  async #write(batch: readonly Relationship[], last: number): Promise<void> {
    const { operation } = this.#settings;
    const updates = batch.map((relationship) => ({ operation, relationship }));
    const { zookie } = await this.#tenant.write({ updates });
    this.zookie = zookie;
    this.written += batch.length;
    this.nextLine = last + 1;
    const seconds = Math.max(0.001, (makeNodeHost().monotonic() - this.#began) / 1_000);
    const rate = Math.round(this.written / seconds).toLocaleString("en-US");
    showStatus(`${this.written.toLocaleString("en-US")} written, ${rate}/s …`);
  }
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
