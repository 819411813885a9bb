// Drives the console's views of connections, of one API and of charts in a real browser.
//
// usage: node views-page.mjs GATEWRIGHT CHROMIUM
// Prints one line per step that held; ends with 1 and the step's name at the first that did not.
import assert from "node:assert/strict";
import { once } from "node:events";
import process from "node:process";

import { accessible } from "./axe.mjs";
import { Tour } from "./browser.mjs";
import { call, client, makeApi, say, startBackend, startGateway, stop } from "./surroundings.mjs";

const [program, executablePath] = process.argv.slice(2);

/** What must not run, wherever it comes from. */
const HOSTILE = `<img src=x onerror="window.owned=1"><script>window.owned=1</script>`;
const TEMPLATE = `{\n  "said": $input.json('$.text')\n}`;

const backend = await startBackend();
const gateway = await startGateway(program);
const browser = await Tour.start(executablePath);
const { page } = browser;
const step = (what, does) => browser.step(what, does);
const see = (selector, text) => browser.see(selector, text);
const open = (hash) => page.goto(`${gateway.url}/_console/${hash}`);
const isSafe = async () => {
  assert.equal(await page.evaluate(() => window.owned), undefined);
  assert.equal(await page.locator("#app img, #app script, #app b").count(), 0);
};

/** No view is wider than a small phone. */
async function fits(what) {
  await page.setViewportSize({ width: 360, height: 740 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 360, `${what}: ${wide} px at 360`);
  await page.setViewportSize({ width: 1360, height: 900 });
}

async function steps() {
  let apiId, socket, connectionId;

  await step("empty views say what comes there", async () => {
    await page.setViewportSize({ width: 1360, height: 900 });
    for (const [hash, text] of [["#/connections", "Nobody is connected"], ["#/api", "This gateway has no API yet"], ["#/charts", "Nothing was measured yet"]]) {
      await open(hash);
      await see(".empty", text);
      await accessible(page, hash);
      await fits(hash);
    }
  });

  await step("who is connected is listed, found and followed", async () => {
    apiId = await makeApi(gateway.url, `chat ${HOSTILE}`, backend.url, [
      ["$default", "/echo"],
      ["lose", "/lose", { integrationMethod: "GET" }],
      [HOSTILE, "/x"],
      ["mapped", "/mapped", { integrationType: "HTTP", requestTemplates: { $default: TEMPLATE } }],
    ]);
    socket = await client(gateway.url, apiId);
    await open("#/connections");
    await see("table", "127.0.0.1");
    await accessible(page, "connections");
    await page.fill("input[type=search]", "nobody has this");
    await see(".empty", "Nobody fits");
    await page.fill("input[type=search]", "");
    await page.click("tbody a");
    await see("h1", /=$/);
    connectionId = await page.textContent("h1");
    await say(socket, HOSTILE);
    await see(".chat .frame.in", "owned=1");
    await see(".chat .frame.out", "owned=1");
    await isSafe();
    await accessible(page, "one connection");
    await fits("one connection");
  });

  await step("one client is sent to and closed, after a question", async () => {
    const came = once(socket, "message");
    await page.fill(".reach textarea", `pushed ${HOSTILE}`);
    await page.getByRole("button", { name: "Send" }).click();
    assert.match(String((await came)[0]), /^pushed /);
    await see(".reach [role=status]", "Sent.");
    await isSafe();
    await page.fill(".closing input >> nth=0", "999");
    await page.getByRole("button", { name: "Close…" }).click();
    await page.getByRole("button", { name: "Close it" }).click();
    await see(".reach [role=status]", "no close code");
    await page.fill(".closing input >> nth=0", "4001");
    await page.fill(".closing input >> nth=1", "enough");
    const closed = once(socket, "close");
    await page.getByRole("button", { name: "Close…" }).click();
    await page.getByRole("button", { name: "Close it" }).click();
    const [code, reason] = await closed;
    assert.deepEqual([code, String(reason)], [4001, "enough"]);
    await see(".badge", "closed");
  });

  await step("an API shows what will bite, its stages and routes", async () => {
    await open("#/api");
    await page.click(".apis a");
    await see(".findings", "connection-id-not-told");
    await see(".routes", "lose");
    await see("[aria-label='Stage dev']", "Deploys itself");
    await isSafe();
    await accessible(page, "one API");
    await fits("one API");
  });

  await step("an edit shows as a difference, and Deploy makes it go", async () => {
    await call(gateway.url, "PATCH", `/v2/apis/${apiId}/stages/dev`, { autoDeploy: false });
    const { items } = await call(gateway.url, "GET", `/v2/apis/${apiId}/integrations`);
    const { integrationId } = items.find(({ integrationMethod }) => integrationMethod === "GET");
    await call(gateway.url, "PATCH", `/v2/apis/${apiId}/integrations/${integrationId}`, { integrationMethod: "POST" });
    // Somebody else edited it, so the page finds out by itself.
    await see(".differences", "integrationMethod is `GET` where it is deployed, and `POST` now");
    const changed = page.locator(".routes li", { has: page.locator("strong", { hasText: /^lose$/ }) });
    await changed.locator(".changed summary").click();
    const [before, after] = await changed.locator(".beside > div").allTextContents();
    assert.match(before, /deployed to dev.*GET http/s);
    assert.match(after, /edited.*POST http/s);
    await page.selectOption("[aria-labelledby=routes-title] header select", "dev");
    await see(".routes", "GET http");
    await page.selectOption("[aria-labelledby=routes-title] header select", "");
    await accessible(page, "an API that is edited");
    await fits("an API that is edited");
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await page.locator(".differences").waitFor({ state: "detached" });
    const { deployed } = await (await fetch(`${gateway.url}/_gatewright/v1/changes?api=${apiId}&stage=dev`)).json();
    assert.equal(deployed[`integration ${integrationId}`].integrationMethod, "POST");
  });

  await step("a message is tried without being sent", async () => {
    const before = (await (await fetch(`${gateway.url}/_gatewright/v1/events?limit=1000`)).json()).events.length;
    await page.fill(".try textarea", '{"action":"mapped","text":"hi"}');
    await page.getByRole("button", { name: "Try" }).click();
    await see(".tried", "mapped");
    await see(".tried pre", "POST");
    await see(".tried .provenance .piece", "hi");
    await page.selectOption(".try select >> nth=1", "CONNECT");
    await page.getByLabel("Headers, a line each").fill("no header");
    await page.getByRole("button", { name: "Try" }).click();
    await see("[aria-labelledby=try-title] [role=status]", "has to be Name: value");
    await page.getByLabel("Headers, a line each").fill("X-Who: ada");
    await page.getByRole("button", { name: "Try" }).click();
    await see(".tried", "No route");
    await page.selectOption(".try select >> nth=1", "MESSAGE");
    await page.fill(".try textarea", HOSTILE);
    await page.getByRole("button", { name: "Try" }).click();
    await see(".tried", "$default");
    await isSafe();
    const after = (await (await fetch(`${gateway.url}/_gatewright/v1/events?limit=1000`)).json()).events.length;
    assert.equal(after, before);
  });

  await step("a template is played with, its faults have a place, and it is saved", async () => {
    const template = page.getByLabel("Template", { exact: true });
    await template.fill("a\n#if($x");
    await see(".play-result", "Line 2");
    await see(".play-result .caret", "^");
    await page.getByLabel("Stage variables, as JSON").fill('{"host": "a.example"}');
    await template.fill("$stageVariables.host!");
    await see(".play-result", "a.example!");
    await page.getByLabel("Stage variables, as JSON").fill("[1]");
    await see(".play-result", "stage variables: it has to be a JSON object");
    await page.getByLabel("Stage variables, as JSON").fill("");
    await template.fill("\t#if($x");
    await see(".play-result .caret", /^\t#if\(\$x\n\t *\^$/);
    await template.fill(`{"said": "$input.path('$.user')", "html": "${HOSTILE.replaceAll('"', "'")}"}`);
    await see(".play-result .piece", "ada");
    await isSafe();
    await page.getByRole("button", { name: /^Save to integration / }).click();
    await page.getByRole("button", { name: "Save it" }).click();
    await see(".differences", "requestTemplates.$default");
    await isSafe();
  });

  await step("charts are drawn, and their numbers stand in a table", async () => {
    await open("#/charts");
    await page.locator(".chart canvas").first().waitFor({ timeout: 40_000 });
    assert.equal(await page.locator(".chart canvas").count(), 5);
    await page.click(".numbers summary");
    await see(".numbers table", "p99");
    const { stages } = await (await fetch(`${gateway.url}/_gatewright/v1/series`)).json();
    const sum = stages[0].messages.reduce((all, one) => all + (one ?? 0), 0);
    assert.ok(sum >= 2, `${sum} messages`);
    await isSafe();
    await accessible(page, "charts");
    await fits("charts");
  });

  await step("the page asked no other address and met no policy", () => {
    assert.deepEqual([...browser.origins], [gateway.url]);
    const answered = /^Failed to load resource: the server responded with a status of 4\d\d/;
    assert.deepEqual(browser.complaints.filter((text) => !answered.test(text)), []);
  });
}

await browser.run(steps, async () => {
  await stop(gateway);
  backend.end();
});
