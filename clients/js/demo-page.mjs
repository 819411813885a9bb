// Drives the demo's tour in a real browser, as a person on the sixty-second tour would.
//
// usage: node demo-page.mjs PAGE-ADDRESS CHROMIUM
// Prints one line per step that held; ends with 1 and the step's name at the first that did not.
import assert from "node:assert/strict";
import process from "node:process";

import { accessible } from "./axe.mjs";
import { Tour } from "./browser.mjs";

const CONNECTION_ID = /^[A-Za-z0-9_-]{15}=$/;

const [pageAddress, executablePath] = process.argv.slice(2);
const browser = await Tour.start(executablePath);
const { page, complaints } = browser;
const step = (what, does) => browser.step(what, does);
const see = (selector, text) => browser.see(selector, text);
const outcome = (routeKey, call) => browser.outcome(routeKey, call);
const send = (text) => browser.send(text);
const events = async (filter) => (await (await page.request.get(new URL(`/_gatewright/v1/events?whole=1&limit=50&${filter}`, pageAddress).href)).json()).events;

async function tour() {
  let id;

  await step("the page opens with the tour", async () => {
    await page.goto(pageAddress);
    // The page learns that it is the demo's when it has asked the program.
    await page.waitForFunction(() => document.title.endsWith("Gatewright demo"));
    await see("#state[data-state=closed]", "Not connected");
    await see("#hint", "Start with Connect");
    await see(".empty", "You are the client");
    await browser.looksRight("the demo at first sight");
    await accessible(page, "the demo at first sight");
  });

  await step("Connect opens one WebSocket, of which the backend hears by HTTP", async () => {
    await page.click("#connect");
    await see("#state[data-state=open]", "Connected");
    await see("#hint", "Now press Echo");
    await see("#connection-id");
    id = await page.textContent("#connection-id");
    assert.match(id, CONNECTION_ID);
    const [connect] = (await events(`connection=${encodeURIComponent(id)}`)).filter(({ eventType }) => eventType === "CONNECT");
    assert.match(connect.request.url, /\/connect\?tab=/);
  });

  await step("an echo is one HTTP call on $default, and its answer comes back", async () => {
    await page.click("#send-echo");
    await see(".message[data-kind=came]", '"type": "echo"');
    await see(".message[data-kind=came] .message-head", "Answer");
    const echo = await outcome("$default", "POST /message");
    assert.match(await echo.locator(".outcome").innerText(), /\d ms/);
    const { request, lines } = await browser.record(echo);
    assert.match(request.url, /^http:\/\/.*\/message$/);
    assert.ok(lines.some(({ text }) => text.includes("WebSocket Request Route: [$default]")));
  });

  await step("the backend knows the id that the page shows", async () => {
    await page.click("#send-whoami");
    await see(".message[data-kind=came]", `"connectionId": "${id}"`);
    const { request } = await browser.record(await outcome("whoami", "POST /whoami"));
    assert.ok(request.headers.some(([name, value]) => name === "connectionId" && value === id));
  });

  await step("what lights up does not move for those who asked for that", async () => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.click("#send-echo");
    await see(".lane[data-lit]");
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    await page.emulateMedia({ reducedMotion: "no-preference" });
  });

  await step("text that is not JSON goes to $default too", async () => {
    await send("not JSON at all");
    await see(".message[data-kind=came]", '"said": "not JSON at all"');
  });

  await step("a broadcast is pushed to this client and to another", async () => {
    await page.click("#another");
    await see("#state[data-state=open]", "Connected");
    await page.waitForFunction((old) => document.getElementById("connection-id")?.textContent !== old, id);
    await see("#connection-id");
    const other = await page.textContent("#connection-id");
    await page.getByRole("button", { name: /^Client 1/ }).click();
    await send(JSON.stringify({ action: "broadcast", text: "to everybody" }));
    await see(".message[data-type=PUSH]", "to everybody");
    await see(".message[data-type=PUSH] .message-head", "Push");
    const { response } = await browser.record(await outcome("broadcast", "POST /broadcast"));
    assert.ok(response.body.includes(id) && response.body.includes(other), response.body);
    await page.getByRole("button", { name: /^Client 2.*1 unread/ }).click();
    await see(".message[data-kind=came]", "to everybody");
    await page.click("#connect");
    await see("#state[data-state=closed]", "Not connected");
    await page.getByRole("button", { name: /^Client 1/ }).click();
  });

  await step("anybody with the address can push to this client", async () => {
    const address = new URL(`/_aws/execute-api/livedemo01/demo/@connections/${id}`, pageAddress);
    const answer = await fetch(address, { method: "POST", body: "Hello from a terminal" });
    assert.equal(answer.status, 200);
    await see(".message[data-kind=came]", "Hello from a terminal");
  });

  await step("one click loses a body: it is in the log, not at the backend, and the page says why", async () => {
    await page.click("#send-lost");
    await see(".message[data-kind=came]", '"received": ""');
    const lost = await outcome("lost", "GET /lost");
    await lost.locator(".headline", { hasText: /The backend got no body: .*GET/ }).waitFor();
    await lost.locator(".lost", { hasText: "The backend got none" }).waitFor();
    await lost.locator(".lost-sides", { hasText: "Please arrive" }).waitFor();
    await lost.locator(".lost-sides", { hasText: "nothing at all" }).waitFor();
    await lost.locator(".lost code", { hasText: "--integration-method POST" }).waitFor();
    const { lines } = await browser.record(lost);
    assert.ok(lines.some(({ text }) => /body after transformations: .*Please arrive/.test(text)));
    assert.ok(lines.some(({ kind, text }) => kind === "note" && /Request body discarded: integration method GET carries no body \(\d+ bytes\)/.test(text)));
    await lost.locator("text=Change it to POST for me").waitFor();
    await page.setViewportSize({ width: 1280, height: 800 });
    await browser.looksRight("the demo with a lost body");
    await accessible(page, "the demo with a lost body");
  });

  await step("with the method changed to POST the same body arrives", async () => {
    await page.click("text=Change it to POST for me");
    await see(".lost .done", "method is POST now");
    await see("#send-lost", "Send that body again");
    await browser.looksRight("the demo, mended");
    assert.equal(await page.locator("text=Change it to POST for me").count(), 0);
    await page.click("text=Send it again");
    await see(".message[data-kind=came]", '"method": "POST"');
    const arrived = await outcome("lost", "POST /lost");
    assert.equal(await arrived.locator(".lost").count(), 0);
    assert.match((await browser.record(arrived)).response.body, /Please arrive/);
  });

  await step("set back to GET, the body is lost again", async () => {
    await page.click("#lost-back");
    await see(".happened", "method is GET now");
    await see("#send-lost", "Lose a body");
    await page.click("#send-lost");
    await page.locator(".message .lost").nth(1).waitFor();
    await page.locator(".lost-sides").waitFor();
    // The newest story is told, the one before is folded.
    assert.deepEqual(await page.locator(".lost").evaluateAll((all) => all.map(({ open }) => open)), [false, true]);
  });

  await step("the Client is the same conversation, with settings", async () => {
    await page.click("nav a:has-text('Client')");
    await see(".message[data-kind=came]", "Hello from a terminal");
    await see(".facts-list", id);
    await page.click("nav a:has-text('Tour')");
  });

  await step("Disconnect closes the WebSocket, and the backend hears of it", async () => {
    await page.click("#connect");
    await see("#state[data-state=closed]", "Not connected");
    await see(".happened", "Closed: 1000, closed as asked");
    for (let tries = 0; ; tries += 1) {
      const end = (await events(`connection=${encodeURIComponent(id)}`)).find(({ eventType }) => eventType === "DISCONNECT");
      if (end) {
        assert.match(end.request.url, /\/disconnect$/);
        break;
      }
      assert.ok(tries < 50, "no $disconnect");
      await page.waitForTimeout(100);
    }
  });

  await step("a message reconnects", async () => {
    await page.click("#send-echo");
    await see("#state[data-state=open]", "Connected");
    await see("#connection-id");
    assert.notEqual(await page.textContent("#connection-id"), id);
  });

  await step("the page had no error and asked no other address", () => {
    assert.deepEqual(complaints, []);
    assert.deepEqual([...browser.origins], [new URL(pageAddress).origin]);
  });
}

await browser.run(tour);
