// Text for people: JSON laid out, sizes, times.

import { el } from "./dom.js";

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

/** A `pre` with `text` in it, coloured. */
export function block(text, className = "") {
  const pre = el("pre", { className });
  for (const [kind, part] of pieces(pretty(text))) pre.append(kind ? el("span", { className: kind }, part) : part);
  return pre;
}

export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
export const bytes = (number) => count(number, "byte");
export const byteLength = (text) => new TextEncoder().encode(text).length;

/** Cut at `max` characters. */
export const shortened = (text, max) => (text.length > max ? `${text.slice(0, max)}…` : text);

/** The path of a URL without its query; what is no URL stays as it is. */
export const pathOf = (url) => url.replace(/^\w+:\/\/[^/]+/, "").replace(/\?.*/, "") || url;

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" };

/** The time of day; with its milliseconds where `fine`. */
export function time(at = new Date(), fine = true) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  return date.toLocaleTimeString("en-GB", fine ? { ...CLOCK, fractionalSecondDigits: 3 } : CLOCK);
}
