// Many events while a page shows them: how late its frames are.
//
// usage, for figures: node flood.mjs GATEWRIGHT CHROMIUM
// Prints one JSON line: events sent, seconds, rows shown, the latest frame and the 99th percentile in milliseconds, and when the
// page was first painted.
import process from "node:process";
import { pathToFileURL } from "node:url";

import { Tour } from "./browser.mjs";
import { client, makeApi, startBackend, startGateway, stop } from "./surroundings.mjs";

const EVENTS = 10_000;
const MILLIS = 10_000;
/** What a frame takes where nothing is late, in milliseconds. */
const FRAME = 1000 / 60;
/** Clients that send, and the rounds of one second. */
const CLIENTS = 10;
const ROUND = 50;

/** Sends EVENTS within MILLIS to an API while `page` shows the table; gives {sent, seconds, shown, late, p99}. */
export async function flood(page, url, apiId) {
  await page.evaluate(() => {
    window.gaps = [];
    let before = performance.now();
    const frame = (now) => {
      window.gaps.push(now - before);
      before = now;
      window.measuring = requestAnimationFrame(frame);
    };
    window.measuring = requestAnimationFrame(frame);
  });
  const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => client(url, apiId)));
  for (const socket of sockets) socket.on("message", () => {});
  const began = performance.now();
  let sent = 0;
  while (performance.now() - began < MILLIS && sent < EVENTS) {
    const due = Math.min(EVENTS, ((performance.now() - began) / MILLIS) * EVENTS);
    for (; sent < due; sent += 1) sockets[sent % CLIENTS].send(`{"action":"flood","number":${sent}}`);
    await new Promise((resolve) => setTimeout(resolve, ROUND));
  }
  const seconds = (performance.now() - began) / 1000;
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const gaps = await page.evaluate(() => {
    cancelAnimationFrame(window.measuring);
    return window.gaps.slice(1);
  });
  const shown = Number((await page.locator(".rows").getAttribute("aria-rowcount")) ?? 1) - 1;
  for (const socket of sockets) socket.close();
  const late = gaps.map((gap) => Math.max(0, gap - FRAME)).sort((a, b) => a - b);
  return { sent, seconds, shown, late: Math.round(late.at(-1)), p99: Math.round(late[Math.floor(late.length * 0.99)]), frames: gaps.length };
}

async function figures(program, executablePath) {
  const backend = await startBackend();
  const gateway = await startGateway(program);
  const browser = await Tour.start(executablePath);
  try {
    const { page } = browser;
    const apiId = await makeApi(gateway.url, "flood", backend.url, [["$default", "/echo"]]);
    const paints = [];
    for (let round = 0; round < 5; round += 1) {
      await page.goto("about:blank");
      await page.goto(`${gateway.url}/_console/#/live`);
      await page.locator(".panel").first().waitFor();
      paints.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0));
    }
    const first = await client(gateway.url, apiId);
    await page.locator(".rows").waitFor();
    first.close();
    const measured = await flood(page, gateway.url, apiId);
    console.log(JSON.stringify({ ...measured, firstPaintMs: paints.map(Math.round) }));
  } finally {
    await browser.browser.close();
    await stop(gateway);
    backend.end();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await figures(...process.argv.slice(2));
