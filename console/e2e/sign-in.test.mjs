// People sign in with their account at an identity provider of others. DYNMCP names the binary.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browser as launch, visit, Visitor } from "./browser.mjs";
import { Gateway, PROGRAM } from "./gateway.mjs";
import { Provider, staysHere } from "./provider.mjs";

let provider;
let gateway;
let browser;

before(async () => {
  provider = await Provider.start();
  const { issuer } = provider;
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
  provider?.stop();
});

test("somebody signs in with the company's account, goes on where they were, and signs out", async () => {
  const visitor = await Visitor.of(browser, gateway);
  const { page, context } = visitor;
  await staysHere(context);
  try {
    await visitor.open("#/keys");
    const way = page.getByRole("link", { name: "Sign in with Acme" });
    await way.waitFor();
    await visitor.isSound("sign-in");
    await way.click();
    await Provider.logIn(page, "admin");
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
