// What became of a message at each step: what came in, after mapping, on the wire, what came back, what went out.

import { html, useState } from "../html.js";
import { diff } from "../diff.js";
import { inLines, looksLikeJson } from "../json-lines.js";
import { lostBody } from "../told.js";
import { byteLength, bytes, pieces, shortened } from "../text.js";

/** How much of each body the gateway keeps, in bytes: what is longer is cut there. */
const KEPT_MAX = 16 * 1024;
/** How many headers are shown, and how much of one, in characters. */
const HEADERS_MAX = 100;
const HEADER_MAX = 4000;

export function Way({ record }) {
  const stations = record.eventType === "PUSH" ? push(record) : walk(record);
  return html`<section class="way" aria-label="What became of it at each step">${stations}</section>`;
}

function Station({ name, title, size, children }) {
  return html`<article class="station" data-station=${name}><h3>${title}${size !== undefined && size !== null && html` <small>${bytes(size)}</small>`}</h3>${children}</article>`;
}

const nothing = (text) => html`<p class="nothing">${text}</p>`;

function walk(record) {
  const { request, response } = record;
  return html`
    <${CameIn} record=${record} />
    ${request && html`<${Mapped} record=${record} />`}
    <${Wire} record=${record} />
    ${request && html`<${CameBack} response=${response} />`}
    ${record.eventType !== "DISCONNECT" && html`<${WentOut} record=${record} />`}
  `;
}

function push({ body, bodyBytes, status, method }) {
  return html`
    <${Station} name="push" title="Posted to the connection" size=${bodyBytes}>
      <${Words} text=${`${method ?? "POST"} @connections`} />
      <${Body} text=${body ?? ""} whole=${bodyBytes} />
    <//>
    <${Station} name="reply" title="Went out">${nothing(status < 300 ? `to the client, as it was posted; the caller got ${status}` : `nothing: the caller got ${status}`)}<//>
  `;
}

function CameIn({ record: { eventType, query, message, disconnect } }) {
  if (eventType === "CONNECT") return html`<${Station} name="came" title="Came in">${query ? html`<${Words} text=${`?${query}`} />` : nothing("a handshake without a query string")}<//>`;
  if (eventType === "DISCONNECT") {
    const reason = disconnect?.reason ? `, ${disconnect.reason}` : "";
    return html`<${Station} name="came" title="Came in"><p>gone: close code ${disconnect?.code ?? "unknown"}${reason}</p><//>`;
  }
  if (!message) return html`<${Station} name="came" title="Came in">${nothing("not kept")}<//>`;
  return html`<${Station} name="came" title="Came in" size=${message.bodyBytes}><${Body} text=${message.body} whole=${message.bodyBytes} /><//>`;
}

function Mapped({ record: { request, message } }) {
  const before = message?.body;
  const isSame = before !== undefined && before === request.body;
  return html`
    <${Station} name="mapped" title="After mapping" size=${request.bodyBytes}>
      ${isSame && before ? nothing("passed through as it came") : html`<${Body} text=${request.body} whole=${request.bodyBytes} before=${before} />`}
    <//>
  `;
}

function Wire({ record }) {
  const { request } = record;
  if (!request) return html`<${Station} name="request" title="Sent to the backend">${nothing("no call was made")}<//>`;
  const lost = lostBody(record);
  const line = request.url.startsWith("mock") ? "MOCK" : `${request.method} ${request.url}`;
  return html`
    <${Station} name="request" title="Sent to the backend" size=${lost === null ? request.bodyBytes : 0}>
      <${Words} text=${line} />
      <${Headers} list=${request.headers} />
      ${lost !== null && html`<p class="lost-says">Not sent: a ${request.method} request carries no body.</p>`}
      ${lost !== null ? html`<del><${Body} text=${lost} whole=${request.bodyBytes} /></del>` : nothing(request.body ? "with the body as mapped" : "no body")}
    <//>
  `;
}

function CameBack({ response }) {
  if (!response) return html`<${Station} name="response" title="Came back">${nothing("no answer")}<//>`;
  return html`
    <${Station} name="response" title="Came back" size=${response.bodyBytes ?? 0}>
      <${Words} text=${`Status ${response.status}`} />
      <${Headers} list=${response.headers} />
      <${Body} text=${response.body} whole=${response.bodyBytes} />
    <//>
  `;
}

function WentOut({ record: { eventType, status, reply, response, failure, replyBytes } }) {
  if (eventType === "CONNECT") return html`<${Station} name="reply" title="Went out"><${Words} text=${status < 300 ? "101 Switching Protocols" : `Status ${status}`} /><//>`;
  if (failure) return html`<${Station} name="reply" title="Went out" size=${replyBytes ?? 0}><p class="failure">${failure}</p><//>`;
  if (!reply?.twoWay || !reply.body) return html`<${Station} name="reply" title="Went out">${nothing(reply?.twoWay ? "nothing: the answer has no body" : "nothing: the route is one-way")}<//>`;
  const isSame = reply.body === response?.body;
  return html`
    <${Station} name="reply" title="Went out" size=${reply.bodyBytes}>
      ${isSame ? nothing("as it came back") : html`<${Body} text=${reply.body} whole=${reply.bodyBytes} before=${response?.body} />`}
    <//>
  `;
}

const Words = ({ text }) => html`<pre class="first-line">${shortened(text, HEADER_MAX)}</pre>`;

function Headers({ list }) {
  if (!list?.length) return null;
  return html`
    <details class="headers">
      <summary>${list.length === 1 ? "a header" : `${list.length} headers`}</summary>
      <table class="pairs"><tbody>
        ${list.slice(0, HEADERS_MAX).map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${shortened(value, HEADER_MAX)}</td></tr>`)}
      </tbody></table>
    </details>
  `;
}

/** A body in lines; with `before`, what is other in it than in that one. `whole` is how long it was, in bytes, before it was cut. */
function Body({ text, whole, before }) {
  const [asDiff, setDiff] = useState(true);
  if (!text) return nothing("no body");
  const lines = before ? diff(inLines(before), inLines(text)) : null;
  // Where nothing stayed there is nothing to compare.
  const isDiff = lines !== null && lines.some(([sign, line]) => sign === " " && /\w/.test(line));
  return html`
    ${isDiff && html`<button type="button" class="small which" aria-pressed=${asDiff} onClick=${() => setDiff(!asDiff)}>changes</button>`}
    ${isDiff && asDiff ? html`<${Diff} lines=${lines} />` : html`<${Plain} text=${text} />`}
    ${typeof whole === "number" && whole > byteLength(text) && whole > KEPT_MAX && html`<p class="cut">Cut: bodies are kept up to ${KEPT_MAX / 1024} KiB, and this one has ${bytes(whole)}.</p>`}
  `;
}

function Plain({ text }) {
  const parts = looksLikeJson(text) ? pieces(inLines(text)) : [["", text]];
  return html`<pre class="body" tabindex="0">${parts.map(([kind, part]) => (kind ? html`<span class=${kind}>${part}</span>` : part))}</pre>`;
}

const SAYS = { "-": "was: ", "+": "is now: " };

function Diff({ lines }) {
  return html`<pre class="body diff" tabindex="0">${lines.map(([sign, line]) => html`<span data-sign=${sign}>${SAYS[sign] && html`<span class="unseen">${SAYS[sign]}</span>`}${`${line}\n`}</span>`)}</pre>`;
}
