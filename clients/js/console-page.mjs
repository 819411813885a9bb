// Drives the console's Client, at a gateway with APIs of one's own, in a real browser, through good and bad times.
//
// usage: node console-page.mjs GATEWRIGHT CHROMIUM DATA-FOLDER
// Prints one line per step that held; ends with 1 and the step's name at the first that did not.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import process from "node:process";

import { accessible } from "./axe.mjs";
import { PATIENCE, Tour } from "./browser.mjs";

const [program, executablePath, dataFolder] = process.argv.slice(2);

/** The most lines of a conversation, clients, and texts of the history that the page keeps, and lines that it draws. */
const LINES_MAX = 1000;
const DRAWN_MAX = 200;
const SOCKETS_MAX = 16;
const HISTORY_MAX = 100;
/** What must not run, wherever it comes from. */
const HOSTILE = `<img src=x onerror="window.owned=1"><script>window.owned=1</script>`;

// ---------------------------------------------------------------------------------------------- the surroundings

/** Starts the program, at `port` (0: any free one), and gives it with its address once that is printed. */
async function startGateway(port = 0) {
  const args = ["serve", "--listen", `127.0.0.1:${port}`, "--data-dir", dataFolder];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  for await (const bytes of child.stdout.iterator({ destroyOnReturn: false })) {
    printed += bytes;
    const address = /http:\/\/127\.0\.0\.1:(\d+)/.exec(printed);
    if (!address) continue;
    child.stdout.resume();
    return { child, url: address[0], port: Number(address[1]) };
  }
  throw new Error(`it printed no address:\n${printed}`);
}

async function stop({ child }, signal) {
  child.kill(signal);
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/**
 * A backend of a chat: `/in` chooses the subprotocol "chat.v2" where it is offered, `/out` forgets, `/say` pushes to everybody,
 * `/wait` takes its time, a path that is a status answers with it; all else echoes.
 */
async function startBackend() {
  const present = new Set();
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", async () => {
      const { pathname } = new URL(request.url, "http://backend");
      const body = Buffer.concat(chunks);
      const id = request.headers.connectionid;
      const status = Number(/^\/(\d{3})$/.exec(pathname)?.[1] ?? 200);
      const headers = { "content-type": "application/json", "x-said": "<b>bold</b>" };
      if (pathname === "/in") {
        present.add(id);
        if (request.headers["sec-websocket-protocol"]?.includes("chat.v2")) headers["sec-websocket-protocol"] = "chat.v2";
      }
      if (pathname === "/out") present.delete(id);
      if (pathname === "/say") await Promise.all([...present].map((other) => fetch(`${server.pushes}/@connections/${encodeURIComponent(other)}`, { method: "POST", body }).catch(() => {})));
      if (pathname === "/wait") await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
      response.writeHead(status, headers).end(body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

/** One call of the control plane. */
async function call(url, method, path, body) {
  const answer = await fetch(url + path, { method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

/** Makes one API through the control plane: each route calls the backend, at a path of its own. */
async function makeApi(url, name, backend, routes, stageName = "dev") {
  const { apiId } = await call(url, "POST", "/v2/apis", { name, protocolType: "WEBSOCKET", routeSelectionExpression: "$request.body.action" });
  const api = `/v2/apis/${apiId}`;
  await call(url, "POST", `${api}/stages`, { stageName, autoDeploy: true });
  for (const [routeKey, path, integrationMethod = "POST"] of routes) {
    const integration = {
      integrationType: "HTTP_PROXY", integrationMethod, integrationUri: backend + path,
      requestParameters: { "integration.request.header.connectionId": "context.connectionId" },
    };
    const { integrationId } = await call(url, "POST", `${api}/integrations`, integration);
    const route = { routeKey, target: `integrations/${integrationId}`, routeResponseSelectionExpression: "$default" };
    const { routeId } = await call(url, "POST", `${api}/routes`, route);
    await call(url, "POST", `${api}/routes/${routeId}/routeresponses`, { routeResponseKey: "$default" });
  }
  return apiId;
}

// ---------------------------------------------------------------------------------------------- the steps

const backend = await startBackend();
let gateway = await startGateway();
const browser = await Tour.start(executablePath);
const { page } = browser;
const step = (what, does) => browser.step(what, does);
const see = (selector, text) => browser.see(selector, text);
const looksRight = (what) => browser.looksRight(what);
const outcome = (...about) => browser.outcome(...about);
const front = (number) => page.getByRole("button", { name: new RegExp(`^Client ${number}\\b`) }).click();
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

/** The newest texts that came on the client in front. */
const came = () => page.locator(".message[data-kind=came] .message-body").allInnerTexts();
const sent = () => page.locator(".message[data-kind=sent] .message-body").allInnerTexts();

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

  await step("messages that overtake each other keep their own events", async () => {
    const texts = Array.from({ length: 12 }, (_, at) => JSON.stringify({ action: at % 3 === 0 ? "join" : "wait", at: String(at).padStart(2, "0") }));
    await page.evaluate(async (all) => {
      const field = document.getElementById("message");
      for (const text of all) {
        field.value = text;
        field.dispatchEvent(new Event("input", { bubbles: true }));
        await new Promise((resolve) => setTimeout(resolve, 5));
        field.form.requestSubmit();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }, texts);
    await page.waitForFunction((count) => document.querySelectorAll(".message[data-kind=sent] .outcome a").length >= count, texts.length);
    await page.waitForTimeout(500);
    for (const text of texts) {
      const { at, action } = JSON.parse(text);
      const message = page.locator(".message[data-kind=sent]", { hasText: `"at": "${at}"` });
      assert.equal((await browser.record(message)).message.body, text);
      await message.locator(".outcome a").getByText(action, { exact: true }).waitFor();
    }
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
    gateway = await startGateway(gateway.port);
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
