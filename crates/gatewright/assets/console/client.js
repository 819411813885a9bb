// An ordinary WebSocket client of a stage, as a page of anybody's would be one.

/** What the close codes that people meet here mean. */
const CODES = {
  1000: "closed as asked",
  1001: "the gateway is stopping, or the connection was idle or open for too long",
  1003: "binary frames are not taken",
  1006: "the connection was cut",
  1009: "the message was too large",
  1011: "the gateway met an error",
};

/** Connections of this tab whose ids are remembered. */
const IDS_MAX = 100;

export class Client {
  #socket = null;
  #attempt = 0;

  /** `on.state(name)`, `on.message(text)`, `on.opened()`, `on.closed(text, wasOpen)`, `on.known(id)`. */
  constructor(on) {
    this.on = on;
    /** Marks this tab's connections in the log: the query string of the upgrade shows in the `$connect` record. */
    this.mark = Math.random().toString(36).slice(2, 6).padEnd(4, "0");
    /** The connection's id, once its `$connect` was read in the feed; null without a connection. */
    this.connectionId = null;
    /** The stage it is, or was last, connected to. */
    this.stage = null;
    /** Whether its person wants to be connected. */
    this.wanted = false;
    /** Every id that connections of this tab had. */
    this.ids = new Set();
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  get isBusy() {
    return this.#socket !== null;
  }

  /** Connects unless it is; the promise is kept when messages can be sent, broken when the handshake is refused. */
  connect(stage, url, query) {
    this.wanted = true;
    if (this.#socket) return this.#socket.ready;
    this.#attempt += 1;
    this.stage = stage;
    this.on.state("opening");
    const marked = [...query, `tab=${this.mark}.${this.#attempt}`].join("&");
    const opening = new WebSocket(`${url}?${marked}`);
    let opened = false;
    this.#socket = opening;
    opening.ready = new Promise((resolve, reject) => {
      opening.addEventListener("open", () => {
        opened = true;
        this.on.state("open");
        this.on.opened();
        resolve();
      });
      opening.addEventListener("close", ({ code, reason }) => {
        if (this.#socket === opening) this.#socket = null;
        if (code === 1000) this.wanted = false;
        this.connectionId = null;
        this.on.state("closed");
        const meaning = reason || CODES[code];
        this.on.closed(`${code}${meaning ? `, ${meaning}` : ""}`, opened);
        reject(new Error("refused"));
      });
    });
    opening.ready.catch(() => {});
    opening.addEventListener("message", ({ data }) => this.on.message(typeof data === "string" ? data : "(binary frame)"));
    return opening.ready;
  }

  disconnect() {
    this.wanted = false;
    this.#socket?.close(1000);
  }

  /** Sends a text; whether it could. */
  send(text) {
    if (!this.isOpen) return false;
    this.#socket.send(text);
    return true;
  }

  /** Learns from a `$connect` whose connection it is. */
  learn(record) {
    if (record.eventType !== "CONNECT") return;
    const found = /(?:^|&)tab=([a-z0-9]{4})\.(\d+)(?:&|$)/.exec(record.query ?? "");
    if (found?.[1] !== this.mark) return;
    this.ids.add(record.connectionId);
    if (this.ids.size > IDS_MAX) this.ids.delete(this.ids.values().next().value);
    if (Number(found[2]) === this.#attempt && this.#socket) this.know(record.connectionId);
  }

  know(id) {
    this.ids.add(id);
    this.connectionId = id;
    this.on.known(id);
  }
}
