// A gateway of its own for the tests: the demo, with its sample API, on a free port.
import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

export class Gateway {
  /** `program` is the binary `dynmcp`. */
  static async start(program) {
    const gateway = new Gateway();
    gateway.program = program;
    gateway.directory = mkdtempSync(join(tmpdir(), "dynmcp-console-"));
    gateway.port = await freePort();
    await gateway.run();
    return gateway;
  }

  /** One of a configuration of its own, which may depend on the gateway, without the demo's definitions; its key stays when it starts again. */
  static async serve(program, configuration) {
    const gateway = new Gateway();
    gateway.program = program;
    gateway.directory = mkdtempSync(join(tmpdir(), "dynmcp-console-"));
    gateway.port = await freePort();
    gateway.key = "console-test-admin-key";
    const own = typeof configuration === "function" ? configuration(gateway) : configuration;
    gateway.configuration = `[app]\napi_key = "${gateway.key}"\ndata_source = "memory"\ndata_dir = "data"\n${own}`;
    await gateway.run();
    return gateway;
  }

  async run() {
    if (this.configuration !== undefined) return this.runConfigured();
    const child = spawn(this.program, ["demo", "--port", String(this.port)], { cwd: this.directory, stdio: ["ignore", "pipe", "inherit"] });
    this.child = child;
    this.output = "";
    await new Promise((ready, failed) => {
      child.stdout.on("data", (chunk) => {
        this.output += chunk;
        const key = /Admin key\s+(\S+)/.exec(this.output)?.[1];
        if (key !== undefined && this.output.includes("Ctrl-C")) {
          this.key = key;
          ready();
        }
      });
      child.on("exit", (code) => failed(new Error(`the demo ended with ${code}: ${this.output}`)));
    });
  }

  async runConfigured() {
    writeFileSync(join(this.directory, "gateway.toml"), this.configuration);
    const env = { ...process.env, APP__APP__PORT: String(this.port), APP__LOG__LOG_LEVEL: "error" };
    this.child = spawn(this.program, ["serve", "--config", "gateway.toml"], { cwd: this.directory, stdio: ["ignore", "ignore", "inherit"], env });
    let ended;
    this.child.once("exit", (code) => { ended = code; });
    for (;;) {
      if (ended !== undefined) throw new Error(`the gateway ended with ${ended}`);
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop() {
    const ended = new Promise((done) => this.child.once("exit", done));
    this.child.kill("SIGTERM");
    await ended;
  }

  async ask(method, path, body) {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.key}`, "content-type": "application/json" },
      body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  }
}

/** The binary `dynmcp`. */
export const PROGRAM = process.env.DYNMCP ?? new URL("../../target/debug/dynmcp", import.meta.url).pathname;

/** A tool of an API that is not there. */
export function tool(id, more = {}) {
  return { id, name: id, description: `About ${id}.`, input_schema: { type: "object", properties: {} }, tds_ext_info: { domain: "127.0.0.1:9", method: "GET", path: "/x" }, ...more };
}
