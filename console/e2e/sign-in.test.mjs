// People sign in with their account at an identity provider of others. DYNMCP names the binary, PROVIDER_TOOLS the folder that has the provider.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { browser as launch, visit, Visitor } from "./browser.mjs";
import { Gateway, PROGRAM } from "./gateway.mjs";

let provider;
let gateway;
let browser;

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

before(async () => {
  const port = await freePort();
  provider = spawn(process.execPath, [new URL("../../tests/clients/login/provider.mjs", import.meta.url).pathname, String(port), "ES256", "k1"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((ready, failed) => {
    provider.stdout.once("data", ready);
    provider.once("exit", (code) => failed(new Error(`the provider ended with ${code}`)));
  });
  const issuer = `http://127.0.0.1:${port}`;
  gateway = await Gateway.serve(PROGRAM, ({ url }) => `authenticators = ["jwt", "api_key"]
public_url = "${url}"
[[authenticator.jwt.issuers]]
name = "acme"
issuer = "${issuer}"
algorithms = ["ES256"]
token_types = ["at+jwt"]
roles = "groups"
allow_roles = ["*", "admin"]
[[sign_in]]
name = "acme"
label = "Acme"
issuer = "${issuer}"
client_id = "console"
`);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
  provider?.kill();
});

test("somebody signs in with the company's account, goes on where they were, and signs out", async () => {
  const visitor = await Visitor.of(browser, gateway);
  const { page, context } = visitor;
  // The provider's pages want fonts from elsewhere.
  await context.route((url) => url.hostname !== "127.0.0.1", (route) => route.abort());
  try {
    await visitor.open("#/keys");
    const way = page.getByRole("link", { name: "Sign in with Acme" });
    await way.waitFor();
    await visitor.isSound("sign-in");
    await way.click();
    await page.locator("input[name=login]").fill("admin");
    await page.locator("input[name=password]").fill("anything");
    await page.locator("button[type=submit]").click();
    await page.locator("input[name=login]").waitFor({ state: "detached" });
    await page.locator("button[type=submit]").click();
    await page.locator(".frame").waitFor();
    assert.equal(new URL(page.url()).hash, "#/keys");
    assert.equal(new URL(page.url()).search, "", "nothing of the way is left");
    visitor.foreign.length = 0;
    visitor.errors.length = 0;
    // What is done is done in the name of the account.
    const { status, name } = await page.evaluate(async () => {
      const answer = await fetch("/admin/ids/signed", {
        method: "PUT",
        headers: { "X-DynMCP-Console": "1" },
        body: JSON.stringify({ id: "signed", name: "Signed", tool_ids: [] }),
      });
      return { status: answer.status, name: document.cookie };
    });
    assert.equal(status, 200);
    assert.equal(name, "", "no script reads the cookie");
    const { data } = await gateway.ask("GET", "/admin/ids/signed/history");
    assert.match(JSON.stringify(data), /acme:admin/);
    await page.reload();
    await page.locator(".frame").waitFor();
    await visitor.isSound("signed-in");
    await page.getByRole("button", { name: "Sign out" }).click();
    await way.waitFor();
    await page.reload();
    await way.waitFor();
    assert.equal(await page.locator(".frame").count(), 0, "the gateway has forgotten it");
    visitor.isClean("signed out");
  } finally {
    await visitor.close();
  }
});

test("whose accounts an upstream is used with is shown where it is used with any", async () => {
  await gateway.ask("PUT", "/admin/uds/notes", { id: "notes", url: "http://127.0.0.1:9/mcp", auth: { type: "oauth2_user" } });
  await gateway.ask("PUT", "/admin/uds/plain", { id: "plain", url: "http://127.0.0.1:9/mcp" });
  await visit(browser, gateway, "#/uds/notes", async (visitor, page) => {
    await page.getByText("Calls are made with the account that each caller has connected.", { exact: false }).waitFor();
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("127.0.0.1:9", { exact: false }).first().waitFor();
    await visitor.isSound("upstream-login");
    await visitor.go("#/uds/plain");
    await page.getByText("Calls are made with the account", { exact: false }).waitFor({ state: "detached" });
    assert.equal(await page.getByRole("button", { name: "Log in" }).count(), 0);
  });
});
