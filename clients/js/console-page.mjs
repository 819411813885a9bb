// Drives the console of a gateway with APIs of one's own, in a real browser, through good and bad times.
//
// usage: node console-page.mjs GATEWRIGHT CHROMIUM DATA-FOLDER
// Prints one line per step that held; ends with 1 and the step's name at the first that did not.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import process from "node:process";

import { Tour, require } from "./browser.mjs";

const [program, executablePath, dataFolder] = process.argv.slice(2);
const WebSocket = require("ws");

/** The most events that the page keeps. */
const RECORDS_MAX = 200;
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

/** A backend that echoes bodies; with a status where the path is one. */
async function startBackend() {
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const status = Number(/^\/(\d{3})$/.exec(request.url)?.[1] ?? 200);
      response.writeHead(status, { "content-type": "application/json", "x-said": "<b>bold</b>" }).end(Buffer.concat(chunks));
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
    const integration = { integrationType: "HTTP_PROXY", integrationMethod, integrationUri: backend + path };
    const { integrationId } = await call(url, "POST", `${api}/integrations`, integration);
    const route = { routeKey, target: `integrations/${integrationId}`, routeResponseSelectionExpression: "$default" };
    const { routeId } = await call(url, "POST", `${api}/routes`, route);
    await call(url, "POST", `${api}/routes/${routeId}/routeresponses`, { routeResponseKey: "$default" });
  }
  return apiId;
}

async function client(url, apiId) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/_aws/execute-api/${apiId}/dev`);
  await once(socket, "open");
  return socket;
}

/** Sends and waits for the answer. */
async function say(socket, text) {
  const answer = once(socket, "message");
  socket.send(text);
  return String((await answer)[0]);
}

// ---------------------------------------------------------------------------------------------- the steps

const backend = await startBackend();
let gateway = await startGateway();
const browser = await Tour.start(executablePath);
const { page } = browser;
const step = (what, does) => browser.step(what, does);
const see = (selector, text) => browser.see(selector, text);
const open = (record) => record.evaluate((element) => element.open);

const looksRight = (what) => browser.looksRight(what);

async function steps() {
  let chat;
  let other;

  await step("a browser at / is led to the console, which says what to do first", async () => {
    await page.goto(gateway.url);
    assert.equal(new URL(page.url()).pathname, "/_console/");
    await page.goto(`${gateway.url}/_console/#/client`);
    await see("#feed[data-state=open]", "live");
    await see(".welcome", "This gateway has no API yet");
    await see(".welcome code", "gatewright serve --backend");
    await see(".welcome code", "--region us-east-1");
    assert.ok(await page.isDisabled("#connect"));
    await looksRight("an empty gateway");
  });

  await step("an API without a stage is told what it lacks, as commands", async () => {
    const bare = { name: "bare", protocolType: "WEBSOCKET", routeSelectionExpression: "$request.body.action" };
    const { apiId } = await call(gateway.url, "POST", "/v2/apis", bare);
    await see(".welcome", "The API bare has no stage yet");
    for (const command of ["create-integration", "create-route", "create-stage"]) await see(".welcome code", `${command} --api-id ${apiId}`);
    assert.ok(await page.isDisabled("#connect"));
    await looksRight("an API without a stage");
    await call(gateway.url, "DELETE", `/v2/apis/${apiId}`);
    await see(".welcome", "This gateway has no API yet");
  });

  await step("an API that is made meanwhile appears, and the first button is named", async () => {
    chat = await makeApi(gateway.url, "chat", backend.url, [["$connect", "/in"], ["$default", "/echo"], ["join", "/join"], ["wrong", "/500"], ["lose", "/lose", "GET"], [HOSTILE, "/x"]]);
    other = await makeApi(gateway.url, "orders", backend.url, [["$default", "/orders"]]);
    await see("#hint", "Start with Connect");
    await page.locator("#filter-stage option", { hasText: "orders/dev" }).waitFor({ state: "attached" });
    await page.selectOption("#stage", `${chat}/dev`);
    await see(".actions button", "join");
    await looksRight("stages are there");
  });

  await step("a name goes along with the handshake, and the backend can push to whom it named", async () => {
    await page.fill("#name", "ada & <b>");
    await page.keyboard.press("Tab");
    await page.focus("#connect");
    await page.keyboard.press("Enter");
    await see("#identity");
    const record = await browser.record("$connect", "POST /in");
    await record.locator(".came pre", { hasText: /\?user=ada%20%26%20%3Cb%3E&tab=/ }).waitFor();
    await page.click("#push");
    await see(".bubble", "Hello, ada & <b>! This is a push.");
    await see(".event", ": 200.");
  });

  await step("each route has a button that fills the editor, and the editor says where a message goes", async () => {
    await page.click(".actions button:has-text('join')");
    assert.equal(await page.inputValue("#message"), '{"action":"join"}');
    await see("#prediction", "takes the route join");
    await page.fill("#message", "{}");
    await see("#prediction", "takes $default");
    await browser.send('{"action":"join","room":"garden"}');
    await browser.record("join", "POST /join");
    await see(".bubble", '"room": "garden"');
  });

  await step("headers stand in a table", async () => {
    const record = await browser.record("join", "POST /join");
    await record.locator(".response summary").click();
    await record.locator(".response .pairs tr", { hasText: "x-said<b>bold</b>" }).or(record.locator(".response .pairs tr", { hasText: /x-said\s+<b>bold<\/b>/ })).first().waitFor();
  });

  await step("what comes from clients and backends never runs", async () => {
    const socket = await client(gateway.url, chat);
    assert.equal(await say(socket, HOSTILE), HOSTILE);
    await say(socket, JSON.stringify({ action: HOSTILE, text: HOSTILE }));
    await browser.send(JSON.stringify({ action: HOSTILE, text: HOSTILE }));
    await (await browser.record(HOSTILE.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "POST /x")).waitFor();
    socket.close(4000, "<b onclick=alert(1)>");
    await see(".record[data-kind=DISCONNECT]");
    await page.locator(".record[data-kind=DISCONNECT] summary").first().click();
    await see(".came", "<b onclick=alert(1)>");
    assert.equal(await page.evaluate(() => window.owned), undefined);
    assert.equal(await page.locator("#records img, #records script, #records b, #transcript img, #transcript script, #actions img").count(), 0);
  });

  await step("an opened explanation stays open, and in its place, whatever others do", async () => {
    const mine = await browser.record("join", "POST /join");
    if (!(await open(mine))) await mine.locator("summary").first().click();
    await mine.locator(".side.request pre").first().click();
    const place = () => mine.evaluate((element) => Math.round(element.getBoundingClientRect().top));
    await mine.evaluate((element) => element.scrollIntoView({ block: "start" }));
    const before = await place();
    const socket = await client(gateway.url, other);
    for (let round = 0; round < 5; round += 1) await say(socket, `round ${round}`);
    await see("#newer", "newer");
    assert.ok(await open(mine));
    assert.ok(Math.abs((await place()) - before) <= 2, `it moved from ${before} to ${await place()}`);
    socket.close();
    await page.click("#newer");
    await looksRight("traffic");
  });

  await step("events are filtered by stage, by connection, by client; and none that fits is said", async () => {
    await page.selectOption("#filter-stage", `${other}/dev`);
    assert.equal(await page.locator(".record:visible", { hasText: "chat/dev" }).count(), 0);
    await page.locator(".record:visible summary").first().click();
    await page.locator(".record[open]:visible button", { hasText: "Only this connection" }).click();
    await see("#filter", "connection");
    await page.check("#mine-only");
    await see("#empty", "none of this client");
    await page.click("#empty button");
    await page.locator(".record:visible", { hasText: "chat/dev" }).first().waitFor();
    assert.ok(!(await page.isChecked("#mine-only")));
  });

  await step("a backend's failure is marked, and says what it was", async () => {
    await browser.send('{"action":"wrong"}');
    const record = await browser.record("wrong", "POST /500", "500");
    await record.locator(".chip.bad", { hasText: "500" }).waitFor();
  });

  await step("on a phone the story of a lost body comes into view, and tells what was done", async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    await browser.send('{"action":"lose","text":"please arrive"}');
    await see(".story", "The backend got none");
    const story = page.locator(".story").first();
    await page.waitForFunction((element) => {
      const { top } = element.getBoundingClientRect();
      return top >= 0 && top < innerHeight / 2;
    }, await story.elementHandle());
    await see(".story code", /update-integration .*--integration-method POST .*--region us-east-1/);
    await story.locator("button", { hasText: "Change it to POST" }).click();
    await see(".story .done", "method is POST now");
    await looksRight("a story, mended");
    await story.locator("button", { hasText: "Send it again" }).click();
    await browser.record("lose", "POST /lose");
    assert.ok(await open(page.locator(".record", { has: page.locator(".story") }).first()));
  });

  await step("names, messages and nesting of any length stay inside the page, and the conversation at its end", async () => {
    const long = "a".repeat(60);
    const id = await makeApi(gateway.url, `${long}-${long}`, backend.url, [["$default", `/${long}?${long}`], [long, "/x"]], "s".repeat(128));
    await page.locator("#stage option", { hasText: long }).waitFor({ state: "attached" });
    await page.selectOption("#stage", `${id}/${"s".repeat(128)}`);
    await see(".actions button", long);
    await see("#state[data-state=closed]");
    await looksRight("long names");
    await browser.send("x".repeat(30_000));
    await see(".bubble", "(30000 characters)");
    await browser.send("[".repeat(300) + "]".repeat(300));
    await page.locator(".bubble pre", { hasText: "]]]]" }).nth(1).waitFor();
    // Not by a click: cards open and close by themselves as events come, and wait out of sight while an older one is read.
    const unfolded = await page.locator(".record[open] .response details").evaluateAll((all) => all.map((part) => (part.open = true)).length);
    assert.ok(unfolded > 0, "no card is open");
    await looksRight("long bodies");
    const lines = await page.locator(".bubble pre").evaluateAll((all) => Math.max(...all.map((pre) => pre.textContent.split("\n").length)));
    assert.ok(lines < 60, `nesting makes ${lines} lines`);
    const left = await page.locator("#transcript").evaluate((list) => list.scrollHeight - list.scrollTop - list.clientHeight);
    assert.ok(left < 80, `the conversation is ${left} px from its end`);
    await page.selectOption("#stage", `${chat}/dev`);
    await see("#state[data-state=closed]");
  });

  await step("the keyboard reaches everything, in the order in which it is seen, and shows where it is", async () => {
    await page.locator("body").evaluate(() => document.activeElement?.blur());
    await page.mouse.click(5, 5);
    const reached = [];
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press("Tab");
      const { name, shown } = await page.evaluate(() => {
        const at = document.activeElement;
        const { top, bottom, left, right } = at.getBoundingClientRect();
        const isIn = bottom > 0 && top < innerHeight && right > 0 && left < innerWidth;
        return { name: at.id || at.tagName.toLowerCase(), shown: isIn && getComputedStyle(at).outlineStyle !== "none" };
      });
      assert.ok(shown, `${name} has the focus, and nothing shows it`);
      reached.push(name);
      if (name === "summary") break;
    }
    const named = reached.filter((name) => !["button", "a", "newer"].includes(name));
    assert.deepEqual(named, ["connect", "stage", "name", "query", "transcript", "message", "another", "send", "filter-stage", "mine-only", "clear", "summary"]);
    await page.keyboard.press("Enter");
    assert.ok(await page.evaluate(() => document.activeElement.parentElement.open !== undefined));
  });

  await step("nothing moves for those who asked for that", async () => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    await browser.send('{"action":"join","room":"still"}');
    await see(".lane[data-lit]");
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    await page.emulateMedia({ reducedMotion: "no-preference" });
  });

  await step("many events are bounded, and the page stays awake", async () => {
    const socket = await client(gateway.url, other);
    for (let round = 0; round < 400; round += 1) await say(socket, `{"round":${round}}`);
    await see(".record", "orders/dev");
    assert.ok((await page.locator("#cards > *").count()) <= RECORDS_MAX);
    const [before, after] = await page.evaluate(() => new Promise((resolve) => requestAnimationFrame((a) => requestAnimationFrame((b) => resolve([a, b])))));
    assert.ok(after - before < 1000, "a frame took a second");
    socket.close();
    await looksRight("many events");
  });

  await step("when the gateway goes, the page says so and keeps what was typed and seen", async () => {
    await page.click("#clear");
    await browser.send('{"action":"join","room":"before"}');
    await browser.record("join", "POST /join");
    await page.fill("#message", "what I am typing");
    await stop(gateway, "SIGKILL");
    await see("#down", "does not answer");
    await see("#down", "Trying again");
    await see("#state", "Not connected");
    assert.equal(await page.inputValue("#message"), "what I am typing");
    await see(".bubble", '"room": "before"');
    await browser.record("join", "POST /join");
    await page.click("#send");
    await see(".event", "Not sent");
    assert.equal(await page.inputValue("#message"), "what I am typing");
    await looksRight("the gateway is away");
  });

  await step("when it is back, the page is, too, and connects again", async () => {
    gateway = await startGateway(gateway.port);
    await see("#feed[data-state=open]", "live");
    await page.locator("#down").waitFor({ state: "hidden" });
    await see(".gap", "The gateway was away");
    await see("#state[data-state=open]", "Connected");
    await see("#identity");
    await page.click("#send");
    await see(".bubble", "what I am typing");
  });

  await step("a reload keeps what is in the editor", async () => {
    await page.reload();
    await see("#composer");
    assert.equal(await page.inputValue("#message"), "what I am typing");
    assert.equal(await page.inputValue("#name"), "ada & <b>");
  });

  await step("the page asked no other address and met no policy", () => {
    assert.deepEqual([...browser.origins], [gateway.url]);
    // While the gateway is away the browser itself says so; whatever else it says is a fault.
    const away = /^Failed to load resource: net::ERR_|^WebSocket connection to 'ws:.* failed/;
    assert.deepEqual(browser.complaints.filter((text) => !away.test(text)), []);
  });
}

await browser.run(steps, async () => {
  await stop(gateway, "SIGKILL");
  backend.server.closeAllConnections();
  backend.server.close();
});
