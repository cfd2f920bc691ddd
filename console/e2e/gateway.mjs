// A gateway of its own for the tests: the demo, with its sample API, on a free port.
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

async function freePort() {
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

  async run() {
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
