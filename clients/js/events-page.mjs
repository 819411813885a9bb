// Drives the table of events and the view of one event in a real browser: what a person does, and what must never run.
//
// usage: node events-page.mjs GATEWRIGHT CHROMIUM
// Prints one line per step that held; ends with 1 and the step's name at the first that did not.
import assert from "node:assert/strict";
import process from "node:process";

import { accessible } from "./axe.mjs";
import { Tour } from "./browser.mjs";
import { flood } from "./flood.mjs";
import { client, makeApi, say, startBackend, startGateway, stop } from "./surroundings.mjs";

const [program, executablePath] = process.argv.slice(2);

/** What must not run, wherever it comes from. */
const HOSTILE = `<img src=x onerror="window.owned=1"><script>window.owned=1</script>`;
const TEMPLATE = `{\n  "said": $input.json('$.text'),\n  "note": "${HOSTILE.replaceAll('"', "'")}"\n}`;
/** The latest a frame may be in the gate, in milliseconds: other tests share its cores. `--figures` measures. */
const FRAME_LATE_MAX = 1500;

const backend = await startBackend();
const gateway = await startGateway(program);
const browser = await Tour.start(executablePath);
const { page } = browser;
const step = (what, does) => browser.step(what, does);
const see = (selector, text) => browser.see(selector, text);
const row = (text) => page.locator(".rows .row").filter({ hasText: text }).first();
const isSafe = async () => {
  assert.equal(await page.evaluate(() => window.owned), undefined);
  assert.equal(await page.locator("#app img, #app script, #app b").count(), 0);
};

/** No view is wider than a small phone. */
async function fits(what) {
  for (const width of [360, 768]) {
    await page.setViewportSize({ width, height: 740 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${what}: ${wide} px at ${width}`);
  }
  await page.setViewportSize({ width: 1360, height: 900 });
}

async function steps() {
  let apiId;

  await step("an empty gateway says what to type", async () => {
    await page.setViewportSize({ width: 1360, height: 900 });
    await page.goto(`${gateway.url}/_console/`);
    await see(".empty", "This gateway has no API yet");
    await see(".empty code", "gatewright serve --backend");
    await accessible(page, "an empty gateway");
    await fits("an empty gateway");
  });

  await step("with an API and no event it says how to begin", async () => {
    apiId = await makeApi(gateway.url, "chat", backend.url, [
      ["$default", "/echo"],
      ["lose", "/lose", { integrationMethod: "GET" }],
      ["wrong", "/500"],
      [HOSTILE, "/x"],
      ["mapped", "/mapped", { integrationType: "HTTP", requestTemplates: { "application/json": TEMPLATE }, templateSelectionExpression: "application/json" }],
    ]);
    await see(".empty code", "npx wscat -c");
    await see(".unwatched", "chat/dev");
  });

  await step("a person finds the lost body in at most four clicks", async () => {
    const socket = await client(gateway.url, apiId, "?user=ada");
    await say(socket, '{"action":"echo"}');
    // The backend echoes what it got, which is nothing: no answer comes.
    socket.send('{"action":"lose","text":"Please arrive"}');
    await say(socket, '{"action":"echo"}');
    socket.close();
    let clicks = 0;
    const click = async (locator) => {
      clicks += 1;
      await locator.click();
    };
    await click(row("lose"));
    await see(".told[data-kind=loss]", "body");
    await see(".told code", "update-integration");
    await see(".station[data-station=request] del", "Please arrive");
    await see(".station[data-station=request] .lost-says", "Not sent");
    assert.ok(clicks <= 4);
    await accessible(page, "an event beside the table");
  });

  await step("the search box filters, says what is wrong, and keeps the last filter that could be read", async () => {
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    await page.keyboard.type("route:lose");
    await see(".counts", /^1 of/);
    await page.fill(".search input", "status:abc");
    await see(".says", "is no status");
    await see(".counts", /^1 of/);
    await page.fill(".search input", "nothing-has-this");
    await see(".empty", "Nothing matches");
    await page.getByRole("button", { name: "Show all events" }).click();
    await page.getByRole("button", { name: "lost bodies" }).click();
    await see(".counts", /^1 of/);
    await page.getByRole("button", { name: "lost bodies" }).click();
  });

  await step("what comes from clients, backends and definitions never runs", async () => {
    const socket = await client(gateway.url, apiId, `?x=${encodeURIComponent(HOSTILE)}`);
    await say(socket, HOSTILE);
    await say(socket, JSON.stringify({ action: HOSTILE, text: HOSTILE }));
    await say(socket, JSON.stringify({ action: "mapped", text: HOSTILE }));
    socket.close(4000, "<b onclick=alert(1)>");
    await row("disconnect").waitFor();
    await isSafe();
    for (const name of ["<img src=x", "$default", "mapped", "connect", "disconnect"]) {
      await row(name).click();
      await see(".one-head", name);
      await page.locator(".one details").evaluateAll((all) => all.forEach((details) => (details.open = true)));
      await isSafe();
    }
  });

  await step("the template's line stands beside what it wrote", async () => {
    await row("mapped").click();
    await see(".provenance");
    // The template's second line wrote the text that the client sent.
    await page.locator(".provenance .piece", { hasText: "owned=1" }).first().focus();
    await see(".provenance > p", "Line 2");
    await isSafe();
    await accessible(page, "an event with a template");
  });

  await step("a failure stands out, in the table and alone", async () => {
    const socket = await client(gateway.url, apiId);
    await say(socket, '{"action":"wrong"}').catch(() => {});
    socket.close();
    await row("wrong").waitFor();
  });

  await step("an event is copied as lines that a shell takes as text", async () => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await row("$default").click();
    await see(".one-head", "$default");
    for (const [name, text] of [["curl", "curl --globoff"], ["wscat", "npx wscat --connect"], ["JSON", '"requestId"']]) {
      await page.locator(".copies button", { hasText: name }).click();
      await see(".copies button", "Copied");
      assert.ok((await page.evaluate(() => navigator.clipboard.readText())).includes(text), name);
    }
  });

  await step("keys do it all: search, move, open, close, pause", async () => {
    await page.keyboard.press("Escape");
    await page.locator(".side-pane").waitFor({ state: "detached" });
    await page.locator(".rows").focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await see(".side-pane");
    await page.keyboard.press("Escape");
    await page.keyboard.press("p");
    await see(".state", "paused");
    const socket = await client(gateway.url, apiId);
    await say(socket, '{"action":"echo"}');
    socket.close();
    await see(".counts", "more since the pause");
    await page.keyboard.press("p");
    await see(".state", "live");
    await page.keyboard.press("?");
    await see("dialog", "Pause");
    await page.keyboard.press("Escape");
  });

  await step("watch is one click", async () => {
    await page.getByRole("button", { name: "Watch chat/dev" }).click();
    await page.locator(".unwatched").waitFor({ state: "detached" });
    const { watched } = await (await fetch(`${gateway.url}/_gatewright/v1/watch`)).json();
    assert.deepEqual(watched, [{ apiId, stage: "dev" }]);
  });

  await step("both views fit a phone, and an event opens alone there", async () => {
    await accessible(page, "the table");
    await fits("the table");
    // Whatever a key opened before: a phone shows the table or an event, not both.
    await page.goto(`${gateway.url}/_console/#/live`);
    await page.setViewportSize({ width: 360, height: 740 });
    // A phone shows few rows: the search leads to it.
    await page.fill(".search input", "is:lost");
    await row("lose").click();
    await see(".back");
    await see(".told[data-kind=loss]");
    await accessible(page, "one event on a phone");
    await fits("one event");
    await page.goto(`${gateway.url}/_console/#/event/gone`);
    await see(".empty", "Nothing is kept of this event");
  });

  await step("ten thousand events in ten seconds leave the page awake", async () => {
    await page.goto(`${gateway.url}/_console/#/live`);
    await page.fill(".search input", "");
    await see(".rows");
    const { late, shown, sent } = await flood(page, gateway.url, apiId);
    assert.ok(sent >= 2000, `only ${sent} were sent`);
    assert.ok(shown > 1000, `only ${shown} are shown`);
    assert.ok(late < FRAME_LATE_MAX, `a frame was ${late} ms late`);
    assert.ok((await page.locator(".rows .row").count()) < 120, "all rows are drawn");
  });

  await step("the page asked no other address and met no policy", () => {
    assert.deepEqual([...browser.origins], [gateway.url]);
    const gone = /^Failed to load resource: the server responded with a status of 404/;
    assert.deepEqual(browser.complaints.filter((text) => !gone.test(text)), []);
  });
}

await browser.run(steps, async () => {
  await stop(gateway);
  backend.end();
});
