// Which line of a template wrote what: the mapped body beside its template, each showing the other's place.

import { html, useMemo, useState } from "../html.js";

/** Pieces of a body that can be pointed at; what follows is one piece without a line. */
const PIECES_MAX = 1000;

/** `text` in pieces, each {text, line}: `lines` are ranges in bytes, so they are found in its UTF-8. */
export function cut(text, lines) {
  const all = new TextEncoder().encode(text);
  const read = (from, to) => new TextDecoder().decode(all.subarray(from, to));
  const found = [];
  let end = 0;
  for (const { from, to, line } of lines.slice(0, PIECES_MAX)) {
    if (!(from >= end && to > from && from < all.length)) continue;
    if (from > end) found.push({ text: read(end, from), line: null });
    end = Math.min(to, all.length);
    found.push({ text: read(from, end), line });
  }
  if (end < all.length) found.push({ text: read(end, all.length), line: null });
  return found;
}

const bodyOf = (record) => (record.template.kind === "request" ? record.request?.body : record.reply?.body);

export function Provenance({ record }) {
  const { template } = record;
  const [at, point] = useState(null);
  const body = template ? (bodyOf(record) ?? "") : "";
  const pieces = useMemo(() => (template?.lines ? cut(body, template.lines) : []), [template, body]);
  if (!template || typeof template.text !== "string" || pieces.length === 0) return null;
  const source = template.text.split("\n");
  const marks = (line) => ({ "data-at": line !== null && line === at ? "" : undefined, onMouseEnter: () => point(line) });
  return html`
    <section class="provenance" aria-labelledby="provenance-title">
      <h3 id="provenance-title">Which line of the template wrote it</h3>
      <p class="soft">${at === null ? "Point at a piece of the body, or move to it by Tab." : html`Line ${at}: <code>${source[at - 1]}</code>`}</p>
      <div class="both">
        <div><h4>After mapping</h4><pre class="body">${pieces.map(({ text, line }) => (line === null ? text : html`<span class="piece" tabindex="0" ...${marks(line)} onFocus=${() => point(line)}>${text}</span>`))}</pre></div>
        <div><h4>The template <code>${template.key}</code></h4><ol class="source">${source.map((text, index) => html`<li ...${marks(index + 1)}><code>${text || " "}</code></li>`)}</ol></div>
      </div>
    </section>
  `;
}
