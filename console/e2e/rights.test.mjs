// Who may what, what whoever may only look is offered, and a definition that is mended from quarantine. DYNMCP names the binary.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browser as launch, LOOKS, visit as visitAs, Visitor } from "./browser.mjs";
import { Gateway, PROGRAM, tool } from "./gateway.mjs";

let gateway;
let browser;
let anna;
const visit = (hash, work, options) => visitAs(browser, gateway, hash, work, options);

before(async () => {
  gateway = await Gateway.start(PROGRAM);
  await gateway.ask("PUT", "/admin/roles/payer", {
    id: "payer", allow: [{ actions: ["*"], instances: ["demo"], tools: ["search_*", "list_*"] }, { actions: ["*"], instances: ["demo"], tools: ["get_order"], when: "args.id == '7'" }], limits: { rate: "5/min" },
  });
  anna = (await gateway.ask("POST", "/admin/keys", { name: "anna", roles: ["payer"] })).data.id;
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

test("whether somebody may call a tool with some arguments is seen, and by which rule", async () => {
  await visit("#/access", async (visitor, page) => {
    await page.getByText("Choose whose rights are meant.").waitFor();
    await page.getByLabel("Who", { exact: true }).selectOption({ label: "anna" });
    await page.getByText("role `payer`: 5/min").waitFor();
    await page.getByLabel("Instance").selectOption("demo");
    await page.getByText(/^\d+ tools are listed, \d+ are hidden\.$/).waitFor();
    await page.getByLabel("Tool", { exact: true }).fill("get_order");
    await page.getByRole("heading", { name: "Call of get_order in demo" }).waitFor();
    await page.getByText("not allowed", { exact: true }).waitFor();
    await page.getByLabel("id", { exact: true }).fill("7");
    await page.getByText("Allowed by role `payer`, allow[1].").waitFor();
    await visitor.isSound("access-allowed");
    await page.getByLabel("id", { exact: true }).fill("8");
    await page.getByText("not allowed", { exact: true }).waitFor();
    // As the gateway decides where it is called.
    const answer = await gateway.ask("POST", "/admin/access/explain", { key: anna, instance: "demo", tool: "get_order", arguments: { id: "8" } });
    assert.equal(answer.data.tool.allowed, false);
    await page.getByText(answer.data.tool.reason).waitFor();
    await page.getByLabel("Action in /admin").fill("admin/tds/write");
    await page.getByRole("heading", { name: "admin/tds/write" }).waitFor();
    // What is asked about can be handed on, without the arguments.
    const address = decodeURIComponent(new URL(page.url()).hash);
    assert.equal(address, `#/access?key=${anna}&instance=demo&tool=get_order&action=admin/tds/write`);
    await page.reload();
    await page.getByRole("heading", { name: "Call of get_order in demo" }).waitFor();
    // A role, and a tool that nobody has.
    await page.getByLabel("Who", { exact: true }).selectOption("role:viewer");
    await page.getByText("the role does not open the instance `demo`").waitFor();
    await page.getByText("not open", { exact: true }).waitFor();
    await page.getByLabel("Who", { exact: true }).selectOption("role:payer");
    await page.getByLabel("Tool", { exact: true }).fill("no_such_tool");
    await page.getByText("the instance has no tool `no_such_tool`").waitFor();
    await page.getByRole("tab", { name: "JSON" }).waitFor({ state: "detached" });
    await page.getByRole("textbox", { name: "JSON" }).fill("{");
    await page.locator(".wrong").getByText(/./).waitFor();
  });
});

test("whoever may only look is offered no call and no question about others", async () => {
  const { data } = await gateway.ask("POST", "/admin/keys", { name: "viewer", roles: ["viewer"] });
  await gateway.ask("PUT", "/admin/uds/away", { id: "away", transport: "streamable_http", url: "http://127.0.0.1:9/mcp" });
  const visitor = await Visitor.of(browser, gateway);
  const { page } = visitor;
  const refused = [];
  page.on("response", (response) => { if (response.status() === 403) refused.push(response.url()); });
  await visitor.signIn("#/tds/get_order/try", data.key);
  await page.getByText("This key may neither see what a call would send nor make one").waitFor();
  assert.deepEqual(await page.locator("main").getByRole("button").allInnerTexts(), []);
  await visitor.isSound("try-viewer");
  await visitor.go("#/uds/away/explain");
  await page.getByText("This key may not see what a call would send").waitFor();
  assert.deepEqual(await page.locator("main").getByRole("button").allInnerTexts(), []);
  await visitor.go(`#/access?key=${anna}`);
  await page.getByText("This key may not ask what others may").waitFor();
  assert.equal(await page.locator("main").getByRole("combobox").count(), 0);
  await visitor.isSound("access-viewer");
  assert.deepEqual(refused, [], "nothing was asked that would be refused");
  await visitor.close();
});

/** As a pipeline writes that goes past the admin API. */
function writeRow(id, text) {
  const quoted = text.replaceAll("'", "''");
  const database = join(gateway.directory, "data/demo/demo.db");
  execFileSync("sqlite3", [database, `.timeout 5000`, `INSERT INTO dynmcp_xds (key, xds_type, xds_json) VALUES ('${id}', 'TDS', '${quoted}') ON CONFLICT (xds_type, key) DO UPDATE SET xds_json = excluded.xds_json`]);
}

for (const [look, options] of LOOKS.filter(([look]) => look === "light" || look === "phone-dark")) {
  test(`a definition is mended from quarantine: ${look}`, async () => {
    const id = `mended_${look.replace("-", "_")}`;
    await gateway.ask("PUT", `/admin/tds/${id}`, tool(id, { description: "As it was." }));
    const good = (await gateway.ask("GET", `/admin/tds/${id}`)).data.revision;
    writeRow(id, JSON.stringify(tool(id, { description: "As it is.", tds_ext_info: { domain: "127.0.0.1:9", method: "FETCH IT", path: "/x" } }), null, 2));
    const stored = async () => (await gateway.ask("GET", "/admin/quarantine")).data.find((one) => one.id === id);
    for (let look = 0; (await stored()) === undefined; look++) {
      assert.ok(look < 100, "the gateway has not seen it");
      await new Promise((done) => setTimeout(done, 100));
    }
    await visit("#/quarantine", async (visitor, page) => {
      const found = page.locator("section").filter({ hasText: id });
      await found.getByText(`revision ${good} is served`).waitFor();
      await found.getByText("method", { exact: false }).first().waitFor();
      await visitor.isSound(`${look}-quarantined`);
      await found.getByRole("link", { name: "Mend" }).click();
      await page.getByText("Mend it and save.").waitFor();
      // What is stored is shown, not what is served meanwhile.
      await visitor.editor.getByText("FETCH IT").waitFor();
      assert.equal((await gateway.ask("GET", `/admin/tds/${id}`)).data.description, "As it was.");
      await visitor.write(JSON.stringify(tool(id, { description: "As it is." }), null, 2));
      await page.getByText("The gateway would take this.").waitFor();
      await page.getByRole("button", { name: "Review and save" }).click();
      await visitor.isSound(`${look}-mend`);
      await page.getByRole("dialog").getByRole("button", { name: "Write" }).click();
      await page.getByText("Mend it and save.").waitFor({ state: "detached" });
      assert.equal((await gateway.ask("GET", `/admin/tds/${id}`)).data.description, "As it is.");
      assert.equal(await stored(), undefined);
      await visitor.go("#/quarantine");
      await found.waitFor({ state: "detached" });
    }, options);
  });
}
