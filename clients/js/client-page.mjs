// Drives what the console's Client can: several clients, subprotocols, close codes, templates, history, replay; in a real browser.
//
// usage: node client-page.mjs GATEWRIGHT CHROMIUM DATA-FOLDER
// Prints one line per step that held; ends with 1 and the step's name at the first that did not.
import assert from "node:assert/strict";
import process from "node:process";

import { accessible } from "./axe.mjs";
import { Tour } from "./browser.mjs";
import { makeApi, startBackend, startGateway, stop } from "./chat.mjs";

const [program, executablePath, dataFolder] = process.argv.slice(2);

/** What must not run, wherever it comes from. */
const HOSTILE = `<img src=x onerror="window.owned=1"><script>window.owned=1</script>`;

const backend = await startBackend();
const gateway = await startGateway(program, dataFolder);
const browser = await Tour.start(executablePath);
const { page } = browser;
const step = (what, does) => browser.step(what, does);
const see = (selector, text) => browser.see(selector, text);
const looksRight = (what) => browser.looksRight(what);
const front = (number) => page.getByRole("button", { name: new RegExp(`^Client ${number}\\b`) }).click();
const isSafe = async () => {
  assert.equal(await page.evaluate(() => window.owned), undefined);
  assert.equal(await page.locator("#app img, #app script, #app .message-body b").count(), 0);
};

/** The newest texts that came on the client in front. */
const came = () => page.locator(".message[data-kind=came] .message-body").allInnerTexts();
const sent = () => page.locator(".message[data-kind=sent] .message-body").allInnerTexts();

async function steps() {
  let chat;
  let other;

  await step("the Client is aimed at a stage", async () => {
    chat = await makeApi(gateway.url, "chat", backend.url, [["$connect", "/in"], ["$disconnect", "/out"], ["$default", "/echo"], ["join", "/join"], ["say", "/say"], ["wait", "/wait"]]);
    other = await makeApi(gateway.url, "orders", backend.url, [["$default", "/orders"]]);
    backend.server.pushes = `${gateway.url}/_aws/execute-api/${chat}/dev`;
    await page.goto(`${gateway.url}/_console/#/client/${chat}/dev`);
    await page.click("#connect");
    await see("#connection-id");
    await see(".facts-list", "chat/dev");
  });

  await step("messages that overtake each other keep their own events", async () => {
    const texts = Array.from({ length: 12 }, (_, at) => JSON.stringify({ action: at % 3 === 0 ? "join" : "wait", at: String(at).padStart(2, "0") }));
    await page.evaluate(async (all) => {
      const field = document.getElementById("message");
      for (const text of all) {
        field.value = text;
        field.dispatchEvent(new Event("input", { bubbles: true }));
        await new Promise((resolve) => setTimeout(resolve, 10));
        field.form.requestSubmit();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }, texts);
    await page.waitForFunction((count) => document.querySelectorAll(".message[data-kind=sent] .outcome a").length >= count, texts.length);
    await page.waitForTimeout(500);
    const told = [];
    for (const text of texts) {
      const message = page.locator(".message[data-kind=sent]", { hasText: `"at": "${JSON.parse(text).at}"` });
      told.push({ text, route: await message.locator(".outcome a").innerText(), record: await browser.record(message) });
    }
    assert.ok(told.some(({ text }) => text.includes("wait")) && new Set(told.map(({ record }) => record.requestId)).size === texts.length);
    for (const { text, route, record } of told) {
      assert.equal(route, record.routeKey);
      // Equal ones that began within one millisecond may have each other's: nothing tells them apart.
      const isAlone = told.every((other) => other.record === record || other.record.at !== record.at);
      if (isAlone) assert.equal(record.message.body, text);
    }
    assert.ok(told.filter(({ text, record }) => record.message.body === text).length >= texts.length / 2);
  });

  await step("two clients talk to each other through the backend of a chat", async () => {
    await page.click("#another");
    await see("#client-title", "Client 2");
    await see("#state[data-state=open]", "Connected");
    await see("#connection-id");
    await browser.send('{"action":"say","text":"hello from the second"}');
    await see(".message[data-type=PUSH]", "hello from the second");
    await page.getByRole("button", { name: /^Client 1\b.*1 unread/ }).click();
    await see("#client-title", "Client 1");
    await see(".message[data-kind=came]", "hello from the second");
    await browser.send('{"action":"say","text":"and back"}');
    await front(2);
    await see(".message[data-kind=came]", "and back");
    assert.ok((await sent()).every((text) => !text.includes("and back")), "it stands with whom it was sent by");
    await looksRight("two clients");
    await accessible(page, "two clients");
  });

  await step("a close code and a reason are chosen, and what came is said in words", async () => {
    await page.fill("#close-code", "1006");
    await page.click("#disconnect");
    await see(".ends [role=alert]", "1000 and 3000 to 4999");
    await page.fill("#close-code", "4001");
    await page.fill("#close-reason", "x".repeat(100) + "€".repeat(20));
    await page.click("#disconnect");
    await see(".ends [role=alert]", "123 bytes");
    await page.fill("#close-reason", "<b>enough</b>");
    await page.click("#disconnect");
    await see("#state[data-state=closed]", "Not connected");
    await see(".happened", /Closed: 4001.*a code of the application's own/);
    await isSafe();
    const id = await page.locator("#connection-id").count();
    assert.equal(id, 0);
  });

  await step("the other side's close code is said in words, too", async () => {
    await page.click("#connect");
    await see("#connection-id");
    const id = await page.textContent("#connection-id");
    const closed = await fetch(`${gateway.url}/_gatewright/v1/connections/${encodeURIComponent(id)}?code=4002&reason=${encodeURIComponent(HOSTILE)}`, { method: "DELETE" });
    assert.ok(closed.ok, String(closed.status));
    await see(".happened", "Closed: 4002, <img");
    await isSafe();
    await page.click("#connect");
    await see("#state[data-state=open]");
    await browser.send("x".repeat(200_000));
    await see(".happened", /Closed: 1009.*too large/);
  });

  await step("a subprotocol is offered and shown; one that nobody chooses is explained", async () => {
    await page.fill("#protocols", "chat.v1, chat.v2");
    await page.click("#connect");
    await see("#protocol", "chat.v2");
    await see(".happened", "subprotocol chat.v2");
    await page.click("#disconnect");
    await see("#state[data-state=closed]");
    await page.fill("#protocols", "chat.v1");
    await page.click("#connect");
    await see(".happened", "Not connected: the handshake failed (1006)");
    await see(".happened", "Browsers close this connection at once");
    await see(".happened a", "What became of the handshake");
    await page.fill("#protocols", "a b@c");
    await page.click("#connect");
    await see(".happened", "The subprotocol b@c has characters that none may have");
    await page.fill("#protocols", "");
  });

  await step("an address is typed, and what is none is said", async () => {
    await page.selectOption("#stage", "an address");
    await page.fill("#address", "nowhere");
    await page.click("#connect");
    await see(".happened", "An address begins with ws:// or wss://");
    await page.fill("#address", `${gateway.url.replace("http", "ws")}/_aws/execute-api/${other}/dev?at=home`);
    await page.click("#connect");
    await see("#state[data-state=open]");
    await browser.send("to an address");
    await see(".message[data-kind=came]", "to an address");
    await page.click("#disconnect");
    await see("#state[data-state=closed]");
    await page.click("text=Remove");
    await see("#client-title", "Client 1");
  });

  await step("a template is saved, used, kept over a reload, and forgotten", async () => {
    await page.fill("#message", `{"action":"join","room":"${"kept"}"}`);
    await page.click("#save");
    await page.keyboard.type("kept <b>room</b>");
    await page.keyboard.press("Enter");
    await page.fill("#message", "");
    await page.click(".ideas button:has-text('kept <b>room</b>')");
    assert.equal(await page.inputValue("#message"), '{"action":"join","room":"kept"}');
    await page.reload();
    await page.click("#templates");
    await see(".drawer", "kept <b>room</b>");
    await see(".drawer", "For the API’s routes");
    await isSafe();
    await looksRight("templates");
    await accessible(page, "templates");
    await page.keyboard.press("Escape");
    await page.locator(".drawer").waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => document.activeElement.id), "message");
    await page.click("#templates");
    await page.click(".drawer .pick:has-text('kept')");
    await page.keyboard.press("Enter");
    await see(".message[data-kind=came]", '"room": "kept"');
    await page.click("#templates");
    await page.getByRole("button", { name: "Forget kept <b>room</b>" }).click();
    assert.equal(await page.locator(".drawer", { hasText: "Saved" }).count(), 0);
    await page.click("#templates");
  });

  await step("what was sent is recalled with the arrow, back at its end stands what was typed", async () => {
    await browser.send("first of all");
    await browser.send("second");
    await page.fill("#message", "typed");
    await page.press("#message", "Home");
    await page.press("#message", "ArrowUp");
    assert.equal(await page.inputValue("#message"), "second");
    await page.press("#message", "ArrowUp");
    assert.equal(await page.inputValue("#message"), "first of all");
    await page.press("#message", "ArrowDown");
    await page.press("#message", "ArrowDown");
    assert.equal(await page.inputValue("#message"), "typed");
    await page.fill("#message", "");
    await page.click("#history");
    await see(".drawer", "first of all");
    await accessible(page, "the history");
    const before = (await sent()).filter((text) => text === "first of all").length;
    await page.getByRole("button", { name: "Send again: first of all" }).click();
    await page.waitForFunction((count) => [...document.querySelectorAll(".message[data-kind=sent] .message-body")].filter((one) => one.innerText === "first of all").length === count, before + 1);
    await page.keyboard.press("Escape");
  });

  await step("a conversation is replayed in order on a client of its own", async () => {
    const texts = await sent();
    await page.click("#replay");
    await see("#client-title", "Client 2");
    await see(".happened", `${texts.length} messages of client 1, once more`);
    await page.waitForFunction((count) => document.querySelectorAll(".message[data-kind=sent]").length === count, texts.length);
    assert.deepEqual(await sent(), texts);
    await page.waitForFunction((count) => document.querySelectorAll(".message[data-kind=came]").length === count, texts.length);
    // One after the other: each answer follows its own message.
    assert.deepEqual(await came(), texts);
    await page.click("text=Remove");
    await see("#client-title", "Client 1");
  });

  await step("a browser that keeps nothing forgets, and all else works", async () => {
    const context = await browser.browser.newContext();
    await context.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(window, name, { get() { throw new DOMException("refused", "SecurityError"); } });
      }
    });
    const strict = await context.newPage();
    await strict.goto(`${gateway.url}/_console/#/client`);
    await strict.fill("#message", "kept nowhere");
    await strict.click("#save");
    await strict.fill("#template-name", "a name");
    await strict.keyboard.press("Enter");
    await browser.see(".composer [role=alert]", "keeps nothing", strict);
    await strict.fill("#message", "sent all the same");
    await strict.press("#message", "Enter");
    await browser.see(".message[data-kind=sent]", "sent all the same", strict);
    await context.close();
  });

  await step("the page asked no other address and met no policy", () => {
    assert.deepEqual([...browser.origins], [gateway.url]);
    // While the gateway is away, and where a handshake fails, the browser itself says so; whatever else it says is a fault.
    const away = /^Failed to load resource: net::ERR_|^WebSocket connection to 'ws:.* failed/;
    assert.deepEqual(browser.complaints.filter((text) => !away.test(text)), []);
  });
}

await browser.run(steps, async () => {
  await stop(gateway, "SIGKILL");
  backend.server.closeAllConnections();
  backend.server.close();
});
