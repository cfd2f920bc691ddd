// What is seen of a gateway at work: calls, events, endpoints, records. DYNMCP names the binary.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browser as launch, visit as visitAs, Visitor } from "./browser.mjs";
import { Gateway, PROGRAM, tool } from "./gateway.mjs";

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

test("what happens is shown as it happens, is chosen, held, and gone on with where it was interrupted", async () => {
  const served = await Gateway.serve(PROGRAM, "");
  const visitor = await Visitor.of(browser, served);
  const { page } = visitor;
  const events = page.getByRole("region", { name: "Events" });
  const change = (id) => served.ask("PUT", `/admin/ids/${id}`, { id, name: id, tool_ids: [] });
  try {
    await visitor.signIn("#/events");
    await page.getByText("live", { exact: true }).waitFor();
    await change("first_of_all");
    await events.getByText("first_of_all").waitFor();
    assert.equal(await page.getByRole("status").filter({ hasText: "live" }).innerText(), "live", "only the state is read out, not the count of events");
    await page.getByRole("button", { name: "Hold" }).click();
    await change("while_held");
    await page.getByRole("button", { name: "Go on" }).waitFor();
    assert.equal(await events.getByText("while_held").count(), 0);
    await page.getByRole("button", { name: "Go on" }).click();
    await events.getByText("while_held").waitFor();
    assert.equal(await events.getByText("first_of_all").count(), 1, "nothing twice");
    await page.getByLabel("With this text").fill("FIRST_OF");
    await page.getByText("1 shown").waitFor();
    await page.getByLabel("With this text").fill("");
    await page.getByLabel("Types").selectOption("access.denied");
    await page.getByText("Nothing has happened yet.").waitFor();
    await fetch(`${served.url}/admin/status`, { headers: { authorization: "Bearer somebody-elses" } });
    await events.getByText("access.denied").first().waitFor();
    await visitor.isSound("events");
    await page.getByLabel("Types").selectOption("");
    await events.getByText("first_of_all").waitFor();
    await served.stop();
    await page.getByText("interrupted, trying again").waitFor();
    await served.run();
    await page.getByText("live", { exact: true }).waitFor({ timeout: 30_000 });
    await change("after_the_restart");
    await events.getByText("after_the_restart").waitFor();
    assert.equal(await events.getByText("first_of_all").count(), 0, "numbers begin anew with the process");
    visitor.isClean("events");
  } finally {
    await visitor.close();
    await served.stop();
  }
});

test("calls, errors and times are shown tool by tool", async () => {
  await gateway.ask("PUT", "/admin/tds/never_there", tool("never_there", { name: "never_there" }));
  await gateway.ask("PUT", "/admin/ids/counted", { id: "counted", name: "Counted", tool_ids: ["get_order", "never_there"] });
  const call = (name, body) => fetch(`${gateway.url}/instances/counted/tools/${name}`, { method: "POST", headers: { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" }, body: JSON.stringify(body) });
  for (let n = 0; n < 4; n++) await call("get_order", { id: "1001" });
  await call("never_there", {});
  await visit("#/traffic", async (visitor, page) => {
    const row = (name) => page.getByRole("row").filter({ hasText: name }).filter({ hasText: "counted" });
    await row("get_order").getByRole("cell", { name: "4", exact: true }).waitFor();
    await row("get_order").getByText(/^[\d.,]+ ms$/).first().waitFor();
    await row("never_there").getByText("1 (100 %)").waitFor();
    await page.getByRole("searchbox", { name: "Search" }).fill("never_there");
    await row("get_order").waitFor({ state: "detached" });
    await visitor.isSound("traffic");
    await call("never_there", {});
    await row("never_there").getByText("2 (100 %)").waitFor();
  });
});

test("figures come from a gateway that takes longer than the time between two looks, too", async () => {
  const visitor = await Visitor.of(browser, gateway);
  const { page } = visitor;
  try {
    await page.route("**/metrics", async (route) => {
      await new Promise((done) => setTimeout(done, 4_000));
      await route.continue();
    });
    await visitor.signIn("#/traffic");
    await page.getByRole("row").filter({ hasText: "get_order" }).first().waitFor();
  } finally {
    await visitor.close();
  }
});

test("whoever may not read figures is not offered them, and asks for them once", async () => {
  await gateway.ask("PUT", "/admin/roles/looker", { id: "looker", allow: [{ actions: ["admin/status/read", "admin/upstreams/read", "admin/tds/read", "admin/access/read"] }] });
  const { data } = await gateway.ask("POST", "/admin/keys", { name: "looker", roles: ["looker"] });
  const visitor = await Visitor.of(browser, gateway);
  const { page } = visitor;
  try {
    let asked = 0;
    page.on("request", (request) => { if (request.url().endsWith("/metrics")) asked += 1; });
    await visitor.signIn("", data.key);
    await page.getByRole("link", { name: "Tools" }).first().waitFor();
    assert.equal(await page.getByRole("link", { name: "Traffic" }).count(), 0);
    await visitor.go("#/traffic");
    await page.getByText("admin/metrics/read").waitFor();
    // Longer than the time between three looks.
    await page.waitForTimeout(10_000);
    assert.equal(asked, 1);
  } finally {
    await visitor.close();
  }
});

test("endpoints of an upstream are shown with their breakers", async () => {
  await gateway.ask("PUT", "/admin/uds/service", { id: "service", protocol: "http", endpoints: [{ url: "http://127.0.0.1:9", region: "eu" }], breaker: { failures: 1, cool_down_seconds: 600 } });
  await gateway.ask("PUT", "/admin/tds/of_service", { id: "of_service", name: "of_service", description: "d", tds_ext_info: { upstream: "service", method: "GET", path: "/x" } });
  await visit("#/uds/service", async (visitor, page) => {
    const row = page.getByRole("row").filter({ hasText: "http://127.0.0.1:9" });
    await row.getByText("closed: in use").waitFor();
    await gateway.ask("POST", "/admin/tds/of_service/explain", { send: true });
    await row.getByText("open: let alone").waitFor();
    await row.getByText(/tried again in/).waitFor();
    await visitor.isSound("endpoints");
  });
});

test("a call of another server's tool is explained, with what becomes of its answer", async () => {
  await gateway.ask("PUT", "/admin/ids/open", { id: "open", name: "Open", tool_ids: ["get_order"], auth: "none" });
  const served = await Gateway.serve(PROGRAM, "");
  const visitor = await Visitor.of(browser, served);
  const { page } = visitor;
  try {
    await served.ask("PUT", "/admin/uds/far", { id: "far", url: `${gateway.url}/mcp/open`, tools: { overrides: { get_order: { output: { jq: ".state" } } } } });
    await visitor.signIn("#/uds/far");
    await page.getByText("ready", { exact: true }).waitFor();
    await page.getByRole("link", { name: "Explain" }).click();
    await page.getByLabel("id", { exact: true }).fill("1002");
    await page.getByRole("region", { name: "Message" }).getByText('"1002"').waitFor();
    await page.getByRole("region", { name: "Message" }).getByText('"tools/call"').waitFor();
    await page.getByText("It is shaped as the upstream's definition says.").waitFor();
    await page.getByRole("region", { name: "jq" }).getByText(".state").waitFor();
    await visitor.isSound("explain-upstream");
  } finally {
    await visitor.close();
    await served.stop();
  }
});

test("who did what is looked for in the audit log", async () => {
  const served = await Gateway.serve(PROGRAM, "[audit]\nenabled = true\n");
  const visitor = await Visitor.of(browser, served);
  const { page } = visitor;
  const records = page.getByRole("region", { name: "Audit" });
  try {
    for (let n = 0; n < 120; n++) await served.ask("PUT", `/admin/tds/audited_${n}`, tool(`audited_${n}`));
    await fetch(`${served.url}/admin/status`, { headers: { authorization: "Bearer somebody-elses" } });
    await visitor.signIn("#/audit");
    await page.getByText("100 shown").waitFor();
    await page.getByRole("button", { name: "Older ones" }).click();
    await page.getByText(/^1[2-9]\d shown$/).waitFor();
    await page.getByLabel("Action").fill("admin/tds/*");
    await page.getByLabel("Since").fill("1h");
    await page.keyboard.press("Enter");
    await records.getByText("admin/tds/write").first().waitFor();
    assert.match(page.url(), /action=admin%2Ftds%2F\*&since=1h$/);
    await page.getByLabel("Decision").selectOption("refuse");
    await page.getByLabel("Action").fill("");
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await records.getByText("refused", { exact: true }).first().waitFor();
    assert.equal(await records.getByText("admin/tds/write").count(), 0);
    await records.getByRole("button", { name: /^More/ }).first().click();
    await page.getByRole("region", { name: /^Record/ }).getByText('"decision": "refuse"').waitFor();
    await visitor.isSound("audit");
    await page.getByLabel("Since").fill("yesterday");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText(/^since: /).waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByText("100 shown").waitFor();
    assert.equal(await page.getByLabel("Since").inputValue(), "");
    visitor.isClean("audit");
  } finally {
    await visitor.close();
    await served.stop();
  }
});

test("what a key may not see is said, not hidden", async () => {
  await gateway.ask("PUT", "/admin/roles/narrow", { id: "narrow", allow: [{ actions: ["admin/status/read", "admin/tds/read"] }] });
  const { data } = await gateway.ask("POST", "/admin/keys", { name: "narrow", roles: ["narrow"] });
  const visitor = await Visitor.of(browser, gateway);
  const { page } = visitor;
  await visitor.signIn("#/tds", data.key);
  for (const hash of ["#/events", "#/audit", "#/uds/service"]) {
    await visitor.go(hash);
    await page.getByRole("alert").getByText(/^Your key may not do this: /).first().waitFor();
  }
  await visitor.go("#/events");
  await page.getByText("not shown", { exact: true }).waitFor();
  await visitor.isSound("forbidden");
  await visitor.close();
});

test("the new pages are there in Chinese, in the dark", async () => {
  await visit("#/traffic", async (visitor, page) => {
    await page.getByLabel("Language").selectOption("zh");
    for (const [hash, heading] of [["#/traffic", "流量"], ["#/events", "事件"], ["#/audit", "审计"]]) {
      await visitor.go(hash);
      await page.getByRole("heading", { level: 1, name: heading }).waitFor();
      await visitor.isSound(`chinese-${heading}`);
    }
  }, { colorScheme: "dark" });
});
