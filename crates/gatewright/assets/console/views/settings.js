// Where a client connects, with what, and how it ends.

import { html, useState } from "../html.js";
import { keyOf } from "../gateway.js";
import { NAME_MAX } from "../client/kept.js";
import { QUERY_MAX } from "../client/socket.js";

/** The choice of an address that is typed. */
const ADDRESS = "an address";
/** Lengths of what is typed, in characters. */
const ADDRESS_MAX = 2000;
const VALUE_MAX = 8000;

const STATES = { closed: "Not connected", opening: "Connecting", open: "Connected", closing: "Closing" };

export function Settings({ app, socket }) {
  const { isBusy, isTyped, state } = socket;
  const connect = (submit) => {
    submit.preventDefault();
    if (!isBusy) socket.connect().catch(() => {});
  };
  const isReady = isTyped ? socket.address.trim() !== "" : socket.chosenStage?.deployed === true;
  return html`
    <section class="panel settings" aria-labelledby="client-title">
      <header>
        <h1 class="view-title" id="client-title">Client ${socket.number}</h1>
        <p class="state" id="state" data-state=${state}>${STATES[state]}</p>
        <${Forget} app=${app} socket=${socket} />
      </header>
      ${isBusy ? html`<${Connected} app=${app} socket=${socket} />` : html`
        <form onSubmit=${connect}>
          <${Target} app=${app} socket=${socket} />
          <${Query} socket=${socket} />
          <label class="field">Subprotocols, with commas between
            <input id="protocols" value=${socket.protocols} maxlength=${ADDRESS_MAX} placeholder="none" autocomplete="off" autocapitalize="off" spellcheck=${false} onInput=${(event) => socket.change({ protocols: event.target.value })} /></label>
          <p><button type="submit" class="primary" id="connect" disabled=${!isReady}>Connect</button></p>
        </form>`}
    </section>
  `;
}

function Forget({ app, socket }) {
  const { sockets } = app;
  if (sockets.all.length === 1) return null;
  return html`<button type="button" class="quiet" onClick=${() => sockets.remove(socket)}>Remove</button>`;
}

function Target({ app, socket }) {
  const { stages } = app.gateway;
  const choose = ({ target: { value } }) => socket.change(value === ADDRESS ? { isTyped: true } : { isTyped: false, target: value });
  return html`
    <label class="field">Stage
      <select id="stage" value=${socket.isTyped ? ADDRESS : socket.target} onChange=${choose}>
        ${stages.map((stage) => html`<option key=${keyOf(stage)} value=${keyOf(stage)} disabled=${!stage.deployed}>${app.gateway.label(stage)}${stage.deployed ? "" : " (not deployed)"}</option>`)}
        <option key=${ADDRESS} value=${ADDRESS}>An address…</option>
      </select></label>
    ${socket.isTyped && html`
      <label class="field">Address
        <input id="address" inputmode="url" value=${socket.address} maxlength=${ADDRESS_MAX} placeholder="wss://host/stage" autocomplete="off" autocapitalize="off" spellcheck=${false} onInput=${(event) => socket.change({ address: event.target.value })} /></label>`}
  `;
}

/** What goes along with the handshake. */
function Query({ socket }) {
  const { query } = socket;
  const set = (at, row) => socket.change({ query: query.map((other, index) => (index === at ? row : other)) });
  const remove = (at) => socket.change({ query: query.length > 1 ? query.filter((_, index) => index !== at) : [["", ""]] });
  return html`
    <fieldset>
      <legend>Query parameters</legend>
      ${query.map(([name, value], at) => html`
        <div class="pair" key=${at}>
          <input aria-label=${`Name of parameter ${at + 1}`} value=${name} placeholder="name" maxlength=${NAME_MAX * 4} autocomplete="off" autocapitalize="off" spellcheck=${false} onInput=${(event) => set(at, [event.target.value, value])} />
          <input aria-label=${`Value of parameter ${at + 1}`} value=${value} placeholder="value" maxlength=${VALUE_MAX} autocomplete="off" autocapitalize="off" spellcheck=${false} onInput=${(event) => set(at, [name, event.target.value])} />
          <button type="button" class="quiet" aria-label=${`Remove parameter ${at + 1}`} disabled=${query.length === 1 && !name && !value} onClick=${() => remove(at)}>×</button>
        </div>`)}
      <p class="under"><button type="button" class="small" disabled=${query.length >= QUERY_MAX} onClick=${() => socket.change({ query: [...query, ["", ""]] })}>Another parameter</button>
        <small>Browsers set no headers on a WebSocket: a token goes here, or as a subprotocol.</small></p>
    </fieldset>
  `;
}

/** As what it is connected, the way in which backends push to it, and its end. */
function Connected({ app, socket }) {
  const { connectionId, stage, protocol } = socket;
  const query = socket.query.filter(([name]) => name !== "").map(([name, value]) => `${name}=${value}`);
  const push = async () => {
    try {
      const answer = await fetch(`${app.gateway.callback(stage)}/@connections/${encodeURIComponent(connectionId)}`, { method: "POST", body: "Hello! This is a push." });
      socket.say(`Pushed with POST …/@connections/${connectionId}: ${answer.status}.`, answer.ok ? "" : "bad");
    } catch {
      socket.say("The push got no answer: the gateway is away.", "bad");
    }
  };
  return html`
    <dl class="facts-list">
      <dt>${stage ? "Stage" : "Address"}</dt><dd>${socket.label}</dd>
      ${query.length > 0 && html`<dt>Query</dt><dd class="mono">${query.map((pair) => html`<div>${pair}</div>`)}</dd>`}
      ${socket.isOpen && html`<dt>Subprotocol</dt><dd id="protocol">${protocol || "none"}</dd>`}
      ${connectionId && html`<dt>Connection</dt><dd><a href=${app.href("connections", connectionId)}><code id="connection-id">${connectionId}</code></a></dd>`}
    </dl>
    ${connectionId && html`<p class="push"><button type="button" class="small" id="push" onClick=${push}>Push to me</button> <small>as a backend does</small></p>`}
    <${Disconnect} socket=${socket} />
  `;
}

/** Ends it, with a code and a reason. */
function Disconnect({ socket }) {
  const [code, setCode] = useState("1000");
  const [reason, setReason] = useState("");
  const [wrong, say] = useState("");
  const close = (submit) => {
    submit.preventDefault();
    say(socket.disconnect(Number(code), reason));
  };
  return html`
    <form class="ends" onSubmit=${close}>
      <label class="field">Close code<input id="close-code" inputmode="numeric" value=${code} maxlength="4" onInput=${(event) => setCode(event.target.value)} /></label>
      <label class="field">Reason<input id="close-reason" value=${reason} maxlength="123" placeholder="none" autocomplete="off" onInput=${(event) => setReason(event.target.value)} /></label>
      <button type="submit" class="primary calm" id="disconnect">Disconnect</button>
      <p class="said-wrong" role="alert">${wrong}</p>
    </form>
  `;
}
