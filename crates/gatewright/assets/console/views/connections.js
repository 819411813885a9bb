// Who is connected: a table with a search, and one connection with its conversation, followed as it goes.

import { html, useChanges, useEffect, useRef, useState } from "../html.js";
import { inPath } from "../api.js";
import { useKeys } from "../keys.js";
import { Badge, Copyable, Empty, Text } from "../parts.js";
import { count, sizeText, time } from "../text.js";

/** How often the table is asked for anew, in milliseconds. */
const LOOK_EVERY = 3000;
const PAGE = 100;
/** Events of a conversation that are shown. */
const SAID_MAX = 100;

/** What `path` answers, asked again whenever `again` changes. */
function useAsked(app, path, again) {
  const [state, set] = useState({ answer: null, error: null });
  useEffect(() => {
    let isMeant = true;
    const done = (state) => isMeant && set(state);
    app.api(path).then((answer) => done({ answer, error: null }), (error) => done({ answer: null, error }));
    return () => (isMeant = false);
  }, [path, again]);
  return state;
}

/** A number that grows from time to time, while somebody looks. */
function useTicks(millis) {
  const [ticks, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || tick((ticks) => ticks + 1), millis);
    return () => clearInterval(timer);
  }, [millis]);
  return ticks;
}

const nameOf = ({ identity, userAgent }) => Object.values(identity ?? {}).find((value) => value) ?? userAgent ?? "";

export function Connections({ app, args }) {
  useChanges(app.gateway);
  return args[0] ? html`<${One} app=${app} id=${args[0]} />` : html`<${All} app=${app} />`;
}

function All({ app }) {
  const [text, setText] = useState("");
  const [pages, setPages] = useState([""]);
  const after = pages.at(-1);
  const path = `connections?limit=${PAGE}&search=${encodeURIComponent(text)}${after && `&after=${encodeURIComponent(after)}`}`;
  const { answer, error } = useAsked(app, path, useTicks(LOOK_EVERY));
  const search = useRef(null);
  useKeys([["/", "Search", () => search.current.focus()]]);
  const look = (event) => { setText(event.target.value); setPages([""]); };
  return html`
    <section class="panel" aria-labelledby="connections-title">
      <header>
        <h1 class="view-title" id="connections-title">Connections</h1>
        <p class="soft grows">${answer ? `${count(answer.total, "connection")} open` : ""}</p>
        <label class="field bare"><span class="unseen">Search</span>
          <input ref=${search} type="search" value=${text} onInput=${look} maxlength="200" placeholder="id, address, user agent, name" autocomplete="off" spellcheck=${false} /></label>
      </header>
      ${error && html`<p class="said-wrong" role="alert">${error.message}</p>`}
      ${answer && (answer.connections.length > 0 ? html`<${Table} app=${app} all=${answer.connections} />` : html`<${Nobody} app=${app} text=${text} answer=${answer} />`)}
      ${answer && (answer.next || pages.length > 1) && html`
        <p class="pages">
          <button type="button" class="quiet" disabled=${pages.length === 1} onClick=${() => setPages(pages.slice(0, -1))}>Back</button>
          <button type="button" class="quiet" disabled=${!answer.next} onClick=${() => setPages([...pages, answer.next])}>Next</button>
        </p>`}
    </section>
  `;
}

const Nobody = ({ app, text, answer }) => html`
  <${Empty} title=${text ? "Nobody fits" : "Nobody is connected"}>
    ${text
      ? html`<p>No connection has <code>${text}</code> in its id, address, user agent or name${answer.next ? ", as far as was looked" : ""}.</p>`
      : html`<p>Connections appear here as soon as a client has one. The <a href=${app.href("client")}>Client</a> opens one from this page.</p>`}
  <//>
`;

function Table({ app, all }) {
  return html`
    <div class="wide-table" tabindex="0" role="region" aria-label="Connections">
      <table class="table">
        <thead><tr><th scope="col">Connection</th><th scope="col">Stage</th><th scope="col">Since</th><th scope="col">Last active</th><th scope="col">From</th><th scope="col">Who</th><th scope="col" class="number">Waiting</th></tr></thead>
        <tbody>${all.map((one) => html`
          <tr key=${one.connectionId}>
            <td class="mono"><a href=${app.href("connections", one.connectionId)}>${one.connectionId}</a></td>
            <td>${app.gateway.label(one)}</td>
            <td>${time(one.connectedAt, false)}</td>
            <td>${time(one.lastActiveAt, false)}</td>
            <td class="mono">${one.sourceIp}</td>
            <td>${nameOf(one)}</td>
            <td class="number">${one.outboxMessages > 0 ? `${one.outboxMessages}, ${sizeText(one.outboxBytes)}` : "–"}</td>
          </tr>`)}</tbody>
      </table>
    </div>
  `;
}

function One({ app, id }) {
  const { answer, error } = useAsked(app, `connections/${inPath(id)}`, useTicks(LOOK_EVERY));
  const isGone = error?.status === 404;
  return html`
    <p class="back"><a href="#/connections">← Connections</a></p>
    <div class="one-connection">
      <section class="panel" aria-labelledby="connection-title">
        <header><h1 class="view-title mono" id="connection-title">${id}</h1>${isGone && html`<${Badge} tone="calm">closed<//>`}</header>
        ${error && !isGone && html`<p class="said-wrong" role="alert">${error.message}</p>`}
        ${answer && html`<${Facts} app=${app} one=${answer} />`}
        ${answer && html`<${Reach} app=${app} one=${answer} />`}
        ${isGone && html`<${Empty}><p>This connection is closed. What it said, as far as it is kept, stands beside.</p><//>`}
      </section>
      <${Conversation} app=${app} id=${id} />
    </div>
  `;
}

function Facts({ app, one }) {
  const facts = [
    ["Stage", app.gateway.label(one)], ["Connected at", time(one.connectedAt)], ["Last active at", time(one.lastActiveAt)], ["From", one.sourceIp],
    ["User agent", one.userAgent], ["Host", one.domainName], ["Principal", one.identity?.principalId], ["API key", one.identity?.apiKeyId],
    ["User", one.identity?.userArn], ["Certificate", one.identity?.certificate], ["Waiting", one.outboxMessages > 0 ? `${count(one.outboxMessages, "frame")}, ${sizeText(one.outboxBytes)}` : "nothing"],
  ];
  return html`<dl class="facts-list">${facts.filter(([, value]) => value).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

/** Sends to it, and closes it. */
function Reach({ app, one }) {
  const id = one.connectionId;
  const [text, setText] = useState("");
  const [code, setCode] = useState("1000");
  const [reason, setReason] = useState("");
  const [said, say] = useState(null);
  const [asks, ask] = useState(false);
  const reach = async (does, words, command) => {
    try {
      await does();
      say({ words });
      app.say(words);
    } catch (error) {
      say({ words: error.message, command: error.status === 403 ? command : null, wrong: true });
    }
  };
  const endpoint = app.gateway.callback(one);
  const send = (event) => {
    event.preventDefault();
    const command = app.gateway.aws(`apigatewaymanagementapi post-to-connection --connection-id ${id} --data file://message.json`, endpoint);
    reach(() => app.api(`connections/${inPath(id)}`, { method: "POST", body: text }), "Sent.", command);
  };
  const close = () => {
    ask(false);
    const command = app.gateway.aws(`apigatewaymanagementapi delete-connection --connection-id ${id}`, endpoint);
    reach(() => app.api(`connections/${inPath(id)}?code=${encodeURIComponent(code)}&reason=${encodeURIComponent(reason)}`, { method: "DELETE" }), `Closed with ${code}.`, command);
  };
  return html`
    <form class="reach" onSubmit=${send}>
      <label class="field">Text for this client<textarea rows="2" value=${text} onInput=${(event) => setText(event.target.value)} spellcheck=${false}></textarea></label>
      <p><button type="submit" class="primary" disabled=${text === ""}>Send</button></p>
      <div class="closing">
        <label class="field">Close code<input inputmode="numeric" value=${code} onInput=${(event) => setCode(event.target.value)} maxlength="4" size="6" /></label>
        <label class="field">Reason<input value=${reason} onInput=${(event) => setReason(event.target.value)} maxlength="123" /></label>
        ${asks
          ? html`<p role="alert">Its $disconnect runs, and this cannot be taken back. <button type="button" class="primary" onClick=${close}>Close it</button> <button type="button" class="quiet" onClick=${() => ask(false)}>Leave it open</button></p>`
          : html`<p><button type="button" class="quiet" onClick=${() => ask(true)}>Close…</button></p>`}
      </div>
      ${said && html`<p class=${said.wrong ? "said-wrong" : "soft"} role="status">${said.words}</p>`}
      ${said?.command && html`<${Copyable} text=${said.command} label="the AWS command" />`}
    </form>
  `;
}

/** What was said on it, the oldest first: frames in both directions, the calls to the backend between them. */
function Conversation({ app, id }) {
  useChanges(app.rows);
  const came = app.rows.all.findLast(({ connectionId }) => connectionId === id)?.requestId;
  const { answer } = useAsked(app, `events?whole=1&limit=${SAID_MAX}&connection=${encodeURIComponent(id)}`, came);
  const events = answer?.events ?? [];
  return html`
    <section class="panel" aria-labelledby="conversation-title">
      <header><h2 id="conversation-title">Conversation</h2><p class="soft">${events.length > 0 ? count(events.length, "event") : ""}</p></header>
      ${events.length > 0
        ? html`<ol class="chat">${events.map((event) => html`<${Said} app=${app} event=${event} key=${event.requestId} />`)}</ol>`
        : html`<${Empty} title="Nothing is kept of it"><p>What comes from now on appears here. Of a stage that logs nothing, events are kept while a page is open or the stage is watched.</p><//>`}
    </section>
  `;
}

function Said({ app, event }) {
  const { eventType, message, request, response, reply, failure, disconnect, query, status } = event;
  const call = request && html`<p class="soft">→ <span class="mono">${request.method} ${request.url}</span>${response ? ` ${response.status}` : ""}</p>`;
  const tone = event.story?.kind === "failure" ? "bad" : event.story?.kind === "loss" ? "note" : "calm";
  return html`
    <li data-type=${eventType}>
      <p class="said-head"><a href=${app.href("event", event.requestId)}>${time(event.at)}</a> <${Badge} tone=${tone}>${eventType.toLowerCase()}${event.routeKey ? ` ${event.routeKey}` : ""}<//> <span class="soft">${status}</span></p>
      ${eventType === "CONNECT" && query && html`<pre>?${query}</pre>`}
      ${message && html`<div class="frame in"><span class="unseen">From the client</span><${Text} text=${message.body} /></div>`}
      ${call}
      ${failure && html`<div class="frame out"><span class="unseen">To the client</span>${failure}</div>`}
      ${!failure && reply?.twoWay && reply.body && html`<div class="frame out"><span class="unseen">To the client</span><${Text} text=${reply.body} /></div>`}
      ${eventType === "PUSH" && event.body && html`<div class="frame out"><span class="unseen">Pushed to the client</span><${Text} text=${event.body} /></div>`}
      ${disconnect && html`<p class="soft">close code ${disconnect.code}${disconnect.reason ? `, ${disconnect.reason}` : ""}</p>`}
      ${event.story?.headline && html`<p class="headline">${event.story.headline}</p>`}
    </li>
  `;
}
