// The way of a message in one line: browser, gateway, backend, and what travels between them lights up.

import { html, useEffect, useState } from "../html.js";
import { shortened } from "../text.js";

/** How long a lane stays lit, and how far apart the steps of one message light up, in milliseconds. */
const LIT = 1500;
const STEP = 260;
/** How much of a caption is shown, in characters. */
const CAPTION_MAX = 60;

/** What lights up for a line of the conversation: [lane, caption, after so many steps, kind]. */
function lightsOf({ kind, text, row }) {
  if (kind === "sent" && row) {
    const isLost = row.kind === "loss";
    return [["call", `${row.target ?? "no call"}${isLost ? ", body dropped" : ""}`, 0, isLost ? "warn" : ""], ["answer", `${row.backendStatus ?? "no answer"}`, 1, ""]];
  }
  if (kind === "sent") return [["send", text, 0, ""]];
  if (kind === "came") return row?.eventType === "PUSH" ? [["answer", "POST /@connections/{id}", 0, ""], ["receive", text, 1, ""]] : [["receive", text, 2, ""]];
  return [];
}

/** {lane: {caption, kind, turn}} of what travels now on `socket`. */
function useLights(socket) {
  const [lit, light] = useState({});
  const last = socket.lines.at(-1);
  const lastSent = socket.lines.findLast(({ kind }) => kind === "sent");
  useEffect(() => {
    const timers = [];
    for (const line of new Set([last, lastSent])) {
      if (!line || Date.now() - line.at > LIT) continue;
      for (const [lane, caption, steps, kind] of lightsOf(line)) {
        timers.push(setTimeout(() => light((lit) => ({ ...lit, [lane]: { caption, kind, turn: `${line.id}${lane}` } })), steps * STEP));
      }
    }
    timers.push(setTimeout(() => light({}), LIT + 2 * STEP));
    return () => timers.forEach(clearTimeout);
  }, [last, lastSent]);
  return lit;
}

export function Strip({ app, socket }) {
  const lit = useLights(socket);
  const isAway = app.rows.downSince !== null;
  const lane = (name, way, words) => html`<div class=${`lane ${way}`} key=${lit[name]?.turn ?? name} data-lit=${lit[name]?.kind}><span>${shortened(lit[name]?.caption ?? words, CAPTION_MAX)}</span></div>`;
  const words = { closed: "not connected", opening: "connecting", open: "connected", closing: "closing" }[socket.state];
  return html`
    <section class="strip" aria-label="How a message travels">
      <div class="node" data-on=${socket.isOpen ? "" : undefined}><svg viewBox="0 0 24 24" aria-hidden="true"><rect x="3" y="4.5" width="18" height="15" rx="2.5" /><path d="M3 9h18M6 6.8h.01M8.6 6.8h.01" /></svg>
        <div><strong>This browser</strong><small>${words}</small></div></div>
      <div class="link" aria-hidden="true">${lane("send", "right", "WebSocket frame")}${lane("receive", "left", "WebSocket frame")}</div>
      <div class="node" data-away=${isAway ? "" : undefined}><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 21V10a8 8 0 0 1 16 0v11M12 2v19M4 13h16" /></svg>
        <div><strong>Gateway</strong><small>${isAway ? "does not answer" : "chooses a route"}</small></div></div>
      <div class="link" aria-hidden="true">${lane("call", "right", "HTTP request")}${lane("answer", "left", "HTTP answer or push")}</div>
      <div class="node"><svg viewBox="0 0 24 24" aria-hidden="true"><rect x="4" y="4" width="16" height="7" rx="2" /><rect x="4" y="13" width="16" height="7" rx="2" /><path d="M7.5 7.5h.01M7.5 16.5h.01M11 7.5h5.5M11 16.5h5.5" /></svg>
        <div><strong>Backend</strong><small>plain HTTP server</small></div></div>
      <p class="caption first" aria-hidden="true">WebSocket frames</p>
      <p class="caption second" aria-hidden="true">HTTP calls, pushes</p>
    </section>
  `;
}
