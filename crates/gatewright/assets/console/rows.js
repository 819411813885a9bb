// The live feed: rows of events as they come, the newest so many of them, whatever happens to the gateway.

import { Listeners } from "./listeners.js";
import { Retry } from "./retry.js";
import { parsed } from "./text.js";

/** Rows that are kept; the oldest go first. At some 500 bytes each, 5 MB. */
export const ROWS_MAX = 10_000;
/** Rows of the past that a new page asks for. */
const PAST = 1000;
/** How long to wait for the feed's first word before it counts as down, in milliseconds. */
const PATIENCE = 10_000;
const LIVE = "/_gatewright/v1/live";

export class Rows {
  /** Oldest first. Read it, never change it. */
  all = [];
  /** How many rows went because of ROWS_MAX: the place of `all[0]` among all that came. */
  dropped = 0;
  /** Events that came faster than this page reads, and events of stages that nobody watches that had no room. */
  missed = 0;
  unwatched = 0;
  /** Whether the feed is read; since when not; milliseconds until it is tried again. */
  isOpen = false;
  downSince = null;
  retryIn = 0;
  /** Times at which the gateway was away: [{from, to, at}], `at` the number of rows that had come before. */
  gaps = [];

  #listeners = new Listeners();
  #told = false;
  #source = null;
  #last = "";
  #watchdog = 0;
  #retry = new Retry(() => this.open(), (left) => this.#down(left));

  /** `does` is called after changes, at most once a frame; gives what ends that. */
  subscribe(does) {
    return this.#listeners.subscribe(does);
  }

  open() {
    this.#source?.close();
    const source = new EventSource(`${LIVE}?${this.#last ? `after=${encodeURIComponent(this.#last)}` : `past=${PAST}`}`);
    this.#source = source;
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#failed(), PATIENCE);
    source.addEventListener("open", () => this.#opened());
    // The browser would try again by itself, but not after every failure, and never later and later.
    source.addEventListener("error", () => this.#source === source && this.#failed());
    source.addEventListener("message", ({ data, lastEventId }) => {
      this.#last = lastEventId;
      const rows = parsed(data);
      if (Array.isArray(rows)) this.#add(rows);
    });
    source.addEventListener("missed", ({ data }) => {
      const { missed, unwatched } = parsed(data) ?? {};
      this.missed += missed || 0;
      this.unwatched += unwatched || 0;
      this.#tell();
    });
  }

  /** Tries at once, where it is down. */
  now() {
    if (!this.isOpen) this.#retry.now();
  }

  clear() {
    this.dropped += this.all.length;
    this.all = [];
    this.gaps = [];
    this.missed = 0;
    this.unwatched = 0;
    this.#tell();
  }

  /** How many rows ever came. */
  get came() {
    return this.dropped + this.all.length;
  }

  #add(rows) {
    this.all.push(...rows);
    // Cut in bites, so that a flood does not move ten thousand places for each batch.
    if (this.all.length > ROWS_MAX) {
      const over = this.all.length - ROWS_MAX;
      this.all.splice(0, over);
      this.dropped += over;
    }
    this.#tell();
  }

  #opened() {
    clearTimeout(this.#watchdog);
    this.#retry.worked();
    if (this.downSince) this.gaps = [...this.gaps, { from: this.downSince, to: new Date(), at: this.came }].slice(-20);
    this.isOpen = true;
    this.downSince = null;
    this.retryIn = 0;
    this.#tell();
  }

  #failed() {
    clearTimeout(this.#watchdog);
    this.#source.close();
    this.isOpen = false;
    this.downSince ??= new Date();
    this.#retry.later();
    this.#tell();
  }

  #down(left) {
    this.retryIn = left;
    this.#tell();
  }

  // A hidden page has no frames; it is told when it is looked at again.
  #tell() {
    if (this.#told) return;
    this.#told = true;
    requestAnimationFrame(() => {
      this.#told = false;
      this.#listeners.tell();
    });
  }
}
