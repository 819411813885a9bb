// One event: the cause first, then where the time went, then what became of the message at each step.

import { html, useEffect, useRef, useState } from "../html.js";
import { inPath } from "../api.js";
import { curl, render, wscat } from "../copies.js";
import { useKeys } from "../keys.js";
import { Badge, CopyButton, Copyable, Empty } from "../parts.js";
import { lostBody, told, withoutId } from "../told.js";
import { shortened, time, timeText } from "../text.js";
import { kept } from "./kept.js";
import { Provenance } from "./provenance.js";
import { nameOf } from "./row-table.js";
import { Waterfall } from "./waterfall.js";
import { Way } from "./way.js";

/** How much of one line of the log is shown, in characters. */
const LINE_MAX = 4000;
/** Lines of the log that are shown. */
const LINES_MAX = 300;

/** The record of an event; {record} or {error}, or nothing yet. */
function useRecord(app, id) {
  const [got, set] = useState({});
  useEffect(() => {
    const asked = new AbortController();
    app.api(`events/${inPath(id)}`, { signal: asked.signal })
      .then((record) => set({ id, record }))
      .catch((error) => error.name === "AbortError" || set({ id, error }));
    return () => asked.abort();
  }, [id]);
  return got;
}

/** The view of `#/event/ID`. */
export function Event({ app, args: [id = "last-failure"] }) {
  useKeys([["Escape", "Back to the table", () => app.go("#/live")]]);
  const only = (text) => {
    kept.text = text;
    app.go("#/live");
  };
  return html`
    <p class="back"><a href="#/live">← Live</a></p>
    <section class="panel one" aria-label="One event"><${Told} app=${app} id=${id} onOnly=${only} /></section>
  `;
}

/** The same beside the table. */
export function EventPane({ app, id, onClose, onOnly }) {
  const box = useRef(null);
  useEffect(() => {
    box.current.scrollTop = 0;
  }, [id]);
  return html`
    <aside class="panel one side-pane" aria-label="One event" ref=${box} tabindex="0">
      <div class="pane-tools">
        <a class="quiet" href=${app.href("event", id)}>Open alone</a>
        <button type="button" class="quiet" onClick=${onClose}>Close <kbd>Esc</kbd></button>
      </div>
      <${Told} app=${app} id=${id} onOnly=${onOnly} />
    </aside>
  `;
}

function Told({ app, id, onOnly }) {
  // What was there stays until the next has come: nothing flickers while somebody goes through the rows.
  const { record, error } = useRecord(app, id);
  if (error) return html`<${NotKept} error=${error} />`;
  if (!record) return html`<${Empty}><p>Asking for it.</p><//>`;
  return html`
    <${Head} app=${app} record=${record} />
    <${Story} record=${record} story=${told(record, app.gateway)} />
    <${Copies} app=${app} record=${record} />
    <${Waterfall} record=${record} />
    <${Way} record=${record} />
    <${Provenance} key=${record.requestId} record=${record} />
    <${Log} record=${record} />
    <${Facts} app=${app} record=${record} onOnly=${onOnly} />
  `;
}

function NotKept({ error }) {
  const isAway = error.status === 0;
  return html`
    <${Empty} title=${isAway ? "No answer" : "Nothing is kept of this event"}>
      <p>${error.message}</p>
      ${!isAway && html`<p>Of a stage that is watched, or that logs, every event is kept; of others the failures alone. The switch stands above the table of events.</p>`}
    <//>
  `;
}

function Head({ app, record }) {
  const { eventType, status, spans, latencyMs, at } = record;
  const took = spans?.length ? Math.max(...spans.map(({ endedUs }) => endedUs)) / 1000 : latencyMs;
  return html`
    <header class="one-head">
      <h2><i data-kind=${eventType}></i>${shortened(nameOf(record), 120)}</h2>
      ${status && html`<${Badge} tone=${status >= 400 ? "bad" : ""}>${status}<//>`}
      ${lostBody(record) !== null && html`<${Badge} tone="note">body lost<//>`}
      <p class="soft">${eventType.toLowerCase()} at <a href=${app.href("api", record.apiId)}>${app.gateway.label(record)}</a>, ${time(at)}${typeof took === "number" ? `, ${timeText(took)}` : ""}</p>
    </header>
  `;
}

/** The cause, why it is so, and what mends it. */
function Story({ story }) {
  const { kind, headline, why, mend, place } = story;
  return html`
    <section class="told" data-kind=${kind} aria-label="What became of it">
      <h3>${headline}</h3>
      ${why.map((sentence) => html`<p>${sentence}</p>`)}
      ${place && html`<p class="soft">${place}</p>`}
      ${mend.map(({ text, command }) => html`<div class="mend"><p>${text}</p>${command && html`<${Copyable} text=${command} label="the command that mends it" />`}</div>`)}
    </section>
  `;
}

function Copies({ app, record }) {
  const url = app.gateway.publicUrl(record);
  const all = [
    ["curl", () => curl(record), "as curl: the call to the backend"],
    ["gatewright render", () => render(record), "as gatewright render: the template with its input"],
    ["wscat", () => wscat(record, url), "as wscat: the client"],
    ["JSON", () => JSON.stringify(record, null, 2), "as JSON: all of it"],
  ];
  return html`
    <div class="copies" role="group" aria-label="Copy as">
      <span class="soft">Copy as</span>
      ${all.map(([name, make, label]) => make() !== null && html`<${CopyButton} text=${make} label=${label} class="small">${name}<//>`)}
    </div>
  `;
}

function Log({ record }) {
  const lines = (record.lines ?? []).slice(0, LINES_MAX);
  if (lines.length === 0) return null;
  return html`
    <details class="log">
      <summary>The execution log, ${lines.length === 1 ? "a line" : `${lines.length} lines`}</summary>
      <ol class="log-lines">${lines.map(({ kind, at, text }) => html`<li data-kind=${kind}><time>${time(at)}</time> ${shortened(withoutId(text), LINE_MAX)}</li>`)}</ol>
    </details>
  `;
}

function Facts({ app, record, onOnly }) {
  const { connectionId, requestId, traceId, deploymentId } = record;
  const facts = [["request", requestId], ["trace", traceId], ["deployment", deploymentId]].filter(([, value]) => value);
  return html`
    <footer class="one-facts">
      <p>connection <a href=${app.href("connections", connectionId)}><code>${connectionId}</code></a>
        <button type="button" class="small" onClick=${() => onOnly(`connection:${connectionId}`)}>Only this connection</button></p>
      ${facts.map(([name, value]) => html`<p>${name} <code>${value}</code></p>`)}
    </footer>
  `;
}
