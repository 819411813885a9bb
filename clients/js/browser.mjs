// A real browser for the tests of the pages: what they load, what they complain of, and steps with names.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";

import { contrasts, cutOff, overlaps, sticksOut } from "./looks.mjs";

export const require = createRequire(join(process.env.GATEWRIGHT_NODE_MODULES, "browser.js"));
const { chromium } = require("playwright-core");

/** How long one expectation may take to come true, in milliseconds. */
export const PATIENCE = 10_000;

/** The widths at which a page is looked at, in CSS pixels: a small phone, a phone, a tablet, a laptop, a desk. */
const WIDTHS = [320, 390, 768, 1024, 1360];
/** The least contrast of text with its ground. Source: WCAG 2.2, 1.4.3. */
const CONTRAST_MIN = 4.5;

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** A browser with one page, of which everything is noticed that has no business there. */
export class Tour {
  static async start(executablePath) {
    const tour = new Tour();
    tour.browser = await chromium.launch({ executablePath, args: FLAGS });
    tour.context = await tour.browser.newContext();
    tour.context.on("page", (page) => tour.#watch(page));
    tour.page = await tour.context.newPage();
    tour.page.setDefaultTimeout(PATIENCE);
    return tour;
  }

  /** What the pages said: errors, refused policies. */
  complaints = [];
  /** The origins that were asked. */
  origins = new Set();
  #name = "the browser starts";

  #watch(page) {
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => message.type() === "error" && this.complaints.push(message.text()));
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol !== "data:") this.origins.add(origin);
    });
  }

  /** One step; its name is what the failure says. */
  async step(what, does) {
    this.#name = what;
    await does();
    console.log(`ok  ${what}`);
  }

  /** Waits for an element; `text` must stand in it. */
  see(selector, text, on = this.page) {
    return on.locator(selector).filter({ hasText: text ?? /^/ }).first().waitFor({ state: "visible", timeout: PATIENCE });
  }

  /** What stands beside the newest message that took a route, once its event is there with this call and status. */
  async outcome(routeKey, call, status = "200", on = this.page) {
    const found = on
      .locator(".message[data-kind=sent]")
      .filter({ has: on.locator(".outcome a").getByText(routeKey, { exact: true }) })
      .filter({ has: on.locator(".outcome", { hasText: new RegExp(`${call}\\s*${status}`) }) })
      .last();
    await found.waitFor({ state: "visible", timeout: PATIENCE });
    return found;
  }

  /** The whole record of the event beside a message. */
  async record(message) {
    const href = await message.locator(".outcome a").getAttribute("href");
    const answer = await this.page.request.get(new URL(`/_gatewright/v1/events/${href.split("/").at(-1)}`, this.page.url()).href);
    return answer.json();
  }

  /** Types a message into the editor and sends it. */
  async send(text) {
    await this.page.fill("#message", text);
    await this.page.click("#send");
  }

  /** Fails where the page, as it is now, sticks out, is cut, overlaps or is hard to read, at any width, by day or night. */
  async looksRight(what) {
    const { page } = this;
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        const where = `${what}, ${width} px, ${colorScheme}`;
        assert.deepEqual(await page.evaluate(sticksOut), [], `${where}: wider than the page`);
        assert.deepEqual(await page.evaluate(cutOff), [], `${where}: cut off`);
        assert.deepEqual(await page.evaluate(overlaps), [], `${where}: one on the other`);
      }
      const low = (await page.evaluate(contrasts)).filter(({ ratio }) => ratio < CONTRAST_MIN);
      assert.deepEqual(low, [], `${what}, ${colorScheme}: too little contrast`);
    }
    await page.setViewportSize({ width: 1360, height: 900 });
    await page.emulateMedia({ colorScheme: "light" });
  }

  /** Runs `steps` to their end and sets the exit code; `always` comes last. */
  async run(steps, always = () => {}) {
    try {
      await steps();
    } catch (error) {
      console.log(`FAILED  ${this.#name}\n${error.stack}`);
      console.log(`the page said: ${this.complaints.join("\n")}`);
      console.log(await this.page.innerText("body").catch(() => "(no page)"));
      process.exitCode = 1;
    } finally {
      await this.browser.close();
      await always();
    }
  }
}
