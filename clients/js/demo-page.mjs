// Drives the demo's page in a real browser, as a person on the sixty-second tour would.
//
// usage: node demo-page.mjs PAGE-ADDRESS CHROMIUM
// Prints one line per step that held; ends with 1 and the step's name at the first that did not.
import assert from "node:assert/strict";
import process from "node:process";

import { Tour } from "./browser.mjs";

const CONNECTION_ID = /^[A-Za-z0-9_-]{15}=$/;

const [pageAddress, executablePath] = process.argv.slice(2);
const browser = await Tour.start(executablePath);
const { page, context, complaints } = browser;
const step = (what, does) => browser.step(what, does);
const see = (selector, text, on) => browser.see(selector, text, on);
const record = (routeKey, call) => browser.record(routeKey, call);
const send = (text) => browser.send(text);

async function tour() {
  let id;

  await step("the page opens and listens to the log", async () => {
    await page.goto(pageAddress);
    // The page learns that it is the demo's when it has asked the program.
    await page.waitForFunction(() => document.title.endsWith("Gatewright demo"));
    await see("#feed[data-state=open]", "live");
    await see("#state[data-state=closed]", "Not connected");
    await see("#hint", "Start with Connect");
    await browser.looksRight("the demo at first sight");
  });

  await step("Connect opens one WebSocket, of which the backend hears by HTTP", async () => {
    await page.click("#connect");
    await see("#state[data-state=open]", "Connected");
    await record("$connect", "POST /connect");
    await see("#identity");
    id = await page.textContent("#connection-id");
    assert.match(id, CONNECTION_ID);
  });

  await step("an echo is one HTTP call on $default, and its answer comes back", async () => {
    await page.click("#send-echo");
    await see(".bubble", "Hello, backend");
    await see(".bubble", '"type": "echo"');
    const echo = await record("$default", "POST /message");
    assert.match(await echo.locator(".side.request").innerText(), /POST http:\/\/.*\/message/);
    await echo.locator(".lines li", { hasText: "WebSocket Request Route: [$default]" }).waitFor();
    assert.match(await echo.locator("summary").first().innerText(), /\d+ ms/);
  });

  await step("the backend knows the id that the page shows", async () => {
    await page.click("#send-whoami");
    await see(".bubble", `"connectionId": "${id}"`);
    const whoami = await record("whoami", "POST /whoami");
    await whoami.locator(".lines li", { hasText: `connectionId=${id}` }).waitFor();
  });

  await step("text that is not JSON goes to $default too", async () => {
    await send("not JSON at all");
    await see(".bubble", '"said": "not JSON at all"');
  });

  await step("a broadcast is pushed to this client and to another", async () => {
    // The second client is one of the page's own links; its mark makes it connect by itself.
    const [other] = await Promise.all([context.waitForEvent("page"), page.click("#another")]);
    await see("#state[data-state=open]", "Connected", other);
    await see("#identity", undefined, other);
    await page.bringToFront();
    await send(JSON.stringify({ action: "broadcast", text: "to everybody" }));
    await see(".bubble.push", "to everybody");
    await see(".bubble.push", "to everybody", other);
    const broadcast = await record("broadcast", "POST /broadcast");
    const pushed = await broadcast.locator(".side.response").innerText();
    assert.ok(pushed.includes(id) && pushed.includes(await other.textContent("#connection-id")), pushed);
    await other.close();
    await record("$disconnect", "POST /disconnect");
  });

  await step("anybody with the address can push to this client", async () => {
    const address = new URL(`/_aws/execute-api/livedemo01/demo/@connections/${id}`, pageAddress);
    const answer = await fetch(address, { method: "POST", body: "Hello from a terminal" });
    assert.equal(answer.status, 200);
    await see(".bubble", "Hello from a terminal");
  });

  await step("the lost body is in the log, not at the backend, and a note says why", async () => {
    await page.click("#send-lost");
    await see(".bubble", '"received": ""');
    const lost = await record("lost", "GET /lost");
    await lost.locator(".chip.note", { hasText: "body lost" }).waitFor();
    await lost.locator(".lines li", { hasText: /body after transformations: .*Please arrive/ }).waitFor();
    await lost.locator(".remarks li", { hasText: /Request body discarded: integration method GET carries no body \(\d+ bytes\)/ }).waitFor();
    await lost.locator(".story", { hasText: "The backend got none" }).waitFor();
    // The gateway's own words, not the page's: what it is about must be named.
    assert.match(await lost.locator(".remarks li").first().innerText(), /GET/);
    await lost.locator(".story code", { hasText: "--integration-method POST" }).waitFor();
    await browser.looksRight("the demo with a lost body");
  });

  await step("with the method changed to POST the same body arrives", async () => {
    await page.click("text=Change it to POST for me");
    await see(".event", "method is POST now");
    // The card says it too, and there it goes on.
    await see(".story .done", "method is POST now");
    await browser.looksRight("the demo, mended");
    assert.equal(await page.locator("text=Change it to POST for me").count(), 0);
    await page.click("text=Send it again");
    await see(".bubble", '"method": "POST"');
    const arrived = await record("lost", "POST /lost");
    assert.equal(await arrived.locator(".story").count(), 0);
    assert.match(await arrived.locator(".side.response").innerText(), /Please arrive/);
  });

  await step("set back to GET, the body is lost again", async () => {
    await page.click("text=Set it back to GET");
    await see(".event", "method is GET now");
    await page.click("text=Lose a body");
    await see("#cards > .record:first-child .story", "The backend got none");
  });

  await step("Disconnect closes the WebSocket, and the backend hears of it", async () => {
    await page.click("#connect");
    await see("#state[data-state=closed]", "Not connected");
    await see(".event", "Connection closed: 1000");
    const end = await record("$disconnect", "POST /disconnect");
    await end.locator(".lines li", { hasText: id }).first().waitFor();
  });

  await step("a message reconnects", async () => {
    await page.click("#send-echo");
    await see("#state[data-state=open]", "Connected");
    await see("#identity");
    assert.notEqual(await page.textContent("#connection-id"), id);
  });

  await step("the page had no error and asked no other address", () => {
    assert.deepEqual(complaints, []);
    assert.deepEqual([...browser.origins], [new URL(pageAddress).origin]);
  });
}

await browser.run(tour);
