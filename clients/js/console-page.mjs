// Drives the console's Client, at a gateway with APIs of one's own, in a real browser, through good and bad times.
//
// usage: node console-page.mjs GATEWRIGHT CHROMIUM DATA-FOLDER
// Prints one line per step that held; ends with 1 and the step's name at the first that did not.
import assert from "node:assert/strict";
import process from "node:process";

import { accessible } from "./axe.mjs";
import { PATIENCE, Tour } from "./browser.mjs";
import { makeApi, startBackend, startGateway, stop } from "./chat.mjs";
import { call } from "./surroundings.mjs";

const [program, executablePath, dataFolder] = process.argv.slice(2);

/** The most lines of a conversation, clients, and texts of the history that the page keeps, and lines that it draws. */
const LINES_MAX = 1000;
const DRAWN_MAX = 200;
const SOCKETS_MAX = 16;
const HISTORY_MAX = 100;
/** What must not run, wherever it comes from. */
const HOSTILE = `<img src=x onerror="window.owned=1"><script>window.owned=1</script>`;

const backend = await startBackend();
let gateway = await startGateway(program, dataFolder);
const browser = await Tour.start(executablePath);
const { page } = browser;
const step = (what, does) => browser.step(what, does);
const see = (selector, text) => browser.see(selector, text);
const looksRight = (what) => browser.looksRight(what);
const outcome = (...about) => browser.outcome(...about);
const isSafe = async () => {
  assert.equal(await page.evaluate(() => window.owned), undefined);
  assert.equal(await page.locator("#app img, #app script, #app .message-body b").count(), 0);
};

/** No view is wider than a small phone. */
async function fits(what) {
  await page.setViewportSize({ width: 360, height: 740 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 360, `${what}: ${wide} px at 360`);
  await page.setViewportSize({ width: 1360, height: 900 });
}

async function steps() {
  let chat;
  let other;

  await step("a browser at / is led to the console, whose Client says what to do first", async () => {
    await page.goto(gateway.url);
    assert.equal(new URL(page.url()).pathname, "/_console/");
    await page.goto(`${gateway.url}/_console/#/client`);
    await see(".empty", "This gateway has no API yet");
    await see(".empty code", "gatewright serve --backend");
    await see(".empty code", "--region us-east-1");
    await looksRight("an empty gateway");
    await accessible(page, "an empty gateway");
  });

  await step("an API without a stage is told what it lacks, as commands", async () => {
    const bare = { name: "bare", protocolType: "WEBSOCKET", routeSelectionExpression: "$request.body.action" };
    const { apiId } = await call(gateway.url, "POST", "/v2/apis", bare);
    await see(".empty", "The API bare has no stage yet");
    for (const command of ["create-integration", "create-route", "create-stage"]) await see(".empty code", `${command} --api-id ${apiId}`);
    await looksRight("an API without a stage");
    await call(gateway.url, "DELETE", `/v2/apis/${apiId}`);
    await see(".empty", "This gateway has no API yet");
  });

  await step("an API that is made meanwhile appears, and what Connect does is said", async () => {
    chat = await makeApi(gateway.url, "chat", backend.url, [
      ["$connect", "/in"], ["$disconnect", "/out"], ["$default", "/echo"], ["join", "/join"], ["say", "/say"], ["wait", "/wait"], ["wrong", "/500"], ["lose", "/lose", "GET"], [HOSTILE, "/x"],
    ]);
    other = await makeApi(gateway.url, "orders", backend.url, [["$default", "/orders"]]);
    backend.server.pushes = `${gateway.url}/_aws/execute-api/${chat}/dev`;
    await page.locator("#stage option", { hasText: "orders/dev" }).waitFor({ state: "attached" });
    await page.selectOption("#stage", `${chat}/dev`);
    await see(".empty", "You are the client");
    await see(".ideas button", "join");
    await looksRight("stages are there");
    await accessible(page, "stages are there");
  });

  await step("parameters go along with the handshake, and the backend can push to whom it named", async () => {
    await page.getByLabel("Name of parameter 1").fill("user");
    await page.getByLabel("Value of parameter 1").fill("ada & <b>");
    await page.click("text=Another parameter");
    await page.getByLabel("Name of parameter 2").fill("token");
    await page.getByLabel("Value of parameter 2").fill("t&1");
    await page.getByLabel("Value of parameter 2").press("Enter");
    await see("#state[data-state=open]", "Connected");
    await see("#connection-id");
    await see(".facts-list", "user=ada & <b>");
    const id = await page.textContent("#connection-id");
    const answer = await fetch(`${gateway.url}/_gatewright/v1/events?whole=1&connection=${encodeURIComponent(id)}`);
    const [connect] = (await answer.json()).events;
    // What opens doors is masked in what is shown; the marks of the page tell whose connection it is.
    assert.match(connect.query, /^user=ada%20%26%20%3Cb%3E&token=.+&tab=\w{4}\.\d+$/);
    await page.click("#push");
    await see(".message[data-type=PUSH]", "Hello! This is a push.");
    await see(".happened", ": 200.");
    await accessible(page, "connected");
    await fits("connected");
  });

  await step("each route has a message that fills the editor, which says where it goes; what became of it stands beside", async () => {
    await page.click(".ideas button:has-text('join')");
    assert.equal(await page.inputValue("#message"), '{"action":"join"}');
    await see("#prediction", "takes the route join");
    await page.fill("#message", "{}");
    await see("#prediction", "takes $default");
    await browser.send('{"action":"join","room":"garden"}');
    await see(".message[data-kind=came]", '"room": "garden"');
    const message = await outcome("join", "POST /join");
    assert.match(await message.locator(".outcome").innerText(), /[\d.]+ ms/);
    await message.locator(".outcome a").click();
    await see(".one-head", "join");
    await page.locator(".headers summary").last().click();
    await page.locator(".pairs tr", { hasText: "<b>bold</b>" }).first().waitFor();
    await isSafe();
    await page.click("nav a:has-text('Client')");
    await see(".message[data-kind=came]", '"room": "garden"');
  });

  await step("Enter sends, Shift and Enter is a new line, Ctrl and Enter sends, too", async () => {
    await page.fill("#message", "");
    await page.locator("#message").pressSequentially("one");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("two");
    assert.equal(await page.inputValue("#message"), "one\ntwo");
    await page.keyboard.press("Control+Enter");
    await see(".message[data-kind=came]", /one\s+two/);
    assert.equal(await page.inputValue("#message"), "");
    await page.keyboard.type("three");
    await page.keyboard.press("Enter");
    await see(".message[data-kind=came]", "three");
  });

  await step("what comes from clients, backends and definitions never runs", async () => {
    await see(".ideas button", "<img");
    await browser.send(HOSTILE);
    await see(".message[data-kind=came]", "<img src=x");
    await browser.send(JSON.stringify({ action: HOSTILE, text: HOSTILE }));
    await outcome(HOSTILE, "POST /x");
    await page.click("#templates");
    await isSafe();
    await page.click("#history");
    await isSafe();
    await page.keyboard.press("Escape");
    await isSafe();
    await looksRight("hostile texts");
  });

  await step("a backend's failure is marked, and says what it was", async () => {
    await browser.send('{"action":"wrong"}');
    const message = await outcome("wrong", "POST /500", "500");
    await message.locator(".badge[data-tone=bad]", { hasText: "500" }).waitFor();
  });

  await step("on a phone the story of a lost body comes into view, and tells what was done", async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    await browser.send('{"action":"lose","text":"please arrive"}');
    await see(".lost", "The backend got none");
    const story = page.locator(".lost").first();
    await page.waitForFunction((element) => {
      const { top } = element.getBoundingClientRect();
      return top >= 0 && top < innerHeight / 2;
    }, await story.elementHandle());
    await see(".lost code", /update-integration .*--integration-method POST .*--region us-east-1/);
    await story.locator("button", { hasText: "Change it to POST" }).click();
    await see(".lost .done", "method is POST now");
    await looksRight("a story, mended");
    await accessible(page, "a story, mended");
    await story.locator("button", { hasText: "Send it again" }).click();
    await outcome("lose", "POST /lose");
  });

  await step("an opened explanation stays open, and whoever reads stays where they are, whatever comes", async () => {
    const story = page.locator(".lost").first();
    assert.ok(await story.evaluate((element) => element.open));
    await page.locator("#transcript").evaluate((list) => (list.scrollTop = 40));
    const id = await page.textContent("#connection-id");
    for (let round = 0; round < 5; round += 1) {
      await fetch(`${gateway.url}/_aws/execute-api/${chat}/dev/@connections/${encodeURIComponent(id)}`, { method: "POST", body: `round ${round}` });
    }
    await page.locator(".message", { hasText: "round 4" }).waitFor({ state: "attached" });
    assert.equal(await page.locator("#transcript").evaluate((list) => list.scrollTop), 40);
    assert.ok(await story.evaluate((element) => element.open));
    await page.locator("#transcript").evaluate((list) => (list.scrollTop = list.scrollHeight));
  });

  await step("names, messages and nesting of any length stay inside the page, and the conversation at its end", async () => {
    const long = "a".repeat(60);
    const id = await makeApi(gateway.url, `${long}-${long}`, backend.url, [["$default", `/${long}?${long}`], [long, "/x"]], "s".repeat(128));
    await page.click("#disconnect");
    await page.locator("#stage option", { hasText: long }).waitFor({ state: "attached" });
    await page.selectOption("#stage", `${id}/${"s".repeat(128)}`);
    await see(".ideas button", long);
    await looksRight("long names");
    await browser.send("x".repeat(30_000));
    await see(".message[data-kind=came]", "(30000 characters)");
    await browser.send("[".repeat(300) + "]".repeat(300));
    await page.locator(".message[data-kind=came] pre", { hasText: "]]]]" }).first().waitFor();
    await looksRight("long bodies");
    const lines = await page.locator(".message pre").evaluateAll((all) => Math.max(...all.map((pre) => pre.textContent.split("\n").length)));
    assert.ok(lines < 60, `nesting makes ${lines} lines`);
    const left = await page.locator("#transcript").evaluate((list) => list.scrollHeight - list.scrollTop - list.clientHeight);
    assert.ok(left < 80, `the conversation is ${left} px from its end`);
    await page.click("#disconnect");
    await see("#state[data-state=closed]");
    await page.selectOption("#stage", `${chat}/dev`);
    await page.click("#clear");
    await see(".empty", "You are the client");
  });

  await step("the keyboard reaches everything, in the order in which it is seen, and shows where it is", async () => {
    await page.fill("#message", "something");
    await page.locator("body").evaluate(() => document.activeElement?.blur());
    await page.mouse.click(5, 5);
    const reached = [];
    for (let presses = 0; presses < 60; presses += 1) {
      await page.keyboard.press("Tab");
      const { name, shown } = await page.evaluate(() => {
        const at = document.activeElement;
        const { top, bottom, left, right } = at.getBoundingClientRect();
        const isIn = bottom > 0 && top < innerHeight && right > 0 && left < innerWidth;
        return { name: at.id || at.tagName.toLowerCase(), shown: isIn && getComputedStyle(at).outlineStyle !== "none" };
      });
      assert.ok(shown, `${name} has the focus, and nothing shows it`);
      reached.push(name);
      if (name === "send") break;
    }
    const named = reached.filter((name) => !["button", "a", "input"].includes(name));
    assert.deepEqual(named, ["stage", "protocols", "connect", "summary", "another", "replay", "transcript", "message", "templates", "history", "save", "send"].filter((name) => name !== "replay" || reached.includes("replay")));
    await page.fill("#message", "");
  });

  await step("clients, lines and the history are bounded, and the page stays awake", async () => {
    await page.click("#connect");
    await see("#connection-id");
    await page.evaluate(() => (window.marks = []));
    const id = await page.textContent("#connection-id");
    const push = (body) => fetch(`${gateway.url}/_aws/execute-api/${chat}/dev/@connections/${encodeURIComponent(id)}`, { method: "POST", body });
    for (let round = 0; round < 24; round += 1) await Promise.all(Array.from({ length: 50 }, (_, at) => push(`{"round":${round},"at":${at}}`)));
    await page.locator(".message", { hasText: '"round": 23' }).first().waitFor({ timeout: 3 * PATIENCE });
    await see(".happened", "older lines let go");
    assert.ok((await page.locator("#transcript li").count()) <= DRAWN_MAX + 3);
    while ((await page.locator("#transcript li button", { hasText: "earlier" }).count()) > 0) await page.locator("#transcript li button", { hasText: "earlier" }).first().click();
    const drawn = await page.locator("#transcript li").count();
    assert.ok(drawn <= LINES_MAX + 2 && drawn > LINES_MAX - DRAWN_MAX, `${drawn} lines`);
    const [before, after] = await page.evaluate(() => new Promise((resolve) => requestAnimationFrame((a) => requestAnimationFrame((b) => resolve([a, b])))));
    assert.ok(after - before < 1000, "a frame took a second");
    await page.click("#clear");
    for (let number = 0; number < HISTORY_MAX + 5; number += 1) await browser.send(`message ${number}`);
    await page.click("#history");
    assert.equal(await page.locator(".drawer li").count(), HISTORY_MAX);
    await page.click("text=Forget all");
    await see(".drawer", "Nothing was sent yet");
    await page.keyboard.press("Escape");
    while (await page.isEnabled("#another")) await page.click("#another");
    assert.equal(await page.locator(".talk .tabs button").count(), SOCKETS_MAX);
    await fits("many clients");
    await looksRight("many clients");
    for (let left = SOCKETS_MAX; left > 1; left -= 1) await page.click("text=Remove");
    await page.click("#clear");
  });

  await step("when the gateway goes, the page says so and keeps what was typed and seen", async () => {
    await browser.send('{"action":"join","room":"before"}');
    await outcome("join", "POST /join");
    await page.fill("#message", "what I am typing");
    await stop(gateway, "SIGKILL");
    await see(".down", "does not answer");
    await see(".down", "Trying again");
    await see("#state", "Not connected");
    await see(".happened", "Closed: 1006, the connection was cut without a goodbye");
    assert.equal(await page.inputValue("#message"), "what I am typing");
    await see(".message[data-kind=came]", '"room": "before"');
    await page.click("#send");
    await see(".happened", "Not sent");
    assert.equal(await page.inputValue("#message"), "what I am typing");
    await looksRight("the gateway is away");
  });

  await step("when it is back, the page is, too, and connects again", async () => {
    gateway = await startGateway(program, dataFolder, gateway.port);
    await page.locator(".down").waitFor({ state: "hidden" });
    await see("#state[data-state=open]", "Connected");
    await see("#connection-id");
    await page.click("#send");
    await see(".message[data-kind=came]", "what I am typing");
    await outcome("$default", "POST /echo");
    // What was said on the connection before keeps what became of it.
    await outcome("join", "POST /join");
    await page.click("nav a:has-text('Live')");
    await see(".missed", "the gateway was away");
    await page.click("nav a:has-text('Client')");
  });

  await step("a reload keeps what is in the editor, and where it connects", async () => {
    await page.fill("#message", "not sent yet");
    await page.reload();
    await see("#message");
    assert.equal(await page.inputValue("#message"), "not sent yet");
    assert.equal(await page.getByLabel("Value of parameter 1").inputValue(), "ada & <b>");
    assert.equal(await page.inputValue("#stage"), `${chat}/dev`);
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
