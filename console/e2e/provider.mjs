// An identity provider of others (`tests/clients/login`), where `cargo xtask tools` installs it; PROVIDER_TOOLS names another folder.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./gateway.mjs";

const TOOLS = process.env.PROVIDER_TOOLS ?? fileURLToPath(new URL("../../.tools/provider", import.meta.url));

export class Provider {
  static async start() {
    if (!existsSync(join(TOOLS, "installed"))) {
      throw new Error(`there is no identity provider in ${TOOLS}: \`cargo xtask tools\` installs one, or PROVIDER_TOOLS names the folder that has it`);
    }
    const provider = new Provider();
    const port = await freePort();
    provider.issuer = `http://127.0.0.1:${port}`;
    const program = new URL("../../tests/clients/login/provider.mjs", import.meta.url).pathname;
    provider.child = spawn(process.execPath, [program, String(port), "ES256", "k1"], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, PROVIDER_TOOLS: TOOLS } });
    await new Promise((ready, failed) => {
      provider.child.stdout.once("data", ready);
      provider.child.once("exit", (code) => failed(new Error(`the provider ended with ${code}`)));
    });
    return provider;
  }

  /** Fills in its pages: the name, any password, and yes to what is asked. */
  static async logIn(page, name) {
    await page.locator("input[name=login]").fill(name);
    await page.locator("input[name=password]").fill("anything");
    await page.locator("button[type=submit]").click();
    await page.locator("input[name=login]").waitFor({ state: "detached" });
    await page.locator("button[type=submit]").click();
  }

  stop() {
    this.child.kill();
  }
}

/** Its pages want fonts from elsewhere. */
export async function staysHere(context) {
  await context.route((url) => url.hostname !== "127.0.0.1", (route) => route.abort());
}
