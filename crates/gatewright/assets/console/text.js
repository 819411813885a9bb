// Text for people: JSON laid out, sizes, times.

/** How much of one body is shown, in characters. */
export const SHOWN_MAX = 4000;

export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How far JSON is indented; what is nested deeper stands on one line. */
const INDENT_MAX = 16;

/** JSON for people: what is short stands on one line, the rest is indented. */
function layout(value, indent = "") {
  if (indent.length > INDENT_MAX) return JSON.stringify(value);
  const flat = JSON.stringify(value, null, 1).replace(/\n\s*/g, " ");
  // Nested values stand in narrow columns and wrap sooner.
  if (value === null || typeof value !== "object" || flat.length <= (indent ? 44 : 64)) return flat;
  const deeper = `${indent}  `;
  const list = Array.isArray(value);
  const parts = Object.entries(value).map(([key, part]) => `${deeper}${list ? "" : `${JSON.stringify(key)}: `}${layout(part, deeper)}`);
  return `${list ? "[" : "{"}\n${parts.join(",\n")}\n${indent}${list ? "]" : "}"}`;
}

/** `text` laid out where it is JSON, else unchanged; cut at SHOWN_MAX. */
export function pretty(text) {
  if (text.length > SHOWN_MAX) return `${text.slice(0, SHOWN_MAX)} … (${text.length} characters)`;
  const value = parsed(text);
  try {
    return value !== null && typeof value === "object" ? layout(value) : text;
  } catch {
    return text; // nested deeper than a call can go
  }
}

/** `shown` in pieces, each ["key" | "text" | "", characters]: keys and strings of JSON get a colour. */
export function pieces(shown) {
  const found = [];
  let end = 0;
  if (/^\s*[{[]/.test(shown)) {
    for (const match of shown.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)) {
      found.push(["", shown.slice(end, match.index)], [match[2] ? "key" : "text", match[1]]);
      end = match.index + match[1].length;
    }
  }
  found.push(["", shown.slice(end)]);
  return found;
}

export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
export const bytes = (number) => count(number, "byte");

const grouped = new Intl.NumberFormat("en-GB");
const one = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** A number of bytes for a column: "812 B", "1.2 KB"; empty where there is none. */
export function sizeText(number) {
  if (typeof number !== "number") return "";
  if (number < 1024) return `${number} B`;
  return number < 1024 * 1024 ? `${one.format(number / 1024)} KB` : `${one.format(number / 1024 / 1024)} MB`;
}

/** A number of milliseconds for a column: "0.42 ms", "12.5 ms", "1.50 s"; empty where there is none. */
export function timeText(millis) {
  if (typeof millis !== "number") return "";
  if (millis >= 1000) return `${(millis / 1000).toFixed(2)} s`;
  return millis >= 100 ? `${grouped.format(Math.round(millis))} ms` : `${millis.toFixed(millis >= 10 ? 1 : 2)} ms`;
}

export const byteLength = (text) => new TextEncoder().encode(text).length;

/** Cut at `max` characters. */
export const shortened = (text, max) => (text.length > max ? `${text.slice(0, max)}…` : text);

/** The path of a URL without its query; what is no URL stays as it is. */
export const pathOf = (url) => url.replace(/^\w+:\/\/[^/]+/, "").replace(/\?.*/, "") || url;

// Written by hand: the locale's own way costs more than the rest of a row.
const two = (number) => String(number).padStart(2, "0");

/** The time of day; with its milliseconds where `fine`. */
export function time(at = new Date(), fine = true) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return fine ? `${clock}.${String(date.getMilliseconds()).padStart(3, "0")}` : clock;
}
