// The clients of this page, and the conversation of the one in front: what was said, both ways, and the editor below it.

import { html, useChanges, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { SOCKETS_MAX } from "../client/sockets.js";
import { useRoutes } from "../client/use-routes.js";
import { Empty } from "../parts.js";
import { count } from "../text.js";
import { Composer } from "./composer.js";
import { Line } from "./talk-line.js";

/** Lines that are drawn; earlier ones are asked for. */
const DRAWN = 200;
/** How near its end the list must be to follow what comes, in pixels: whoever reads further up is left there. */
const NEAR = 80;
/** How old a lost body may be to come into view by itself, in milliseconds, and the room above it, in pixels. */
const NEWS = 5000;
const STORY_MARGIN = 8;
/** How long a story that came into view grows, in milliseconds. */
const SETTLES = 1000;
/** The page is one column: the conversation stands below what was pressed. Source: client.css. */
const isNarrow = matchMedia("(max-width: 62rem)");

/** `socket` is the one in front; `isPlain` shows no suggestions, `children` stand where nothing was said yet. */
export function Talk({ app, socket, isPlain, children }) {
  const { sockets } = app;
  useChanges(sockets);
  useEffect(() => {
    sockets.show(true);
    return () => sockets.show(false);
  }, []);
  const routes = useRoutes(app, socket.isTyped ? null : socket.chosenStage?.apiId);
  const send = (text) => sockets.send(socket, text);
  return html`
    <section class="panel talk" aria-label="Conversation">
      <${Clients} sockets=${sockets} />
      <${Lines} key=${socket.number} app=${app} socket=${socket} send=${send} empty=${children} />
      <${Composer} key=${`editor-${socket.number}`} socket=${socket} routes=${routes} send=${send} isPlain=${isPlain} />
    </section>
  `;
}

/** One way to each client, one more. */
function Clients({ sockets }) {
  const { all, chosen } = sockets;
  const more = () => {
    const made = sockets.another(chosen);
    if (chosen.isBusy) made.connect().catch(() => {});
  };
  return html`
    <header>
      <div class="tabs" role="group" aria-label="Clients">
        ${all.map((socket) => html`<button type="button" key=${socket.number} aria-pressed=${socket === chosen} data-state=${socket.state} title=${socket.label} onClick=${() => sockets.choose(socket)}>
          <i></i>Client ${socket.number}<span class="unseen">, ${socket.isOpen ? "connected" : "not connected"}</span>${socket.unread > 0 && html` <span class="badge">${socket.unread}<span class="unseen"> unread</span></span>`}</button>`)}
      </div>
      <button type="button" class="quiet" id="another" disabled=${all.length >= SOCKETS_MAX} title=${all.length >= SOCKETS_MAX ? `${SOCKETS_MAX} are the most` : "With the same address, query and subprotocols"} onClick=${more}>Another client</button>
      <p class="grows"></p>
      ${chosen.sent > 0 && html`<button type="button" class="quiet" id="replay" title="Every message once more, in order, on a client of its own" disabled=${all.length >= SOCKETS_MAX || !chosen.lines.some(({ kind }) => kind === "sent")} onClick=${() => sockets.replay(chosen)}>Replay all</button>`}
      ${chosen.lines.length > 0 && html`<button type="button" class="quiet" id="clear" onClick=${() => chosen.clear()}>Clear</button>`}
    </header>
  `;
}

function Lines({ app, socket, send, empty }) {
  const list = useRef(null);
  const follows = useRef(true);
  const reads = useRef(0);
  const seen = useRef({ top: 0, size: "" });
  const [drawn, draw] = useState(DRAWN);
  const { lines, dropped } = socket;
  const lastSent = lines.findLast(({ kind }) => kind === "sent")?.id;
  // Whoever sends wants to see what comes of it.
  useLayoutEffect(() => {
    follows.current = true;
    reads.current = 0;
  }, [lastSent]);
  // The story of a lost body is read from its beginning: it comes into view, once, if it is news.
  const onStory = ({ id, at }) => {
    if (Date.now() - at > NEWS) return;
    follows.current = false;
    reads.current = Date.now();
    const story = list.current.querySelector(`[data-line="${id}"] .lost`);
    if (isNarrow.matches) story.scrollIntoView({ block: "start" });
    else list.current.scrollTop += story.getBoundingClientRect().top - list.current.getBoundingClientRect().top - STORY_MARGIN;
  };
  const isNear = () => list.current.scrollHeight - list.current.scrollTop - list.current.clientHeight < NEAR;
  const size = () => `${list.current.clientWidth} ${list.current.clientHeight}`;
  const toEnd = () => {
    const box = list.current;
    // Its reader has gone up, and the browser has not said so yet.
    if (box.scrollTop < seen.current.top && size() === seen.current.size && !isNear()) follows.current = false;
    if (follows.current) box.scrollTop = box.scrollHeight;
    seen.current = { top: box.scrollTop, size: size() };
  };
  useLayoutEffect(toEnd);
  useLayoutEffect(() => {
    // A turned phone, a keyboard that opens, a story that unfolds: the end stays in view.
    const sizes = new ResizeObserver(toEnd);
    sizes.observe(list.current);
    sizes.observe(list.current.firstElementChild);
    return () => sizes.disconnect();
  }, []);
  const scrolled = () => {
    // That was not its reader: the story has just come into view and still grows, or the window is another.
    if (!list.current || Date.now() - reads.current < SETTLES || size() !== seen.current.size) return;
    follows.current = isNear();
    seen.current.top = list.current.scrollTop;
  };
  const shown = lines.slice(-drawn);
  const lastLoss = lines.findLast(({ row, kind }) => kind === "sent" && row?.kind === "loss")?.id;
  const earlier = lines.length - shown.length;
  return html`
    <div class="lines" id="transcript" ref=${list} role="region" aria-label="Messages" tabindex="0" onScroll=${scrolled}>
      <ol>
        ${dropped > 0 && html`<li class="happened" key="dropped">${count(dropped, "older line")} let go</li>`}
        ${earlier > 0 && html`<li class="happened" key="earlier"><button type="button" class="small" onClick=${() => draw(drawn + DRAWN)}>Show ${Math.min(earlier, DRAWN)} earlier of ${earlier}</button></li>`}
        ${lines.length === 0 && html`<li class="hello" key="hello">${empty ?? html`<${Hello} socket=${socket} />`}</li>`}
        ${shown.map((line) => html`<${Line} key=${line.id} app=${app} socket=${socket} line=${line} send=${send} isOpen=${line.id === lastLoss} onStory=${onStory} />`)}
      </ol>
    </div>
  `;
}

const Hello = ({ socket }) => html`
  <${Empty} title="You are the client">
    <p>Connect opens a WebSocket from this browser to <code>${socket.label}</code>; so does Send. Beside each message stands what became of it.</p>
    <p>With another client beside it you see both ends of a chat.</p>
  <//>
`;
