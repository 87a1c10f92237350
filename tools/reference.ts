// `npm run docs`: writes docs/reference/ from the tables that the code uses. A test fails when a file
// there is not what this would write.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { groups, leavesOf } from "../src/cli/command.ts";
import { commandTable } from "../src/cli/command-table.ts";
import { exitCodes } from "../src/cli/failure.ts";
import { authzenRoutes } from "../src/gateway/authz/authzen/routes.ts";
import { ownRoutes } from "../src/gateway/authz/front.ts";
import { openfgaRoutes } from "../src/gateway/authz/openfga/routes.ts";
import type { AuthzSources } from "../src/gateway/authz/sources.ts";
import { spicedbRoutes } from "../src/gateway/authz/spicedb/routes.ts";
import { invocationRoutes } from "../src/gateway/invocation-routes.ts";
import { otherRoutes } from "../src/gateway/other-routes.ts";
import type { Route } from "../src/gateway/route.ts";
import { systemRoutes } from "../src/gateway/system-routes.ts";
import { type ErrorCode, type ErrorRow, errorTable } from "../src/model/errors.ts";
import {
  defaultRetention,
  type LimitRow,
  limitTable,
  tenantLimitNames,
} from "../src/model/limits.ts";
import { settingTable } from "../src/server/config.ts";
import { formatDuration } from "../src/std/duration.ts";
import { functionTable, viewTable } from "../src/store/sqlite/views.ts";
import { printMap } from "./behaviours.ts";

const root: string = path.resolve(import.meta.dirname, "..");

/** Every page of the reference, by its path in the repository. */
export async function makeReference(): Promise<ReadonlyMap<string, string>> {
  const pages = [
    page("errors", "src/model/errors.ts", errors()),
    page("limits", "src/model/limits.ts", limits()),
    page("views", "src/store/sqlite/views.ts", views()),
    page("http", "the routes in src/gateway/", http()),
    page("cli", "the commands in src/cli/", await cli()),
    page("behaviours", "the titles of the tests", behaviourPage()),
  ];
  return new Map(pages);
}

function page(name: string, source: string, lines: readonly string[]): [string, string] {
  const note = `<!-- Made by \`npm run docs\` from ${source}. Change that, and not this. -->`;
  return [`docs/reference/${name}.md`, `${[note, "", ...lines].join("\n")}\n`];
}

function behaviourPage(): string[] {
  return [
    "# Behaviours and their tests",
    "",
    "The tests of other systems of this kind pin down behaviours that their users rely on. Those that",
    "concern Holdfast are numbered 59 to 200 and A to K; a test says at the end of its title which it",
    "shows. A number without a test says why.",
    "",
    printMap(),
  ];
}

function errors(): string[] {
  const rows = Object.entries<ErrorRow>(errorTable);
  return [
    "# Errors",
    "",
    "Every error has a stable code. The SDK and the typed client throw it as `HoldfastError` with",
    "`code`, `message`, `details` and `action`; HTTP answers with the status and problem details",
    "(RFC 9457); the CLI prints message and action. `{…}` is filled in.",
    "",
    "What a handler fails with is not in this table: a `TerminalError` reaches the caller with its own",
    "code, and over HTTP as `handler-failed` with the original under `error`.",
    "",
    ...table(
      ["Code", "HTTP", "Message", "What to do"],
      rows.map(([code, { status, message, action }]) => [
        `<a id="${code}"></a>\`${code}\``,
        String(status),
        message,
        action,
      ]),
    ),
  ];
}

function limits(): string[] {
  const rows = Object.entries<LimitRow>(limitTable);
  return [
    "# Limits",
    "",
    "Everything that can grow is bounded. What goes over a limit is refused with `limit-exceeded` or",
    "`too-large`, and nothing has changed. An embedder sets single limits with",
    "`open({ limits: { … } })`, a server with `--limit name=value` or `HOLDFAST_LIMITS`.",
    "",
    `A tenant can have its own of these: ${tenantLimitNames.map((name) => `\`${name}\``).join(", ")}.`,
    "",
    ...table(
      ["Limit", "Value", "Of what"],
      rows.map(([name, { value, unit, why }]) => [`\`${name}\``, amount(value, unit), why]),
    ),
    "",
    "## Retention",
    "",
    "How long things that ended are kept, unless a handler says otherwise with `retention`.",
    "",
    ...table(
      ["What", "How long"],
      [
        [
          "An invocation, its journal, its result and its idempotency key",
          formatDuration(defaultRetention.invocation),
        ],
      ],
    ),
  ];
}

function amount(value: number, unit: LimitRow["unit"]): string {
  if (unit === "ms") return formatDuration(value);
  const grouped = value.toLocaleString("en-US");
  return unit === "bytes" ? `${grouped} bytes` : grouped;
}

function views(): string[] {
  const lines = [
    "# Views",
    "",
    "What `POST /query`, `holdfast sql` and `client.query` can see: these views, read-only. A moment has",
    "two columns, one to read (ISO 8601) and one to reckon with (`_ms`, milliseconds since 1970).",
  ];
  for (const { name, meaning, columns } of viewTable) {
    const rows = columns.map((column) => [`\`${column.name}\``, column.type, column.meaning]);
    lines.push("", `## ${name}`, "", `${meaning}.`, "", ...table(["Column", "Type", ""], rows));
  }
  const functions = functionTable.map(({ call, meaning }) => [`\`${call}\``, meaning]);
  lines.push("", "## Functions", "", "Beside those of SQLite, its JSON functions among them:", "");
  return [...lines, ...table(["Function", "Gives"], functions)];
}

function http(): string[] {
  const system = systemRoutes({
    version: "",
    ready: () => true,
    metrics: () => [],
    openApi: () => "",
  });
  return [
    "# HTTP",
    "",
    "HTTP/1.1 with JSON. `GET /openapi.json` describes it for the application that runs, with the",
    "schemas of its handlers. Ids in paths are percent-encoded.",
    "",
    "## Starting",
    "",
    "The body is the input; without a body there is none. `/call` answers with the result: 200, or 204",
    "where there is none. `/send` answers 202 with the id, when the start is durable. A handler that",
    "fails is answered with its error as problem details.",
    "",
    ...table(
      ["Path", "For"],
      [
        ["`POST /call/{service}/{handler}`", "a handler of a service"],
        ["`POST /call/{service}/{key}/{handler}`", "one of an actor or workflow"],
        ["`POST /send/{service}/{handler}`", "the same, without waiting; `?delay=10s` for later"],
        ["`POST /send/{service}/{key}/{handler}`", "likewise"],
      ],
    ),
    "",
    ...table(
      ["Header", ""],
      [
        ["`Idempotency-Key`", "the same key within its retention gives the same invocation"],
        ["`X-Holdfast-Caller`", "who calls; taken only where no access tokens are configured"],
        ["`traceparent`", "W3C trace context; handlers see it as `ctx.traceparent`"],
        ["`Authorization`", "`Bearer <token>`, where the server has tokens"],
      ],
    ),
    "",
    "## Invocations",
    "",
    "By id under `/invocations/{id}`; the run of a workflow also under `/workflows/{service}/{key}`.",
    "",
    ...routeTable(invocationRoutes().filter(({ path: at }) => !at.startsWith("/workflows"))),
    "",
    "## Promises, state, schedules, SQL",
    "",
    ...routeTable(otherRoutes()),
    "",
    ...authzHttp(),
    "",
    "## The server",
    "",
    ...routeTable(system),
  ];
}

/** Routes are only described here, so that nothing of what they work with is needed. */
const noSources = {} as AuthzSources; // never used

function authzHttp(): string[] {
  return [
    "## Authorization",
    "",
    "Objects, subjects and relationships are written as text (`document:1`, `group:x#member`,",
    "`document:1#viewer@user:ada`) or in their parts. Streams are newline-delimited JSON.",
    "",
    ...routeTable(ownRoutes(noSources)),
    "",
    "A token may be confined to operations of tenants: `check` (all questions), `read`, `write`,",
    "`schema`, and `admin`, which is all of them and deleting the tenant. See `HOLDFAST_TOKENS` in",
    "[the command line](cli.md#environment).",
    "",
    "## Authorization: the API of OpenFGA",
    "",
    "For clients of OpenFGA as they are. A store is a tenant; what they take, answer and refuse is",
    "OpenFGA's.",
    "",
    ...foreignTable(openfgaRoutes(noSources)),
    "",
    "## Authorization: the HTTP paths of SpiceDB",
    "",
    "In the shapes of its gateway. The tenant is the one in the header `x-holdfast-tenant`, else the one",
    "that the token is for, else `default`, else the only one.",
    "",
    ...foreignTable(spicedbRoutes(noSources)),
    "",
    "## Authorization: AuthZEN 1.0",
    "",
    "The tenant is chosen as above. Caveats see the request as `subject`, `resource`, `action` (each",
    "with its properties and its own fields) and `context`; and each property and each key of `context`",
    "under its own name, where `context` wins over the action, that over the resource, and that over the",
    "subject. What cannot be decided is denied, and says why in `context`.",
    "",
    ...foreignTable(authzenRoutes(noSources)),
  ];
}

function foreignTable(routes: readonly Route[]): string[] {
  return table(
    ["Path", "What it does"],
    routes.map(({ method, path: at, summary }) => [`\`${method} ${at}\``, summary]),
  );
}

function routeTable(routes: readonly Route[]): string[] {
  return table(
    ["Path", "What it does", "Answers", "Errors"],
    routes.map((route) => {
      const query = (route.query ?? []).map(({ name }) => name);
      const parameters = query.length === 0 ? "" : `?${query.join(", ")}`;
      return [
        `\`${route.method} ${route.path}\`${parameters === "" ? "" : ` \`${parameters}\``}`,
        route.summary + (route.body === undefined ? "" : ` Body: ${lower(route.body.description)}`),
        Object.keys(route.answers).join(", "),
        route.errors.map(linkError).join(", "),
      ];
    }),
  );
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function linkError(code: ErrorCode): string {
  return `[\`${code}\`](errors.md#${code})`;
}

async function cli(): Promise<string[]> {
  const lines = [
    "# Command line",
    "",
    "`holdfast <command> --help` says the same. In this repository: `npm run holdfast -- <command>`.",
  ];
  for (const [group, title] of Object.entries(groups)) {
    lines.push("", `## ${title.replace(/:$/, "")}`);
    for (const row of leavesOf(commandTable).filter((each) => each.group === group)) {
      const module = await row.load();
      const command = new Command(`holdfast ${row.path}`);
      module.define(command, commandTable);
      lines.push("", `### ${row.path}`, "", `${sentence(row.summary)}`, "");
      lines.push("```text", `${command.name()} ${command.usage()}`, "```");
      lines.push(...argumentsAndOptions(command));
      const examples = module.examples.map(
        ([line, meaning]) => `# ${meaning}\nholdfast ${row.path}${line === "" ? "" : ` ${line}`}`,
      );
      if (examples.length > 0) lines.push("", "```sh", examples.join("\n"), "```");
    }
  }
  lines.push("", "## Environment", "", ...table(["Name", "Meaning"], settingRows()));
  const codes = Object.values(exitCodes).map(({ code, meaning }) => [String(code), meaning]);
  return [...lines, "", "## Exit codes", "", ...table(["Code", "Meaning"], codes)];
}

function settingRows(): string[][] {
  return [
    ["`HOLDFAST_URL`", "the server that commands talk to (default http://127.0.0.1:7400)"],
    ["`HOLDFAST_TOKEN`", "the access token that they show"],
    ["`HOLDFAST_TENANT`", "the tenant that authz commands mean (default: default)"],
    ...settingTable.map(({ name, meaning }) => [`\`${name}\``, meaning]),
  ];
}

function argumentsAndOptions(command: Command): string[] {
  const rows = [
    ...command.registeredArguments.map((argument) => [
      `\`${argument.required ? `<${argument.name()}>` : `[${argument.name()}]`}\``,
      argument.description,
    ]),
    ...command.options.map((option) => [`\`${option.flags}\``, option.description]),
  ];
  return rows.length === 0 ? [] : ["", ...table(["", ""], rows)];
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

if (import.meta.main) {
  for (const [name, text] of await makeReference()) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(name);
  }
}
