// Chromium, and what every page of the console has to keep to.
import axe from "axe-core";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** `CHROMIUM` names the browser; `SCREENSHOTS` is a folder to look at. */
export async function browser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
}

/** How pages are looked at: by name, options of the browser, and the language. */
const PHONE = { width: 390, height: 844 };
export const LOOKS = [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["phone", { colorScheme: "light", viewport: PHONE }],
  ["phone-dark", { colorScheme: "dark", viewport: PHONE }],
  ["chinese", { colorScheme: "light", locale: "zh-CN" }],
  ["chinese-phone-dark", { colorScheme: "dark", viewport: PHONE, locale: "zh-CN" }],
];

export class Visitor {
  static async of(browser, gateway, options = {}) {
    const visitor = new Visitor();
    visitor.gateway = gateway;
    visitor.errors = [];
    visitor.foreign = [];
    visitor.context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
    await visitor.context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: gateway.url });
    const page = await visitor.context.newPage();
    visitor.page = page;
    // Answers with an error status are the gateway's, and what becomes of them is looked at.
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) visitor.errors.push(message.text());
    });
    page.on("pageerror", (error) => visitor.errors.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(gateway.url) && !request.url().startsWith("data:")) visitor.foreign.push(request.url());
    });
    page.setDefaultTimeout(15_000);
    return visitor;
  }

  async open(hash = "") {
    await this.page.goto(`${this.gateway.url}/console${hash}`);
  }

  async signIn(hash = "", key = this.gateway.key) {
    await this.open(hash);
    await this.page.locator("input[type=password]").fill(key);
    const rights = this.page.waitForResponse("**/admin/access?*");
    await this.page.locator("button[type=submit]").click();
    await rights;
    await this.page.locator(".frame").waitFor();
  }

  async go(hash) {
    await this.page.evaluate((to) => { location.hash = to; }, hash);
  }

  /** The editor, in its shadow root. */
  get editor() {
    return this.page.locator(".editor .cm-content");
  }

  /** Replaces all of its text, as somebody who pastes. Not over a selection: to keep its style Chromium itself tries a styled element, which the policy forbids. */
  async write(text) {
    await this.editor.click();
    await this.page.keyboard.press("Control+A");
    await this.page.keyboard.press("Delete");
    await this.page.keyboard.insertText(text);
  }

  async shoot(name) {
    const folder = process.env.SCREENSHOTS;
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: join(folder, `${name}.png`) });
  }

  /** Nothing serious by axe-core, nothing wider than the window, no error, no request to elsewhere. */
  async isSound(name) {
    await this.shoot(name);
    // By the protocol of the debugger: the page's own policy lets no script in.
    await this.page.evaluate(axe.source);
    const found = await this.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const serious = found.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`), [], `${name}: accessibility`);
    const { inner, outer } = await this.page.evaluate(() => ({ inner: document.documentElement.scrollWidth, outer: innerWidth }));
    assert.ok(inner <= outer, `${name}: ${inner} px in a window of ${outer}`);
    this.isClean(name);
  }

  isClean(name) {
    assert.deepEqual(this.errors, [], `${name}: errors`);
    assert.deepEqual(this.foreign, [], `${name}: requests to elsewhere`);
  }

  async close() {
    await this.context.close();
  }
}

/** A visitor who is signed in; their pages must not have had an error at the end. */
export async function visit(browser, gateway, hash, work, options) {
  const visitor = await Visitor.of(browser, gateway, options);
  try {
    await visitor.signIn(hash);
    await work(visitor, visitor.page);
    visitor.isClean(hash);
  } finally {
    await visitor.close();
  }
}
