// Whose accounts upstreams are used with: a login of the operator's, and those that callers connect. DYNMCP names the binary.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browser as launch, LOOKS, visit as visitAs, Visitor } from "./browser.mjs";
import { Gateway, PROGRAM } from "./gateway.mjs";
import { Provider, staysHere } from "./provider.mjs";

let provider;
let server;
let gateway;
let browser;
const visit = (hash, work, options) => visitAs(browser, gateway, hash, work, options);

before(async () => {
  provider = await Provider.start();
  // The server behind the gateway is another gateway, which takes the provider's tokens.
  server = await Gateway.serve(PROGRAM, ({ url }) => `authenticators = ["jwt", "api_key"]
public_url = "${url}"
[[authenticator.jwt.issuers]]
name = "acme"
issuer = "${provider.issuer}"
algorithms = ["ES256"]
token_types = ["at+jwt"]
roles = "groups"
required_scopes = ["mcp:tools"]
`);
  await server.ask("PUT", "/admin/tds/whoami", { id: "whoami", name: "whoami", description: "Says its name.", input_schema: { type: "object" }, static: { content: [{ type: "text", text: "whoami" }] } });
  await server.ask("PUT", "/admin/ids/desk", { id: "desk", name: "Desk", tool_ids: ["whoami"] });
  gateway = await Gateway.serve(PROGRAM, "");
  const url = `${server.url}/mcp/desk`;
  await gateway.ask("PUT", "/admin/uds/desk", { id: "desk", url, auth: { type: "oauth2_authorization_code", scopes: ["mcp:tools"] } });
  await gateway.ask("PUT", "/admin/uds/notes", { id: "notes", url, auth: { type: "oauth2_user", scopes: ["mcp:tools"] } });
  await gateway.ask("PUT", "/admin/uds/away", { id: "away", url: "http://127.0.0.1:9/mcp", auth: { type: "oauth2_authorization_code" } });
  await gateway.ask("PUT", "/admin/uds/own", { id: "own", url, auth: { type: "oauth2_client_credentials", client_id: "pipeline", client_secret: "${env:DYNMCP_SECRET_NONE}", issuer: provider.issuer } });
  await gateway.ask("PUT", "/admin/uds/plain", { id: "plain", url: "http://127.0.0.1:9/mcp" });
  await gateway.ask("PUT", "/admin/ids/mixed", { id: "mixed", name: "Mixed", include: { upstreams: ["notes"] } });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
  await server?.stop();
  provider?.stop();
});

/** Logs in to an upstream through the page that the console opens. */
async function logIn({ page, context }, button) {
  const [opened] = await Promise.all([context.waitForEvent("page"), page.getByRole("button", { name: button }).click()]);
  await Provider.logIn(opened, "agent");
  await opened.waitForURL(`${gateway.url}/oauth/callback/**`);
  await opened.close();
}

async function call(key) {
  const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": { elicitation: { url: {} } } };
  const answer = await fetch(`${gateway.url}/mcp/mixed`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", accept: "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "whoami" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "whoami", arguments: {}, _meta: meta } }),
  });
  return answer.json();
}

/** Somebody with a key of this name connects an account, whose name at the provider is the role that it has at the server. */
async function connect(name) {
  const { key } = (await gateway.ask("POST", "/admin/keys", { name, instances: ["mixed"] })).data;
  const asked = await call(key);
  const link = asked.result?.inputRequests?.["dynmcp-connect-account"]?.params?.url;
  assert.ok(link !== undefined, JSON.stringify(asked));
  const context = await browser.newContext();
  await staysHere(context);
  const page = await context.newPage();
  await page.goto(link);
  await page.locator("input[name=key]").fill(key);
  await page.getByRole("button").first().click();
  await page.locator("input[name=do][value=connect]").locator("xpath=ancestor::form").getByRole("button").click();
  await Provider.logIn(page, "agent");
  await page.waitForURL(`${gateway.url}/oauth/callback/**`);
  await context.close();
  const called = await call(key);
  assert.equal(called.result.content[0].text, "whoami", JSON.stringify(called));
}

test("an operator logs in to an upstream at the page that is opened, and has the login forgotten", async () => {
  await visit("#/uds", async (visitor, page) => {
    await staysHere(visitor.context);
    await page.getByRole("link", { name: "desk" }).getByText("somebody has to log in").waitFor();
    await page.getByRole("link", { name: "desk" }).click();
    await page.getByText("Everybody who calls it uses the account").waitFor();
    await page.getByText("somebody has to log in", { exact: true }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Forget the login" }).count(), 0);
    await logIn(visitor, "Log in");
    await page.getByText("Somebody is logged in.").waitFor();
    await page.getByText("logged in", { exact: true }).waitFor();
    await page.getByText(provider.issuer).waitFor();
    await page.getByText(/good for \d+ minutes/).waitFor();
    await page.getByText("ready", { exact: true }).waitFor();
    await visitor.isSound("login-there");
    await page.getByRole("button", { name: "Forget the login" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Calls fail until somebody logs in again.").waitFor();
    await visitor.isSound("login-forget");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.equal((await gateway.ask("GET", "/admin/uds/desk/login")).data.logged_in, true);
    await page.getByRole("button", { name: "Forget the login" }).click();
    await dialog.getByRole("button", { name: "Forget the login" }).click();
    await page.getByText("The login is forgotten.").waitFor();
    await page.getByText("somebody has to log in", { exact: true }).waitFor();
    assert.equal((await gateway.ask("GET", "/admin/uds/desk/login")).data.logged_in, false);
  });
});

test("a login that cannot begin says why, and where nobody logs in no button is offered", async () => {
  await visit("#/uds/away", async (visitor, page) => {
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("alert").getByText("127.0.0.1:9").waitFor();
    await visitor.isSound("login-refused");
    await visitor.go("#/uds/own");
    await page.getByText("The gateway gets its tokens by itself; nobody logs in.").waitFor();
    assert.equal(await page.getByRole("button", { name: "Log in" }).count(), 0);
    await visitor.go("#/uds/plain");
    await page.getByText("The gateway gets its tokens by itself").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Check" }).waitFor();
    assert.equal(await page.getByRole("heading", { name: "Login" }).count(), 0);
  });
});

test("accounts of callers are listed, found, and taken away with what became of them", async () => {
  await visit("#/grants", async (visitor, page) => {
    await staysHere(visitor.context);
    await page.getByText("Nobody has connected an account.").waitFor();
    await visitor.go("#/uds/notes");
    await logIn(visitor, "Log in");
    await page.getByText("ready", { exact: true }).waitFor();
    await connect("anna");
    await connect("bob");
    await page.getByRole("listitem").filter({ hasText: "anna" }).waitFor();
    await visitor.isSound("login-callers");
    await visitor.go("#/grants");
    const row = (name) => page.getByRole("listitem").filter({ hasText: name });
    await row("bob").getByText("connected", { exact: true }).waitFor();
    await row("anna").getByText(provider.issuer).waitFor();
    await row("anna").getByRole("link", { name: "notes" }).waitFor();
    await visitor.isSound("grants");
    await page.getByRole("searchbox").fill("BOB");
    await page.getByText("1 of 2").waitFor();
    assert.equal(await row("anna").count(), 0);
    await page.getByRole("searchbox").fill("nobody has this");
    await page.getByText("Nothing has “nobody has this” in it.").waitFor();
    await page.getByRole("searchbox").fill("");
    await row("bob").getByRole("button", { name: "Take away" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("It is not used for notes any more").waitFor();
    await visitor.isSound("grant-remove");
    await dialog.getByRole("button", { name: "Take away" }).click();
    await page.getByRole("status").getByText("The account of bob at notes is taken away, and its authorization server has revoked it.").waitFor();
    await row("bob").waitFor({ state: "detached" });
    const { data } = await gateway.ask("GET", "/admin/grants");
    assert.deepEqual(data.map(({ principal }) => principal), ["anna"]);
    // What somebody else has taken away meanwhile cannot be taken away again.
    await row("anna").getByRole("button", { name: "Take away" }).click();
    await gateway.ask("DELETE", `/admin/grants/${data[0].id}`);
    await dialog.getByRole("button", { name: "Take away" }).click();
    await dialog.getByRole("alert").getByText("there is no such account").waitFor();
  });
});

test("whoever may only look is offered nothing else", async () => {
  const { data } = await gateway.ask("POST", "/admin/keys", { name: "viewer", roles: ["viewer"] });
  await connect("dora");
  const visitor = await Visitor.of(browser, gateway);
  const { page } = visitor;
  await visitor.signIn("#/uds/desk", data.key);
  await page.getByText("Everybody who calls it uses the account").waitFor();
  assert.deepEqual(await page.locator("main").getByRole("button").allInnerTexts(), []);
  await visitor.go("#/grants");
  await page.getByRole("listitem").filter({ hasText: "dora" }).waitFor();
  assert.deepEqual(await page.locator("main").getByRole("button").allInnerTexts(), []);
  visitor.isClean("viewer");
  await visitor.close();
});

test("what could not be revoked is said", async () => {
  await connect("carl");
  const visitor = await Visitor.of(browser, gateway);
  const { page } = visitor;
  try {
    await visitor.signIn("#/grants");
    provider.stop();
    await page.getByRole("button", { name: "Take away carl, notes" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Take away" }).click();
    await page.getByText("Its authorization server has revoked nothing.").waitFor();
    await page.getByText("its authorization server was not told").waitFor();
    await visitor.isSound("grant-not-revoked");
  } finally {
    await visitor.close();
  }
});

for (const [look, options] of LOOKS) {
  test(`logins and accounts are sound: ${look}`, async () => {
    // What the gateway would answer where many have connected something.
    const visitor = await Visitor.of(browser, gateway, options);
    const { page } = visitor;
    const grants = Array.from({ length: 12 }, (_, n) => ({ id: `${n}`.repeat(24), upstream: n % 2 === 0 ? "notes" : "a_calendar_of_all_that_happens_everywhere", principal: `acme:somebody.with.a.long.name.${n}@example.com`, ...(n % 3 === 0 ? { key: "0197c1f2e0a94c5f8f7d2f6b" } : {}), connected_at: "2026-11-29T21:00:00Z", issuer: "https://login.of-a-large-company.example.com/realms/production", scopes: ["mcp:tools", "offline_access", "calendar.readonly"], login_needed: n % 4 === 0, expires_in: 3_000 }));
    await page.route("**/admin/grants", (route) => route.fulfill({ json: { code: 200, message: "success", data: grants } }));
    await page.route("**/admin/uds/notes/login", (route) => route.fulfill({ json: { code: 200, message: "success", data: { grant: "user", logged_in: true, login_needed: false, issuer: grants[0].issuer, scopes: grants[0].scopes, expires_in: 3_000 } } }));
    await visitor.signIn("#/grants");
    await page.locator(".accounts").waitFor();
    await visitor.isSound(`${look}-grants`);
    await page.locator(".accounts").getByRole("button").first().click();
    await page.getByRole("dialog").waitFor();
    await visitor.isSound(`${look}-grants-remove`);
    await page.keyboard.press("Escape");
    await visitor.go("#/uds/notes");
    await page.locator(".accounts").waitFor();
    await visitor.isSound(`${look}-login`);
    await visitor.close();
  });
}
