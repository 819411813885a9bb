// One client: where it connects, its WebSocket, what was said.

import { keyOf } from "../gateway.js";
import { Listeners } from "../listeners.js";
import { byteLength } from "../text.js";
import { closedWords, isAway } from "./close-codes.js";

/** Lines of one conversation that are kept, and the characters of all of them; the oldest go first. */
export const LINES_MAX = 1000;
const CHARACTERS_MAX = 4_000_000;
/** Rows of events of one connection among which a message finds its own, and messages that went before theirs had come. */
const EVENTS_MAX = 2 * LINES_MAX;
const GONE_MAX = LINES_MAX;
/** How long the `$connect` event is waited for, in milliseconds. */
const CONNECT_PATIENCE = 10_000;
/** Rows of the query, and their lengths in characters. */
export const QUERY_MAX = 20;
/** Marks this page's connections: the handshake's query shows in the `$connect` event. */
const MARK = Math.random().toString(36).slice(2, 6).padEnd(4, "0");

let attempts = 0;
let lines = 0;

export class Socket {
  /** A stage's key; "" where there is none yet. */
  target = "";
  address = "";
  /** Whether its person chose to type one. */
  isTyped = false;
  /** [[name, value]]; a row without a name is not sent. */
  query = [["", ""]];
  /** As typed, with commas between. */
  protocols = "";
  /** What is typed and not sent. */
  draft = "";
  /** "closed", "opening", "open" or "closing". */
  state = "closed";
  /** What the other side chose; empty where it chose none. */
  protocol = "";
  /** Known once the `$connect` was read in the feed; null without a connection. */
  connectionId = null;
  /** The stage that it is connected to, or was; null for an address that was typed. */
  stage = null;
  /** Whether its person wants to be connected, and ever was. */
  wanted = false;
  wasOpen = false;
  /** Messages that were sent, and those that came while nobody looked. */
  sent = 0;
  unread = 0;
  /** What was said, the oldest first: {id, of, kind: "sent" | "came" | "said", at, text, bytes, row}. Never changed, only replaced. */
  lines = [];
  /** Lines that went because of the bounds. */
  dropped = 0;

  /** Which of the page's connections it has; lines say `of` which they are. */
  attempt = 0;

  #ws = null;
  #mark = null;
  #markedAt = 0;
  #events = [];
  #gone = [];
  #characters = 0;
  #listeners = new Listeners();

  /** `gateway` knows addresses; `hears(socket, line)` is told of each line. */
  constructor(number, gateway, hears) {
    this.number = number;
    this.gateway = gateway;
    this.hears = hears;
  }

  subscribe(does) {
    return this.#listeners.subscribe(does);
  }

  /** Changes fields and tells of it. */
  change(fields) {
    Object.assign(this, fields);
    this.#listeners.tell();
  }

  get isOpen() {
    return this.state === "open";
  }

  get isBusy() {
    return this.state !== "closed";
  }

  /** The stage that is chosen; undefined where there is none. */
  get chosenStage() {
    return this.gateway.stages.find((stage) => keyOf(stage) === this.target);
  }

  /** What the client is called: the stage or the host. */
  get label() {
    if (this.isBusy && this.stage) return this.gateway.label(this.stage);
    if (!this.isTyped) return this.chosenStage ? this.gateway.label(this.chosenStage) : this.target || "no stage";
    return this.address.replace(/^wss?:\/\//, "") || "an address";
  }

  /** Under which name templates are kept. */
  get api() {
    return !this.isTyped ? this.target.split("/")[0] : this.address;
  }

  /** Connects unless it is; the promise is kept when messages can be sent, broken (an Error with words) when that fails. */
  connect() {
    if (this.#ws) return this.#ws.ready;
    const stage = this.isTyped ? null : this.chosenStage;
    if (stage === undefined) return this.#failed("There is no such stage. Choose another.");
    attempts += 1;
    this.attempt = attempts;
    this.#mark = stage && `${MARK}.${attempts}`;
    this.#markedAt = Date.now();
    const given = this.query.filter(([name]) => name !== "").map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
    // The mark tells which connection is this one's; to servers elsewhere it would say nothing.
    const query = [...given, ...(stage ? [`tab=${this.#mark}`] : [])].join("&");
    const address = stage ? this.gateway.socketUrl(stage) : this.address.trim();
    const protocols = this.protocols.split(/[\s,]+/).filter(Boolean);
    // Browsers would take what is no address as a path of the page's own.
    if (!/^wss?:\/\/[^/]/i.test(address)) return this.#failed("An address begins with ws:// or wss:// and a host.");
    let ws;
    try {
      ws = new WebSocket(query ? `${address}${address.includes("?") ? "&" : "?"}${query}` : address, protocols);
    } catch (error) {
      return this.#failed(whyNot(error, protocols));
    }
    this.#ws = ws;
    this.#events = [];
    this.#gone = [];
    ws.ready = this.#watch(ws);
    ws.ready.catch(() => {});
    this.change({ wanted: true, stage, state: "opening", connectionId: null, protocol: "" });
    return ws.ready;
  }

  #failed(words) {
    this.say(words, "bad");
    return Promise.reject(new Error(words));
  }

  #watch(ws) {
    return new Promise((resolve, reject) => {
      let opened = false;
      ws.addEventListener("open", () => {
        opened = true;
        this.change({ state: "open", wasOpen: true, protocol: ws.protocol });
        this.say(`Connected to ${this.label}${ws.protocol ? `, subprotocol ${ws.protocol}` : ""}.`, "good");
        resolve();
      });
      ws.addEventListener("message", ({ data }) => {
        const isText = typeof data === "string";
        this.#add({ kind: "came", text: isText ? data : "(a binary frame)", bytes: isText ? byteLength(data) : data.size });
      });
      ws.addEventListener("close", ({ code, reason }) => {
        if (this.#ws === ws) this.#ws = null;
        const words = opened ? `Closed: ${closedWords(code, reason)}.` : `Not connected: the handshake failed (${code}). Nothing answered there, or it was refused.`;
        this.change({ state: "closed", connectionId: null, wanted: this.wanted && isAway(code) });
        this.say(words, opened && code === 1000 ? "" : "bad");
        reject(new Error(words));
      });
    });
  }

  /** Closes with a code and a reason; gives what is wrong with them, or an empty text. */
  disconnect(code = 1000, reason = "") {
    try {
      this.#ws?.close(code, reason);
    } catch {
      return code === 1000 || (code >= 3000 && code <= 4999) ? "A reason has at most 123 bytes." : "Browsers send 1000 and 3000 to 4999 alone.";
    }
    this.change({ wanted: false, state: this.#ws ? "closing" : "closed" });
    return "";
  }

  /** Sends a text, connecting first where it is not; gives its line, or null where it could not. */
  async send(text) {
    try {
      await this.connect();
    } catch {
      this.say("Not sent: there is no connection. The message is still in the editor.", "bad");
      return null;
    }
    if (!this.isOpen) return null;
    this.#ws.send(text);
    this.sent += 1;
    return this.#add({ kind: "sent", text, bytes: byteLength(text) });
  }

  /** A line of the page's own: what happened. `row` is the event that tells more. */
  say(text, tone = "", row = null) {
    this.#add({ kind: "said", text, tone, row, bytes: 0 });
  }

  clear() {
    this.#forget(this.lines);
    this.#characters = 0;
    this.change({ lines: [], dropped: 0 });
  }

  #add(line) {
    const added = { row: null, tone: "", ...line, id: (lines += 1), of: this.attempt, at: new Date() };
    this.#characters += added.text.length;
    const all = [...this.lines, added];
    const gone = [];
    while (all.length > LINES_MAX || (this.#characters > CHARACTERS_MAX && all.length > 1)) {
      gone.push(all.shift());
      this.#characters -= gone.at(-1).text.length;
    }
    this.dropped += gone.length;
    this.#forget(gone);
    this.hears(this, added);
    this.change({ lines: all });
    return added;
  }

  // A line that goes takes its event along; one whose event is still to come must not leave it to another.
  #forget(gone) {
    if (gone.length === 0) return;
    const theirs = new Set(gone.filter(({ kind }) => kind === "sent").map(({ row }) => row));
    this.#events = this.#events.filter((event) => !theirs.has(event));
    const waiting = gone.filter(({ kind, of, row }) => kind === "sent" && of === this.attempt && row === null);
    this.#gone = [...this.#gone, ...waiting.map((line) => ({ ...line, text: "" }))].slice(-GONE_MAX);
  }

  /** Whether a `$connect` with this query is this client's newest. */
  isMarked(query) {
    return this.#mark !== null && new RegExp(`(?:^|&)tab=${this.#mark.replace(".", "\\.")}(?:&|$)`).test(query ?? "");
  }

  /** Whether its `$connect` was not read yet. */
  get waits() {
    return this.#mark !== null && Date.now() - this.#markedAt < CONNECT_PATIENCE;
  }

  /** Its `$connect` was read: `row` is the event, `events` the rows of the connection that came already. */
  know(row, events) {
    this.#mark = null;
    const isRefused = row.status >= 400 || Boolean(row.failure);
    if (isRefused || (!this.#ws && row.headline)) this.say(row.headline ?? row.failure ?? `The handshake was answered with ${row.status}.`, isRefused ? "bad" : "note", row);
    if (!this.#ws) return;
    this.change({ connectionId: row.connectionId });
    this.learn(events);
  }

  /** Rows of the connection's events: each message finds its own. */
  learn(rows) {
    const told = rows.filter(({ eventType, status }) => eventType === "MESSAGE" || (eventType === "PUSH" && status < 400));
    if (told.length === 0) return;
    this.#events = [...this.#events, ...told].slice(-EVENTS_MAX);
    const own = [...this.#gone, ...this.lines.filter(({ of }) => of === this.attempt)];
    const found = rowsOf(own, this.#events);
    this.change({ lines: this.lines.map((line) => (found.has(line.id) && found.get(line.id) !== line.row ? { ...line, row: found.get(line.id) } : line)) });
  }
}

/** Line's id → its event: in the order in which messages began and answers ended, and of the same size. */
function rowsOf(lines, events) {
  const began = [...events].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const found = new Map();
  pair(found, lines, "sent", began.filter(({ eventType }) => eventType === "MESSAGE"), ({ bytesIn }) => bytesIn);
  pair(found, lines, "came", events.filter(({ bytesOut, eventType }) => bytesOut > 0 || eventType === "PUSH"), ({ bytesOut, bytesIn }) => bytesOut ?? bytesIn);
  return found;
}

function pair(found, lines, kind, events, sizeOf) {
  const waiting = new Map();
  for (const line of lines) {
    if (line.kind !== kind) continue;
    if (!waiting.has(line.bytes)) waiting.set(line.bytes, []);
    waiting.get(line.bytes).push(line.id);
  }
  for (const ids of waiting.values()) ids.reverse();
  for (const event of events) {
    const id = waiting.get(sizeOf(event))?.pop();
    if (id !== undefined) found.set(id, event);
  }
}

function whyNot({ name }, protocols) {
  if (name === "SecurityError") return "A page that came by https connects to wss:// addresses alone.";
  const twice = protocols.find((one, at) => protocols.indexOf(one) !== at);
  if (twice) return `The subprotocol ${twice} stands there twice.`;
  const odd = protocols.find((one) => !/^[\w!#$%&'*+.^`|~-]+$/.test(one));
  return odd ? `The subprotocol ${odd} has characters that none may have.` : "This is no address to connect to: a # has no place in it.";
}
