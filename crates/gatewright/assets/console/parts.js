// Small pieces that views share.

import { html, useRef, useState } from "./html.js";
import { pieces, pretty } from "./text.js";

/** How long a button says what it did, in milliseconds. */
const SAID = 1500;

/** A button that copies `text`, or what the function `text` gives when it is pressed. */
export function CopyButton({ text, label, children = "Copy", class: name = "small" }) {
  const [said, say] = useState(null);
  const button = useRef(null);
  const copy = async () => {
    say((await copied(typeof text === "function" ? text() : text)) ? "Copied" : "Not copied");
    setTimeout(() => say(null), SAID);
  };
  return html`<button ref=${button} type="button" class=${name} aria-label=${label ? `Copy ${label}` : undefined} onClick=${copy}>${said ?? children}</button>`;
}

/** Puts `text` on the clipboard; whether it could. */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without a secure context there is no clipboard; a field and the old command do it too.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

/** A line to take away: the text and a button that copies it. */
export const Copyable = ({ text, label }) => html`<div class="copy"><code>${text}</code><${CopyButton} text=${text} label=${label} /></div>`;

/** A word with a ground: tone is "", "bad", "note" or "calm". */
export const Badge = ({ tone = "", title, children }) => html`<span class="badge" data-tone=${tone} title=${title}>${children}</span>`;

/** What stands where nothing is there yet: what it will be, and what to do first. */
export const Empty = ({ title, children }) => html`<div class="empty">${title && html`<h3>${title}</h3>`}${children}</div>`;

/** Text laid out where it is JSON, its keys and strings coloured. */
export function Text({ text, class: name = "" }) {
  const parts = pieces(pretty(text));
  return html`<pre class=${name}>${parts.map(([kind, part]) => (kind ? html`<span class=${kind}>${part}</span>` : part))}</pre>`;
}

/** A switch with words. */
export const Switch = ({ on, onChange, children }) =>
  html`<label class="check"><input type="checkbox" role="switch" checked=${on} onChange=${(event) => onChange(event.target.checked)} /> ${children}</label>`;
