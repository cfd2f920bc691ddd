// The console in a real browser, against a real gateway: DYNMCP names the binary.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browser as launch, LOOKS, visit as visitAs, Visitor } from "./browser.mjs";
import { Gateway, PROGRAM, tool } from "./gateway.mjs";

const MARKUP = `<img src=x onerror="document.title='executed'"><script>document.title='executed'</script>`;
let gateway;
let browser;
const visit = (hash, work, options) => visitAs(browser, gateway, hash, work, options);

before(async () => {
  gateway = await Gateway.start(PROGRAM);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

test("a wrong key is refused with the reason, a right one is kept in the tab alone", async () => {
  const visitor = await Visitor.of(browser, gateway);
  const { page } = visitor;
  await visitor.open("#/tds/get_order");
  await visitor.isSound("login");
  await page.getByLabel("Admin key").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("This key does not open the gateway").waitFor();
  await page.getByLabel("Admin key").fill(gateway.key);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Get an order" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Get an order" }).waitFor();
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, document.cookie]));
  assert.ok(!kept.includes(gateway.key), kept);
  const other = await visitor.context.newPage();
  await other.goto(`${gateway.url}/console`);
  await other.getByLabel("Admin key").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Admin key").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  visitor.isClean("login");
  await visitor.close();
});

/** What the tests wait for, where it is looked at in Chinese. */
const CHINESE = {
  "Overview": "概览", "Tools": "工具", "Instances": "实例", "Upstreams": "上游", "Roles": "角色", "Keys": "密钥", "Secrets": "机密", "Who may what": "谁能做什么", "Accounts of callers": "调用者的账号", "Traffic": "流量", "Events": "事件",
  "Audit": "审计", "Import": "导入", "Quarantine": "隔离区", "New tool": "新建工具", "There is no such page": "没有这个页面", "Loading…": "加载中…", "The gateway would take this.": "网关会接受此内容。",
  "What is sent": "将要发送的内容", "This gateway keeps no audit log": "此网关不保留审计日志",
};

for (const [look, options] of LOOKS) {
  const say = (text) => (options.locale === "zh-CN" ? CHINESE[text] ?? text : text);
  test(`every page is sound: ${look}`, async () => {
    await gateway.ask("POST", "/admin/keys", { name: `of ${look}`, instances: ["demo"] });
    await visit("", async (visitor, page) => {
      const pages = [
        ["overview", "#/", "Overview"], ["tools", "#/tds", "Tools"], ["tool", "#/tds/create_order", "Create an order"], ["try", "#/tds/create_order/try", "Create an order"],
        ["history", "#/tds/create_order/history", "Create an order"], ["instances", "#/ids", "Instances"], ["instance", "#/ids/demo", "Demo shop"], ["connect", "#/ids/demo/connect", "Demo shop"],
        ["upstreams", "#/uds", "Upstreams"], ["roles", "#/roles", "Roles"], ["keys", "#/keys", "Keys"], ["secrets-none", "#/secrets", "Secrets"], ["access", `#/access?role=viewer&instance=demo&tool=get_order&action=admin%2Ftds%2Fwrite`, "Who may what"], ["accounts-none", "#/grants", "Accounts of callers"], ["traffic", "#/traffic", "Traffic"], ["events", "#/events", "Events"], ["audit", "#/audit", "Audit"], ["import", "#/import", "Import"], ["quarantine", "#/quarantine", "Quarantine"], ["new", "#/new/tds", "New tool"], ["nowhere", "#/nowhere", "There is no such page"],
      ];
      for (const [name, hash, heading] of pages) {
        await visitor.go(hash);
        await page.getByRole("heading", { level: 1, name: say(heading) }).waitFor();
        await page.waitForFunction((loading) => document.querySelector("main [role=status]")?.textContent !== loading, say("Loading…"));
        if (name === "tool" || name === "instance") await page.getByText(say("The gateway would take this.")).waitFor();
        if (name === "try") await page.getByRole("heading", { name: say("What is sent") }).waitFor();
        if (name === "access") await page.getByText("admin/tds/write").first().waitFor();
        if (name === "traffic") await page.getByRole("region", { name: say("Tools") }).getByText("get_order").first().waitFor();
        if (name === "events") await page.getByRole("region", { name: say("Events") }).getByText("definition.changed").first().waitFor();
        if (name === "audit") await page.getByText(say("This gateway keeps no audit log")).waitFor();
        if (name === "connect") await page.getByRole("heading", { name: "Claude Code" }).waitFor();
        await visitor.isSound(`${look}-${name}`);
      }
    }, options);
  });
}

test("theme and language are switched and kept", async () => {
  await visit("", async (visitor, page) => {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.getByLabel("Theme").selectOption("dark");
    assert.notEqual(await background(), light);
    await page.getByLabel("Language").selectOption("zh");
    await page.getByRole("heading", { name: "概览" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "概览" }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
    assert.notEqual(await background(), light);
    await visitor.isSound("dark-chinese");
  }, { colorScheme: "light" });
});

test("a tool is found by text and by tag", async () => {
  await visit("#/tds", async (visitor, page) => {
    await page.getByRole("searchbox").fill("RECEIPT");
    await page.getByText("1 shown").waitFor();
    await page.getByRole("link", { name: "Get a receipt" }).click();
    await page.getByRole("link", { name: "shop" }).click();
    await page.getByRole("button", { name: "Only with the tag shop" }).waitFor();
    await page.getByText("Product photo").waitFor();
    assert.equal(await page.getByText("Play the doorbell").count(), 0);
    await page.getByRole("searchbox").fill("nothing has this");
    await page.getByText("Nothing has “nothing has this” in it.").waitFor();
  });
});

test("a definition is completed, checked where it is wrong, reviewed, written, and brought back", async () => {
  await gateway.ask("PUT", "/admin/tds/edited", tool("edited"));
  await gateway.ask("PUT", "/admin/ids/of_edited", { id: "of_edited", name: "Of edited", tool_ids: ["edited"] });
  await visit("#/tds/edited", async (visitor, page) => {
    await page.getByText("The gateway would take this.").waitFor();
    await visitor.write(`{"id": "edited", "name": "edited", "description": "Other words.", "tds_ext_info": {"domain": "127.0.0.1:9", "method": "GET", "path": "/x", "params": [{"name": "a", "in": "path", "style": "form"}]}}`);
    await page.getByRole("region", { name: "Problems" }).waitFor();
    await visitor.shoot("editor-problems");
    await page.getByRole("region", { name: "Problems" }).getByText("style").first().waitFor();
    await visitor.write("{\n  ");
    await page.getByRole("region", { name: "Problems" }).getByText("This is not JSON").waitFor();
    await page.keyboard.press("Control+Space");
    await page.locator(".editor .cm-tooltip-autocomplete").getByText("input_schema").waitFor();
    await visitor.shoot("editor-completion");
    await page.keyboard.press("Escape");
    await visitor.write(JSON.stringify(tool("edited", { description: "Other words.", title: "Edited" }), null, 2));
    await page.getByText("The gateway would take this.").waitFor();
    await page.keyboard.press("Control+S");
    const review = page.getByRole("dialog");
    await review.getByText("description").first().waitFor();
    await review.getByText("of_edited").waitFor();
    await visitor.isSound("review");
    await review.getByRole("button", { name: "Write" }).click();
    await review.waitFor({ state: "detached" });
    await page.getByRole("heading", { name: "Edited", exact: true }).waitFor();
    assert.equal((await gateway.ask("GET", "/admin/tds/edited")).data.description, "Other words.");
    await page.getByRole("link", { name: "History" }).click();
    await page.getByText("/description").waitFor();
    await visitor.isSound("diff");
    await page.getByRole("button", { name: "Bring back" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Bring back" }).click();
    await page.getByText(/is back, as revision/).waitFor();
    assert.equal((await gateway.ask("GET", "/admin/tds/edited")).data.description, "About edited.");
  });
});

test("what somebody else wrote meanwhile is not written over", async () => {
  await gateway.ask("PUT", "/admin/tds/shared", tool("shared"));
  await visit("#/tds/shared", async (visitor, page) => {
    await page.getByText("The gateway would take this.").waitFor();
    await gateway.ask("PUT", "/admin/tds/shared", tool("shared", { description: "Theirs." }));
    await visitor.write(JSON.stringify(tool("shared", { description: "Mine." })));
    await page.keyboard.press("Control+S");
    await page.getByRole("dialog").getByRole("button", { name: "Write" }).click();
    await page.getByText("Somebody changed it meanwhile.").waitFor();
    assert.equal((await gateway.ask("GET", "/admin/tds/shared")).data.description, "Theirs.");
    await page.getByRole("button", { name: "Load what is stored" }).click();
    await visitor.editor.getByText("Theirs.").waitFor();
  });
});

test("a new tool is written and deleted, and unsaved words are asked about", async () => {
  await visit("#/new/tds", async (visitor, page) => {
    await page.getByText("Definition", { exact: true }).waitFor();
    await visitor.write(JSON.stringify(tool("brand_new"), null, 2));
    page.once("dialog", (dialog) => void dialog.dismiss());
    await visitor.go("#/keys");
    await visitor.editor.getByText("brand_new").first().waitFor();
    await page.getByRole("button", { name: "Review and save" }).click();
    await page.getByRole("dialog").getByText("tds/brand_new").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Write" }).click();
    await page.getByRole("heading", { name: "brand_new" }).waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("heading", { name: "Tools" }).waitFor();
    await assert.rejects(gateway.ask("GET", "/admin/tds/brand_new"), /404/);
  });
});

test("a call is explained while its form is filled in, and made", async () => {
  await visit("#/tds/search_orders/try", async (visitor, page) => {
    await page.getByText("is required").first().waitFor();
    await page.getByLabel("q", { exact: true }).fill("ada & co");
    await page.getByText("q=ada%20%26%20co").first().waitFor();
    await page.getByLabel("q", { exact: true }).fill("ada");
    await page.getByRole("button", { name: "Call" }).click();
    await page.getByText("about", { exact: false }).first().waitFor();
    await page.getByRole("region", { name: "What the model reads" }).getByText("Ada Lovelace").waitFor();
    await page.getByRole("tab", { name: "What the upstream sent" }).click();
    await page.getByText("content-type: application/json").waitFor();
    await visitor.isSound("called");
  });
});

test("a call that may change something is asked about first", async () => {
  await visit("#/tds/create_order/try", async (visitor, page) => {
    const before = (await gateway.ask("POST", "/admin/tds/list_orders/explain", { send: true })).data.sent.answer.body.text;
    await page.getByRole("tab", { name: "JSON" }).click();
    await page.getByRole("textbox", { name: "JSON" }).fill(JSON.stringify({ customer: "Grace", items: [{ sku: "tea-assam", quantity: 1 }] }));
    await page.getByText('"Grace"').first().waitFor();
    await page.getByRole("button", { name: "Call" }).click();
    await page.getByText("POST may change something.").waitFor();
    const meanwhile = (await gateway.ask("POST", "/admin/tds/list_orders/explain", { send: true })).data.sent.answer.body.text;
    assert.equal(meanwhile, before);
    await page.getByRole("button", { name: "Call" }).click();
    await page.getByRole("heading", { name: "Answer" }).waitFor();
    const afterwards = (await gateway.ask("POST", "/admin/tds/list_orders/explain", { send: true })).data.sent.answer.body.text;
    assert.notEqual(afterwards, before);
  });
});

test("definitions with markup in every text are shown as they are, and nothing is executed", async () => {
  await gateway.ask("PUT", "/admin/tds/markup", tool("markup", {
    title: MARKUP, description: MARKUP, tags: ["<b>x</b>"],
    input_schema: { type: "object", properties: { "<i>a</i>": { type: "string", title: MARKUP, description: MARKUP, enum: [MARKUP] } } },
    examples: [{ description: MARKUP, arguments: {} }],
  }));
  await gateway.ask("PUT", "/admin/ids/markup", { id: "markup", name: MARKUP, description: MARKUP, tool_ids: ["markup"] });
  await visit("#/tds?q=markup", async (visitor, page) => {
    for (const hash of ["#/tds", "#/ids", "#/tds/markup", "#/tds/markup/try", "#/tds/markup/history", "#/ids/markup", "#/ids/markup/connect"]) {
      await visitor.go(hash);
      await page.getByText("<img src=x").or(visitor.editor).first().waitFor();
      await page.waitForTimeout(200);
      assert.equal(await page.evaluate(() => document.querySelectorAll("main img, main script").length), 0, hash);
      assert.notEqual(await page.title(), "executed", hash);
    }
  });
});

test("a key is made, shown once, replaced and switched off", async () => {
  await visit("#/keys", async (visitor, page) => {
    await page.getByRole("button", { name: "New key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("console-test");
    await dialog.getByLabel("Instances").fill("demo");
    await visitor.isSound("new-key");
    await dialog.getByRole("button", { name: "New key" }).click();
    const key = await page.getByRole("region", { name: "Key" }).textContent();
    assert.match(key, /^mcp_/);
    await page.getByRole("button", { name: "I have kept it" }).click();
    await page.getByRole("link", { name: "console-test" }).click();
    await page.getByText("requests since").waitFor();
    assert.ok(!(await page.content()).includes(key));
    await page.getByRole("button", { name: "Another secret" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Another secret" }).click();
    assert.notEqual(await page.getByRole("region", { name: "Key" }).textContent(), key);
    await page.getByRole("button", { name: "I have kept it" }).click();
    await page.getByRole("button", { name: "Switch off" }).click();
    await page.getByRole("button", { name: "Switch on" }).waitFor();
    await visitor.isSound("key");
  });
});

test("a client is connected with a key of its own", async () => {
  await visit("#/ids/demo/connect", async (visitor, page) => {
    await page.getByRole("region", { name: "Cursor" }).getByText("Bearer KEY").waitFor();
    await page.getByLabel("Who will use it").fill("cursor-of-a-test");
    await page.getByRole("button", { name: "Make a key for this instance" }).click();
    await page.getByText("The key cursor-of-a-test is in the texts below.").waitFor();
    const text = await page.getByRole("region", { name: "Cursor" }).textContent();
    const { url, headers } = JSON.parse(text).mcpServers.demo;
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
    const answer = await fetch(url, { method: "POST", headers: { ...headers, "content-type": "application/json", accept: "application/json, text/event-stream" }, body });
    assert.equal(answer.status, 200);
    const admin = await fetch(`${gateway.url}/admin/status`, { headers });
    assert.equal(admin.status, 403);
  });
});

test("an API is imported after its report was looked at", async () => {
  const document = JSON.stringify({
    openapi: "3.0.3", info: { title: "Pets", version: "1" }, servers: [{ url: "http://127.0.0.1:9" }],
    paths: { "/pets": { get: { operationId: "list_pets", summary: "Lists pets.", responses: { 200: { description: "fine" } } } } },
  });
  await visit("#/import", async (visitor, page) => {
    await page.getByLabel("Document", { exact: true }).fill(document);
    await page.getByLabel("Instance").fill("pets");
    assert.ok(await page.getByRole("button", { name: "Import" }).isDisabled());
    await page.getByRole("button", { name: "See what it would do" }).click();
    await page.getByRole("heading", { name: "Report" }).waitFor();
    await page.getByText("list_pets").first().waitFor();
    await assert.rejects(gateway.ask("GET", "/admin/ids/pets"), /404/);
    await visitor.isSound("import-report");
    await page.getByRole("button", { name: "Import" }).click();
    await page.getByRole("link", { name: "Open the instance" }).click();
    await page.getByRole("heading", { level: 1, name: "Pets" }).or(page.getByRole("heading", { level: 1, name: "pets" })).first().waitFor();
    await page.getByText("The gateway would take this.").waitFor();
  });
});

test("an upstream that cannot be reached says why", async () => {
  await gateway.ask("PUT", "/admin/uds/away", { id: "away", transport: "streamable_http", url: "http://127.0.0.1:9/mcp" });
  await visit("#/uds/away", async (visitor, page) => {
    await page.getByText("Last error").waitFor();
    await page.getByRole("button", { name: "Check" }).click();
    await page.getByRole("alert").waitFor();
    await visitor.isSound("upstream");
    await page.getByRole("link", { name: "Inventory" }).click();
    await page.getByText("It has not been connected yet.").waitFor();
    await page.getByRole("link", { name: "Log" }).click();
    await page.getByText("It has written nothing.").waitFor();
  });
});

test("everything is reached by the keyboard", async () => {
  await visit("#/tds", async (visitor, page) => {
    await page.getByText("Create an order").waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    for (let step = 0; step < 4 && !(await page.evaluate(() => document.activeElement.hasAttribute("data-row"))); step++) await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("data-row")), "2");
    await page.keyboard.press("Enter");
    await visitor.editor.waitFor();
    await visitor.editor.focus();
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => !document.activeElement.classList.contains("editor")), "Tab leaves the editor");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });
});

test("ten thousand tools are listed, searched and scrolled without waiting", async () => {
  const definitions = Array.from({ length: 10_000 }, (_, n) => {
    const id = `many_${String(n).padStart(5, "0")}`;
    return { kind: "tds", id, document: tool(id) };
  });
  const full = await Gateway.start(PROGRAM);
  const visitor = await Visitor.of(browser, full);
  const { page } = visitor;
  try {
    await full.ask("POST", "/admin/apply", { definitions });
    await visitor.signIn("#/tds");
    await page.getByText(/^200 of 10,\d+$/).waitFor();
    assert.ok((await page.locator("[data-row]").count()) < 60, "only what is seen is drawn");
    const started = Date.now();
    await page.getByRole("searchbox").fill("many_09999");
    await page.getByText("1 shown").waitFor();
    assert.ok(Date.now() - started < 5_000, `${Date.now() - started} ms for a search`);
    await page.getByRole("searchbox").fill("");
    await page.getByText(/^200 of/).waitFor();
    for (let turn = 0; turn < 5; turn++) await page.locator(".list").evaluate((list) => list.scrollTo(0, list.scrollHeight)).then(() => page.waitForTimeout(400));
    const listed = Number((await page.locator(".toolbar [role=status]").textContent()).split(" ")[0].replace(",", ""));
    assert.ok(listed >= 800, `${listed} after five turns`);
    assert.ok((await page.locator("[data-row]").count()) < 60);
    await visitor.isSound("many");
  } finally {
    await visitor.close();
    await full.stop();
  }
});

test("a key that is not good any more leads to the sign-in and back", async () => {
  const { data } = await gateway.ask("POST", "/admin/keys", { name: "short-lived", roles: ["admin"] });
  const visitor = await Visitor.of(browser, gateway);
  const { page } = visitor;
  await visitor.signIn("#/tds/get_order", data.key);
  await page.getByRole("heading", { name: "Get an order" }).waitFor();
  await gateway.ask("POST", `/admin/keys/${data.id}/inactivate`);
  await page.getByText("The gateway does not take the key of this tab any more.").waitFor();
  await page.getByLabel("Admin key").fill(gateway.key);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Get an order" }).waitFor();
  visitor.isClean("expired");
  await visitor.close();
});

test("a key without the role is told so", async () => {
  const { data } = await gateway.ask("POST", "/admin/keys", { name: "client", instances: ["demo"] });
  const visitor = await Visitor.of(browser, gateway);
  await visitor.open();
  await visitor.page.getByLabel("Admin key").fill(data.key);
  await visitor.page.keyboard.press("Enter");
  await visitor.page.getByText("This key opens no administration").waitFor();
  await visitor.close();
});

// Last: the demo has another key after its restart.
test("a gateway that restarts under the console is waited for, and nothing that was written is lost", async () => {
  await visit("#/tds/get_receipt", async (visitor, page) => {
    await page.getByText("The gateway would take this.").waitFor();
    await visitor.write(JSON.stringify({ half: "written" }));
    await gateway.stop();
    await page.getByText("The gateway does not answer. Trying again…").waitFor();
    await visitor.shoot("away");
    assert.match(await visitor.editor.textContent(), /half/);
    await gateway.run();
    await page.getByText("The gateway does not take the key of this tab any more.").waitFor({ timeout: 30_000 });
  });
});
