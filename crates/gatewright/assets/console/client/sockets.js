// The clients of this page: several at once, each in its own conversation, whatever view stands there.

import { inPath } from "../api.js";
import { keyOf } from "../gateway.js";
import { Listeners } from "../listeners.js";
import { count } from "../text.js";
import { draft, remember } from "./kept.js";
import { QUERY_MAX, Socket } from "./socket.js";

/** Clients at once. */
export const SOCKETS_MAX = 16;
/** How often what came is said to those who listen, and how long a replay waits for one message's event, in milliseconds. */
const SAY_EVERY = 3000;
const REPLAY_PATIENCE = 1000;
/** Handshakes that are looked up at once: of many strangers' some go unread. */
const ASKS_MAX = 32;
/** How long a text of the kept draft may be, in characters. */
const KEPT_MAX = 100_000;

export class Sockets {
  all = [];
  /** The one in front. */
  chosen = null;
  /** Whether a view shows it. */
  isShown = false;

  #numbers = 0;
  #asks = 0;
  #read = 0;
  #wasDown = false;
  #came = 0;
  #saying = 0;
  #listeners = new Listeners();

  constructor({ gateway, rows, api, say }) {
    Object.assign(this, { gateway, rows, api, tell: say });
    this.add(restored());
    gateway.subscribe(() => this.#aim());
    rows.subscribe(() => this.#learn());
  }

  subscribe(does) {
    return this.#listeners.subscribe(does);
  }

  /** One client more, with the fields of another; null where there are too many. */
  add(fields = {}) {
    if (this.all.length >= SOCKETS_MAX) return null;
    const made = new Socket((this.#numbers += 1), this.gateway, (socket, line) => this.#hears(socket, line));
    Object.assign(made, fields);
    made.subscribe(() => this.#changed(made));
    this.all = [...this.all, made];
    this.choose(made);
    this.#aim();
    return made;
  }

  /** One more that connects where `socket` does. */
  another({ target, isTyped, address, query, protocols }) {
    return this.add({ target, isTyped, address, query, protocols });
  }

  /** Closes a client and lets it go; the last one stays, emptied. */
  remove(socket) {
    socket.disconnect();
    if (this.all.length === 1) return socket.clear();
    const at = this.all.indexOf(socket);
    this.all = this.all.filter((one) => one !== socket);
    if (this.chosen === socket) this.choose(this.all[Math.max(0, at - 1)]);
    else this.#listeners.tell();
  }

  choose(socket) {
    this.chosen = socket;
    socket.unread = 0;
    this.#keep(socket);
    this.#listeners.tell();
  }

  /** A view shows it, or does no longer. */
  show(isShown) {
    this.isShown = isShown;
    if (isShown && this.chosen.unread > 0) this.choose(this.chosen);
  }

  /** Sends and remembers; gives the line, or null. */
  async send(socket, text) {
    const line = await socket.send(text);
    if (line) remember(text);
    return line;
  }

  /** Says everything that `socket` said once more, in order, on a client of its own. */
  async replay(socket) {
    const texts = socket.lines.filter(({ kind }) => kind === "sent").map(({ text }) => text);
    const made = this.another(socket);
    if (!made) return;
    made.say(`${count(texts.length, "message")} of client ${socket.number}, once more.`);
    for (const text of texts) {
      const line = await made.send(text);
      if (!line) return;
      // What was said one after the other is handled one after the other, as far as its events tell.
      await this.#eventOf(made, line);
      // A client that was closed meanwhile is not to be connected again.
      if (!made.isOpen) return;
    }
  }

  #eventOf(socket, { id }) {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(end, socket.stage ? REPLAY_PATIENCE : REPLAY_PATIENCE / 10);
      const stop = socket.subscribe(() => (!socket.isOpen || socket.lines.find((line) => line.id === id)?.row) && end());
    });
  }

  // A client without a target gets the demo's stage, else the first that takes clients.
  #aim() {
    const { facts, stages } = this.gateway;
    if (!facts) return;
    const first = facts.demo ?? stages.find(({ deployed }) => deployed);
    for (const socket of this.all) {
      const isLost = !socket.isTyped && !socket.isBusy && !socket.chosenStage;
      if (first && isLost) socket.change({ target: keyOf(first) });
    }
  }

  #changed(socket) {
    if (socket === this.chosen) this.#keep(socket);
    this.#listeners.tell();
  }

  // Only what is typed: a message that comes is no reason to write.
  #keep({ target, isTyped, address, query, protocols, draft: text }) {
    const fields = { target, isTyped, address, query, protocols, draft: text.slice(0, KEPT_MAX) };
    if (Object.entries(fields).every(([name, value]) => draft.value[name] === value)) return;
    draft.set(fields);
  }

  #hears(socket, line) {
    const isSeen = this.isShown && socket === this.chosen;
    if (line.kind === "came") {
      if (!isSeen) socket.unread += 1;
      this.#came += 1;
      this.#saySoon();
    } else if (line.kind === "said") this.tell(`Client ${socket.number}: ${line.text}`);
  }

  // A flood is one sentence, not a thousand.
  #saySoon() {
    if (this.#saying) return;
    this.#saying = setTimeout(() => {
      this.#saying = 0;
      this.tell(`${count(this.#came, "message")} came`);
      this.#came = 0;
    }, SAY_EVERY);
  }

  #learn() {
    const { all, dropped, came, isOpen, downSince } = this.rows;
    const fresh = all.slice(Math.max(this.#read, dropped) - dropped);
    this.#read = came;
    for (const row of fresh) if (row.eventType === "CONNECT") this.#ask(row);
    for (const socket of this.all) {
      const own = socket.connectionId === null ? [] : fresh.filter(({ connectionId }) => connectionId === socket.connectionId);
      if (own.length > 0) socket.learn(own);
    }
    if (downSince) this.#wasDown = true;
    else if (isOpen && this.#wasDown) {
      this.#wasDown = false;
      // It was the gateway that went; who was connected wants to be again.
      for (const socket of this.all) if (socket.wanted && !socket.isBusy && !socket.isTyped) socket.connect().catch(() => {});
    }
  }

  // Whose handshake was it? The query says it, which no row has.
  async #ask(row) {
    const waiting = () => this.all.filter((socket) => socket.waits && socket.stage && keyOf(socket.stage) === keyOf(row));
    if (waiting().length === 0 || this.#asks >= ASKS_MAX) return;
    this.#asks += 1;
    try {
      const { query } = await this.api(`events/${inPath(row.requestId)}`);
      const socket = waiting().find((one) => one.isMarked(query));
      socket?.know(row, this.rows.all.filter(({ connectionId }) => connectionId === row.connectionId));
    } catch {
      // A gateway that keeps nothing: messages have no event beside them then.
    } finally {
      this.#asks -= 1;
    }
  }
}

function restored() {
  const { target, isTyped, address, query, protocols, draft: text } = draft.value;
  const isText = (value) => typeof value === "string" && value.length <= KEPT_MAX;
  const isQuery = Array.isArray(query) && query.length <= QUERY_MAX && query.length > 0 && query.every((row) => Array.isArray(row) && row.length === 2 && row.every(isText));
  return {
    ...(isText(target) && { target }), isTyped: isTyped === true, ...(isText(address) && { address }), ...(isQuery && { query }), ...(isText(protocols) && { protocols }), ...(isText(text) && { draft: text }),
  };
}
