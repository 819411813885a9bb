// Takes the picture of the console that the README shows: the events of a conversation, two of which failed.
//
// usage: node picture.mjs CHROMIUM CONSOLE-URL PICTURE.png
import process from "node:process";

import { Tour } from "./browser.mjs";

const [executablePath, url, file] = process.argv.slice(2);
/** As wide as a page of text is shown, and high enough for a conversation. */
const SIZE = { width: 1200, height: 720 };

const browser = await Tour.start(executablePath);
const { page } = browser;

await browser.run(async () => {
  await browser.step("the console shows the conversation", async () => {
    await page.setViewportSize(SIZE);
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await page.goto(`${url}/_console/#/live`);
    await browser.see("#app", "say");
    await browser.see("#app", "$connect");
  });
  await browser.step("and its picture is taken", () => page.screenshot({ path: file }));
});
if (browser.complaints.length) {
  console.log(browser.complaints.join("\n"));
  process.exitCode = 1;
}
