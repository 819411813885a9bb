// Plays the corpus of filters on the console's own reading of them.
//
// usage: node filter-cases.mjs FILTER.JS CASES.JSON
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";

const [script, corpus] = process.argv.slice(2);
// The page's files are modules by their content type; Node asks for a sign of it.
const source = `data:text/javascript,${encodeURIComponent(readFileSync(script, "utf8"))}`;
const { readFilter, quoted } = await import(source).catch(() => import(pathToFileURL(script).href));
const { rows, cases } = JSON.parse(readFileSync(corpus, "utf8"));

assert.ok(cases.length >= 60, `only ${cases.length} cases`);
for (const { filter, lets, error } of cases) {
  let found;
  try {
    const holds = readFilter(filter);
    found = Object.keys(rows).filter((name) => holds(rows[name]));
  } catch (thrown) {
    found = thrown.message;
  }
  assert.deepEqual(Array.isArray(found) ? found.sort() : found, error ?? lets.sort(), filter);
}
assert.throws(() => readFilter("x".repeat(1001)), /1000 bytes/);
assert.throws(() => readFilter("x ".repeat(33)), /32 terms/);
for (const text of ["join", "two words", 'with "marks"']) {
  const key = text.replaceAll('"', "");
  assert.ok(readFilter(`route:${quoted(text)}`)({ routeKey: key }), text);
}
console.log(`${cases.length} cases`);
