// One line of a conversation: a message with what became of it, or what happened between.

import { Component, html } from "../html.js";
import { Badge, Text } from "../parts.js";
import { bytes, time, timeText } from "../text.js";
import { LostBody } from "./lost-body.js";
import { nameOf, toneOf, wordsOf } from "./row-table.js";

/** Drawn again when the line is another, not with each that comes. */
export class Line extends Component {
  shouldComponentUpdate({ line, isOpen, socket }) {
    const isKnown = isAwaited(socket, line);
    const isOther = line !== this.props.line || isOpen !== this.props.isOpen || isKnown !== this.wasKnown;
    this.wasKnown = isKnown;
    return isOther;
  }

  render({ app, socket, line, send, isOpen, onStory }) {
    if (line.kind === "said") return html`<${Happened} app=${app} line=${line} />`;
    return html`<${Message} app=${app} socket=${socket} line=${line} send=${send} isOpen=${isOpen} onStory=${onStory} />`;
  }
}

function Happened({ app, line: { text, tone, row, at } }) {
  return html`<li class="happened" data-tone=${tone}><time>${time(at, false)}</time> ${text}${row && html` <a href=${app.href("event", row.requestId)}>What became of the handshake</a>`}</li>`;
}

/** Who speaks, as far as it shows. */
function speaker({ kind, row }) {
  if (kind === "sent") return "You";
  return { PUSH: "Push", MESSAGE: "Answer" }[row?.eventType] ?? "Received";
}

function Message({ app, socket, line, send, isOpen, onStory }) {
  const { kind, text, at, row } = line;
  const isLost = kind === "sent" && row?.kind === "loss";
  return html`
    <li class="message" data-line=${line.id} data-kind=${kind} data-type=${row?.eventType}>
      <p class="message-head"><b>${speaker(line)}</b> <time>${time(at)}</time> <span>${bytes(line.bytes)}</span></p>
      <div class="message-body"><${Text} text=${text} /></div>
      ${kind === "sent" && html`
        <p class="outcome">
          ${row && html`<${Outcome} app=${app} row=${row} />`}
          ${!row && isAwaited(socket, line) && html`<span class="soft">its event comes</span>`}
          <button type="button" class="small" onClick=${() => send(text)}>Send again</button>
          <button type="button" class="small" onClick=${() => edit(socket, text)}>Edit</button>
        </p>`}
      ${isLost && html`<${LostBody} app=${app} row=${row} again=${() => send(text)} isOpen=${isOpen} onShown=${() => onStory(line)} />`}
    </li>
  `;
}

/** Whether its event may still come. */
const isAwaited = ({ connectionId, attempt }, { of }) => connectionId !== null && of === attempt;

function edit(socket, text) {
  socket.change({ draft: text });
  document.getElementById("message")?.focus();
}

/** The event in a line: which route, which status, how long, and the cause of what went wrong. */
function Outcome({ app, row }) {
  const words = wordsOf(row);
  const tone = toneOf(row);
  return html`
    <a href=${app.href("event", row.requestId)}>${nameOf(row)}</a>
    ${row.target && html`<span class="target mono">${row.target}</span>`}
    ${row.status && html`<${Badge} tone=${row.status >= 400 ? "bad" : ""}>${row.status}<//>`}
    <span class="soft">${timeText(row.durationMs ?? row.backendMs)}</span>
    ${words && html`<strong class="headline" data-tone=${tone}>${words}</strong>`}
  `;
}
