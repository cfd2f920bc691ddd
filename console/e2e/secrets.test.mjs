// Secrets of the store: written in the console, and seen nowhere. DYNMCP names the binary.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browser as launch, LOOKS, visit as visitAs, Visitor } from "./browser.mjs";
import { Gateway, PROGRAM, tool } from "./gateway.mjs";

const VALUE = "tr0ub4dor-and-3";
let gateway;
let browser;
const visit = (hash, work, options) => visitAs(browser, gateway, hash, work, options);

before(async () => {
  gateway = await Gateway.serve(PROGRAM, `[secrets]\nkey = "a key of these tests which is long enough for it"\n`);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

/** What can be found of the page and of what it keeps. */
async function everything(page) {
  return page.evaluate(() => JSON.stringify([document.documentElement.outerHTML, [...document.querySelectorAll("input")].map(({ value }) => value), { ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
}

test("a secret is written, given to whom it is for, replaced and deleted, and its value is seen nowhere", async () => {
  await visit("#/secrets", async (visitor, page) => {
    await page.getByText("Nothing here yet.").waitFor();
    await page.getByRole("button", { name: "New secret" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("billing");
    const value = dialog.getByLabel("Value", { exact: true });
    assert.equal(await value.getAttribute("type"), "password");
    await dialog.getByRole("button", { name: "Write" }).click();
    await dialog.getByRole("alert").getByText("Type a value or choose a file").waitFor();
    // A field of one line would leave out the line breaks of a key, and say nothing.
    await page.evaluate((text) => navigator.clipboard.writeText(text), "-----BEGIN KEY-----\nabc\n-----END KEY-----\n");
    await value.focus();
    await page.keyboard.press("Control+V");
    await dialog.getByText("What was pasted has several lines").waitFor();
    assert.equal(await value.inputValue(), "");
    await value.fill(VALUE);
    await dialog.getByLabel("Description").fill("The key of billing");
    await dialog.getByLabel("tools", { exact: true }).fill("billing_*, pay");
    await visitor.isSound("new-secret");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "billing" }).waitFor();
    await page.getByText("tools: billing_*").waitFor();
    await page.getByText("${secret:billing}").waitFor();
    assert.ok(!(await everything(page)).includes(VALUE), "the value is gone from the page");
    await visitor.isSound("secret");
    const first = (await gateway.ask("GET", "/admin/secrets/billing")).data;
    assert.deepEqual(first.usable_by, { tools: ["billing_*", "pay"] });

    const auth = { type: "bearer", credential: "${secret:billing}" };
    await gateway.ask("PUT", "/admin/tds/billing_get", tool("billing_get", { tds_ext_info: { domain: "127.0.0.1:9", method: "GET", path: "/x", auth } }));
    // Who may use it is changed, and the value stays.
    await page.getByRole("button", { name: "Change who may use it" }).click();
    assert.equal(await dialog.getByLabel("tools", { exact: true }).inputValue(), "billing_*, pay");
    assert.equal(await dialog.getByLabel("Value", { exact: true }).count(), 0);
    await dialog.getByLabel("Owner").fill("team-billing");
    await dialog.getByLabel("upstreams", { exact: true }).fill("billing");
    await dialog.getByLabel("tools", { exact: true }).fill("billing_*");
    await dialog.getByRole("button", { name: "Write" }).click();
    await page.getByText("upstreams: billing").waitFor();
    const second = (await gateway.ask("GET", "/admin/secrets/billing")).data;
    assert.deepEqual(second.usable_by, { tools: ["billing_*"], upstreams: ["billing"] });
    assert.equal(second.owner, "team-billing");
    assert.equal(second.value_at, first.value_at);

    // Another value, out of a file; what the gateway says no to is said, and it is written over what was read only.
    await page.getByRole("button", { name: "Replace the value" }).click();
    const file = join(gateway.directory, "key.pem");
    writeFileSync(file, Buffer.from([0xff, 0xfe, 0x00]));
    await dialog.getByLabel("Or a file with the value").setInputFiles(file);
    await dialog.getByRole("button", { name: "Write" }).click();
    await dialog.getByText("The file is no text").waitFor();
    writeFileSync(file, `first ${VALUE}\nsecond\n`);
    await dialog.getByLabel("Or a file with the value").setInputFiles(file);
    await visitor.isSound("secret-value");
    await gateway.ask("PUT", "/admin/secrets/billing", { ...second, description: "Theirs." });
    await dialog.getByRole("button", { name: "Write" }).click();
    await dialog.getByText("Somebody changed it meanwhile.").waitFor();
    await dialog.getByRole("button", { name: "Load what is stored" }).click();
    await page.getByText("Theirs.").waitFor();
    await page.getByRole("button", { name: "Replace the value" }).click();
    await dialog.getByLabel("Or a file with the value").setInputFiles(file);
    await dialog.getByRole("button", { name: "Write" }).click();
    await dialog.waitFor({ state: "detached" });
    const third = (await gateway.ask("GET", "/admin/secrets/billing")).data;
    assert.equal(third.description, "Theirs.");
    assert.ok(third.revision > second.revision + 1);

    await page.getByRole("link", { name: "History" }).click();
    await page.getByRole("heading", { name: "The document" }).waitFor();
    assert.ok(!(await everything(page)).includes("tr0ub4dor"), "nothing of it is in the history");
    await visitor.isSound("secret-history");
    await visitor.go("#/secrets");
    await page.getByRole("link", { name: "billing" }).getByText("tools: billing_*; upstreams: billing").waitFor();
    await visitor.isSound("secrets-list");
    await page.getByRole("link", { name: "billing" }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByText("these tools name it: `billing_get`").waitFor();
    await visitor.isSound("secret-delete");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("heading", { level: 1, name: "Secrets" }).waitFor();
    await assert.rejects(gateway.ask("GET", "/admin/secrets/billing"), /404/);
    await visitor.go("#/quarantine");
    await page.getByText("billing_get").waitFor();
  });
});

test("a gateway without a key of secrets says so, and the dialog stays with what was written", async () => {
  const open = await Gateway.serve(PROGRAM, "");
  const visitor = await Visitor.of(browser, open);
  const { page } = visitor;
  try {
    await visitor.signIn("#/secrets");
    await page.getByRole("button", { name: "New secret" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("billing");
    await dialog.getByLabel("Value", { exact: true }).fill(VALUE);
    await dialog.getByRole("button", { name: "Write" }).click();
    await dialog.getByRole("alert").getByText("no key is configured").waitFor();
    assert.equal(await dialog.getByLabel("Name").inputValue(), "billing");
    visitor.isClean("without a key");
  } finally {
    await visitor.close();
    await open.stop();
  }
});

test("whoever may only look is offered nothing else", async () => {
  await gateway.ask("PUT", "/admin/secrets/looked_at", { id: "looked_at", value: VALUE, usable_by: { owners: ["team-*"] } });
  await gateway.ask("PUT", "/admin/tds/looked_at", tool("looked_at"));
  const { data } = await gateway.ask("POST", "/admin/keys", { name: "viewer", roles: ["viewer"] });
  const visitor = await Visitor.of(browser, gateway);
  const { page } = visitor;
  const offered = async () => (await page.locator("main button, main a.button").allInnerTexts()).filter((name) => !["Copy", "Format"].includes(name.trim()));
  await visitor.signIn("#/secrets", data.key);
  await page.getByRole("link", { name: "looked_at" }).waitFor();
  assert.deepEqual(await offered(), []);
  await visitor.go("#/secrets/looked_at");
  await page.getByText("maintained by: team-*").waitFor();
  assert.deepEqual(await offered(), []);
  await visitor.isSound("secret-of-a-viewer");
  await visitor.go("#/tds/looked_at");
  await page.getByText("Definition", { exact: true }).first().waitFor();
  assert.deepEqual(await offered(), []);
  for (const [hash, name] of [["#/tds", "Tools"], ["#/keys", "Keys"], ["#/import", "Import"]]) {
    await visitor.go(hash);
    await page.getByRole("heading", { level: 1, name }).waitFor();
    assert.deepEqual(await offered(), [], name);
  }
  visitor.isClean("viewer");
  await visitor.close();
});

for (const [look, options] of LOOKS) {
  test(`secrets are sound: ${look}`, async () => {
    await gateway.ask("PUT", "/admin/secrets/a_secret_with_a_name_that_takes_all_of_the_64_places_there_are__", { value: VALUE, description: "The key of billing, which is replaced every quarter by whoever is on duty", usable_by: { tools: ["billing_*"], upstreams: ["billing", "billing_of_the_other_region_which_is_far_away"], owners: ["team-billing"] } });
    await gateway.ask("PUT", "/admin/secrets/unused", { value: VALUE });
    await visit("#/secrets", async (visitor, page) => {
      await page.getByRole("link", { name: "unused" }).waitFor();
      await visitor.isSound(`${look}-secrets`);
      await page.locator("main .head button").click();
      await page.getByRole("dialog").waitFor();
      await visitor.isSound(`${look}-secrets-new`);
      await page.keyboard.press("Escape");
      for (const [name, id] of [["secret", "a_secret_with_a_name_that_takes_all_of_the_64_places_there_are__"], ["secret-unused", "unused"]]) {
        await visitor.go(`#/secrets/${id}`);
        await page.getByText(`\${secret:${id}}`).waitFor();
        await visitor.isSound(`${look}-${name}`);
      }
    }, options);
  });
}
