// Reads the gateway's feed of events for as long as the page is there, whatever happens to the gateway.

import { parsed } from "./text.js";
import { Retry } from "./retry.js";

const FEED = "/_gatewright/v1/log";
/** How long to wait for the feed's first word before it counts as down, in milliseconds. */
const PATIENCE = 10_000;

export class Feed {
  #source = null;
  /** The id of the newest record. */
  #last = "";
  #watchdog = 0;
  #retry;

  /**
   * `on.record` gets each record and its size in characters, `on.missed` how many were left out, `on.open` the time
   * since which there was none (null the first time), `on.down` the milliseconds until it is tried again (0: now);
   * `on.failed` is called each time it could not be read.
   */
  constructor(on) {
    this.on = on;
    this.isOpen = false;
    this.downSince = null;
    this.#retry = new Retry(() => this.open(), (left) => on.down(left));
  }

  open() {
    this.#source?.close();
    if (this.downSince) this.on.down(0);
    const source = new EventSource(`${FEED}?${this.#last ? `after=${this.#last}` : "past=100"}`);
    this.#source = source;
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#failed(), PATIENCE);
    source.addEventListener("open", () => {
      clearTimeout(this.#watchdog);
      this.#retry.worked();
      const since = this.downSince;
      this.isOpen = true;
      this.downSince = null;
      this.on.open(since);
    });
    // The browser would try again by itself, but not after every failure, and never later and later.
    source.addEventListener("error", () => this.#source === source && this.#failed());
    source.addEventListener("message", ({ data, lastEventId }) => {
      this.#last = lastEventId;
      const record = parsed(data);
      if (record && Array.isArray(record.lines)) this.on.record(record, data.length);
    });
    source.addEventListener("missed", ({ data }) => this.on.missed(parsed(data)?.missed ?? 0));
  }

  /** Tries at once, where it is down. */
  now() {
    if (!this.isOpen) this.#retry.now();
  }

  #failed() {
    clearTimeout(this.#watchdog);
    this.#source.close();
    this.isOpen = false;
    this.downSince ??= new Date();
    this.#retry.later();
    this.on.failed();
  }
}
