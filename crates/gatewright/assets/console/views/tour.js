// Tour: the demo in sixty seconds, beside the same conversation that the Client has.

import { html, useChanges, useEffect, useState } from "../html.js";
import { keyOf } from "../gateway.js";
import { Empty } from "../parts.js";
import { methodChanges, methodOf } from "./lost-body.js";
import { Elsewhere } from "./elsewhere.js";
import { Strip } from "./strip.js";
import { Talk } from "./talk.js";

/** The demo's four messages, in the order in which they teach. */
const STEPS = [
  ["echo", "Echo", "One HTTP call, one answer.", { action: "echo", text: "Hello, backend" }],
  ["broadcast", "Broadcast", "A push to every open client.", { action: "broadcast", text: "Hello, everybody" }],
  ["whoami", "Who am I?", "What the backend is told.", { action: "whoami" }],
  ["lost", "Lose a body", "It never arrives. Why?", { action: "lost", order: 1042, text: "Please arrive" }],
];

export function Tour({ app }) {
  const { gateway, sockets } = app;
  useChanges(gateway);
  useChanges(sockets);
  const demo = gateway.facts?.demo;
  const socket = sockets.chosen;
  const key = demo && keyOf(demo);
  useEffect(() => {
    // The tour is of the demo's API, whatever the Client was aimed at.
    if (key && !socket.isBusy && (socket.isTyped || socket.target !== key)) socket.change({ target: key, isTyped: false });
  }, [key, socket, socket.isBusy]);
  if (!demo) return html`<section class="panel"><${Empty} title="The tour is the demo’s"><p>It starts with <code>gatewright demo</code>, in an API that is made for it.</p><//></section>`;
  return html`
    <div class="top">
      <h1>One WebSocket in front, plain HTTP behind</h1>
      <p class="lead">Each message becomes an HTTP call. The backend never sees a socket; to speak first, it posts to <code>/@connections/{id}</code>.</p>
    </div>
    <${Strip} app=${app} socket=${socket} key=${socket.number} />
    <div class="client-view">
      <div class="client-side">
        <${Guide} app=${app} socket=${socket} demo=${demo} />
        <${Elsewhere} app=${app} socket=${socket} />
      </div>
      <${Talk} app=${app} socket=${socket} isPlain>
        <${Empty} title="You are the client">
          <p>Connect opens a WebSocket from this browser to <code>${gateway.label(demo)}</code> (API and stage). The backend hears of it by HTTP, and what becomes of each message stands beside it.</p>
        <//>
      <//>
    </div>
  `;
}

/** What to press next; empty once it is known. */
function hint({ isOpen, wasOpen, sent }) {
  if (isOpen) return sent > 0 ? "" : "Connected. Now press Echo: one message out, one HTTP call, one answer back.";
  return wasOpen ? "" : "Start with Connect. Pressing any message connects, too.";
}

function Guide({ app, socket, demo }) {
  const [method, back] = useMethodOfLost(app, demo, socket);
  const isMended = method !== "GET";
  const { isBusy, state } = socket;
  const said = new Set(socket.lines.filter(({ kind }) => kind === "sent").map(({ text }) => text));
  const words = hint(socket);
  return html`
    <section class="panel guide" aria-labelledby="guide-title">
      <header>
        <h2 id="guide-title">Tour</h2>
        <p class="state" id="state" data-state=${state}>${{ closed: "Not connected", opening: "Connecting", open: "Connected", closing: "Closing" }[state]}</p>
        <button type="button" class=${isBusy ? "primary calm" : "primary"} id="connect" onClick=${() => (isBusy ? socket.disconnect() : socket.connect().catch(() => {}))}>${isBusy ? "Disconnect" : "Connect"}</button>
      </header>
      ${words && html`<p class="hint" id="hint">${words}</p>`}
      <ol class="actions">
        ${STEPS.map(([id, title, text, message]) => {
          const isLost = id === "lost";
          const body = JSON.stringify(message);
          return html`<li key=${id}><button type="button" id=${`send-${id}`} class=${isLost && !isMended ? "warn" : ""} data-done=${said.has(body) ? "" : undefined} onClick=${() => app.sockets.send(socket, body)}>
            <strong>${isLost && isMended ? "Send that body again" : title}</strong><span>${isLost && isMended ? `The method is ${method} now.` : text}</span>${said.has(body) && html`<span class="unseen"> Sent.</span>`}</button></li>`;
        })}
      </ol>
      ${isMended && html`<p class="after"><button type="button" class="quiet" id="lost-back" onClick=${back}>Set the method of “lost” back to GET</button></p>`}
      ${socket.connectionId && html`<p class="after soft">Connection id <a href=${app.href("connections", socket.connectionId)}><code id="connection-id">${socket.connectionId}</code></a></p>`}
      <p class="after soft">All of it, message by message, stands under <a href="#/live">Live</a>. The demo’s API was made with the calls that the AWS CLI makes; it is gone when the program stops.</p>
    </section>
  `;
}

/** The method of the demo's route that loses bodies ("GET" where the control plane cannot be asked), and what sets it back. */
function useMethodOfLost(app, demo, socket) {
  const [method, set] = useState("GET");
  const lost = { ...demo, routeKey: "lost" };
  useEffect(() => {
    const look = () => methodOf(app, lost).then(set, () => {});
    look();
    return methodChanges.subscribe(look);
  }, [demo.apiId]);
  const back = async () => {
    try {
      await methodOf(app, lost, "GET");
      socket.say("The integration’s method is GET now, deployed at once.");
    } catch (error) {
      socket.say(`The change was refused: ${error.message}`, "bad");
    }
  };
  return [method, back];
}
