// What axe-core finds in a page that stands there now: nothing serious, in light and dark.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { require } from "./browser.mjs";

const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
/** What must not be found. */
const IMPACTS = ["serious", "critical"];

/** Fails with every serious finding of the page as it is; `what` names the view. */
export async function accessible(page, what) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // The page's policy forbids scripts from elsewhere; what the browser's own protocol evaluates is not the page's.
    await page.evaluate(AXE);
    const { violations, passes } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations", "passes"] }));
    assert.ok(passes.length > 5, `${what}: axe-core looked at nothing`);
    const found = violations
      .filter(({ impact }) => IMPACTS.includes(impact))
      .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} ${target.join(" ")}: ${failureSummary}`));
    assert.deepEqual(found, [], `${what}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "no-preference" });
}
