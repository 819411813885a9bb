// A page of another origin in a real browser: what it may do with the gateway.
//
// usage: node foreign-page.mjs
// Serves a page of its own, which tries everything, twice: of the origin that is allowed, and of another. Prints its origins
// first, waits for a line with gateway, target and executablePath (the gateway starts meanwhile), and prints what came of each try as JSON.
import { once } from "node:events";
import http from "node:http";
import process from "node:process";
import { createInterface } from "node:readline";

import { PATIENCE, require } from "./browser.mjs";

const { chromium } = require("playwright-core");

const server = http.createServer((_, answer) => answer.end("<!doctype html><title>page</title>"));
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address();
const origins = { allowed: `http://127.0.0.1:${port}`, foreign: `http://localhost:${port}` };
console.log(JSON.stringify(origins));

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { gateway, target, executablePath } = JSON.parse((await lines.next()).value);

/** Runs in the page. */
async function tries({ gateway, target, patience }) {
  const told = {};
  const attempt = async (name, does) => {
    const late = new Promise((_, fail) => setTimeout(() => fail(new Error("nothing came")), patience));
    told[name] = await Promise.race([does(), late]).catch((error) => `refused: ${error.name}`);
  };
  await attempt("list", async () => (await fetch(`${gateway}/v2/apis`)).status);
  const body = JSON.stringify({ name: "by a page", protocolType: "WEBSOCKET", routeSelectionExpression: "$request.body.action" });
  const signed = { "content-type": "application/json", "x-amz-date": "20261201T000000Z" };
  await attempt("create", async () => {
    const answer = await fetch(`${gateway}/v2/apis`, { method: "POST", headers: signed, body });
    const { apiId } = await answer.json();
    return (await fetch(`${gateway}/v2/apis/${apiId}`, { method: "DELETE", headers: signed })).status;
  });
  await attempt("create as a form does", async () => {
    // Sent without a question before; the answer cannot be read.
    const answer = await fetch(`${gateway}/v2/apis`, { method: "POST", mode: "no-cors", headers: { "content-type": "text/plain" }, body });
    return answer.type;
  });
  await attempt("metrics", async () => (await (await fetch(`${gateway}/_metrics`)).text()).includes("gatewright_"));
  await attempt("feed", () => new Promise((good, bad) => {
    const feed = new EventSource(`${gateway}/_gatewright/v1/log`);
    feed.onopen = () => (feed.close(), good("open"));
    feed.onerror = () => (feed.close(), bad(new Error("closed")));
  }));
  await attempt("push", async () => {
    const answer = await fetch(`${gateway}${target}/@connections/abcdefghijklmno=`, { method: "POST", headers: signed, body: "x" });
    return [answer.status, answer.headers.has("x-amzn-requestid")];
  });
  const socket = (url) => () => new Promise((good, bad) => {
    const opened = new WebSocket(url.replace("http", "ws"));
    opened.onopen = () => (opened.close(), good("open"));
    opened.onerror = () => bad(new Error("closed"));
  });
  await attempt("WebSocket to the feed", socket(`${gateway}/_gatewright/v1/log`));
  await attempt("WebSocket to the stage", socket(`${gateway}${target}`));
  return told;
}

const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"] });
const told = {};
for (const [name, origin] of Object.entries(origins)) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(origin);
  told[name] = await page.evaluate(tries, { gateway, target, patience: PATIENCE });
}
await browser.close();
server.close();
console.log(JSON.stringify(told));
process.exit(0);
