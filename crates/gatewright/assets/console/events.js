// The list of events, newest first: bounded, filtered, and still while somebody reads in it.

import { $, button, el } from "./dom.js";
import { count, time } from "./text.js";
import { card } from "./card.js";

/** What is kept: so many events, of so many characters of JSON together. The oldest goes first. */
const RECORDS_MAX = 200;
const CHARACTERS_MAX = 8_000_000;
/** How far down the list must be for new events to be announced rather than seen, in pixels. */
const READING = 40;

export class Events {
  /** Newest first: cards, and lines that say what is missing. */
  #entries = [];
  #characters = 0;
  /** What came since the last frame. */
  #waiting = [];
  #skipped = 0;
  #unseen = 0;
  /** The card that was opened by itself, and closes when the next is. */
  #opened = null;

  /** `context` is what cards are told; `shown` is called with each card of this client when it stands there. */
  constructor(context, filters, shown) {
    this.context = context;
    this.filters = filters;
    this.shown = shown;
    this.list = $("records");
    this.list.addEventListener("scroll", () => this.list.scrollTop < READING && this.#seen());
    $("newer").addEventListener("click", () => {
      this.list.scrollTop = 0;
      this.#seen();
    });
    $("clear").addEventListener("click", () => this.clear());
  }

  /** Takes a record. It is drawn with the next frame, so that a thousand in a moment are one drawing. */
  add(record, characters) {
    if (this.#waiting.length === 0) requestAnimationFrame(() => this.#draw());
    this.#waiting.push({ record, characters });
    if (this.#waiting.length > RECORDS_MAX) {
      this.#waiting.shift();
      this.#skipped += 1;
    }
  }

  /** Says in the list that something is missing from here on. */
  gap(text) {
    const element = el("p", { className: "gap" }, text);
    this.#entries.unshift({ element, characters: 0, kept: false });
    $("cards").prepend(element);
    this.#evict();
    this.#count();
  }

  clear() {
    this.#entries.forEach(({ element }) => element.remove());
    this.#entries = [];
    this.#characters = 0;
    this.#opened = null;
    this.#seen();
    this.#count();
  }

  /** Shows what the filters let through. */
  filter() {
    for (const { record, element } of this.#entries) if (record) element.hidden = !this.filters.lets(record);
    this.#count();
  }

  /** The newest card of this client that tells of a lost body. */
  get newestLoss() {
    return this.#entries.find((entry) => entry.tellsLoss && this.context.isMine(entry.record));
  }

  /** Opens a card and leads there. */
  lead(entry) {
    entry.open();
    entry.kept = true;
    entry.element.scrollIntoView({ block: "start" });
    entry.element.firstElementChild.focus({ preventScroll: true });
  }

  #draw() {
    const stays = this.#anchor();
    const came = this.#waiting;
    this.#waiting = [];
    if (this.#skipped > 0) {
      this.gap(`${count(this.#skipped, "event")} came faster than they could be shown.`);
      this.#skipped = 0;
    }
    const made = came.map(({ record, characters }) => this.#make(record, characters));
    $("cards").prepend(...made.map(({ element }) => element).reverse());
    this.#evict();
    const visible = made.filter(({ element }) => !element.hidden);
    const newest = visible.findLast(({ record }) => this.context.isMine(record));
    if (newest) this.#openByItself(newest);
    this.#unseen += visible.length;
    this.#count();
    stays();
    for (const entry of made) if (this.context.isMine(entry.record)) this.shown(entry);
  }

  #make(record, characters) {
    const same = this.#entries.findIndex((entry) => entry.record?.requestId === record.requestId);
    if (same >= 0) this.#drop(same);
    const entry = Object.assign(card(record, this.context), { characters });
    entry.element.hidden = !this.filters.lets(record);
    // Whatever a person did with it, it is theirs to close.
    for (const act of ["pointerdown", "keydown"]) entry.element.addEventListener(act, () => (entry.kept = true));
    this.#entries.unshift(entry);
    this.#characters += characters;
    return entry;
  }

  #openByItself(entry) {
    const last = this.#opened;
    // An explanation stays until its reader closes it.
    if (last && !last.kept && !last.tellsLoss) last.element.open = false;
    entry.open();
    this.#opened = entry;
  }

  // The oldest goes, but first the oldest that nobody has opened.
  #evict() {
    while (this.#entries.length > RECORDS_MAX || this.#characters > CHARACTERS_MAX) {
      const closed = this.#entries.findLastIndex(({ element, kept }) => !(kept && element.open));
      this.#drop(closed > 0 ? closed : this.#entries.length - 1);
    }
  }

  #drop(index) {
    const [{ element, characters }] = this.#entries.splice(index, 1);
    this.#characters -= characters;
    element.remove();
  }

  // What is being read stays where it is on the screen, whatever comes above it. Gives what puts it back.
  #anchor() {
    const { list } = this;
    const top = list.getBoundingClientRect().top;
    const inView = ({ element }) => !element.hidden && element.getBoundingClientRect().bottom > top;
    const isRead = (entry) => entry.kept && entry.element.open && inView(entry);
    const entry = list.scrollTop > READING ? this.#entries.find(inView) : this.#entries.slice(0, 3).find(isRead);
    if (!entry) return () => (this.#unseen = 0);
    const before = entry.element.getBoundingClientRect().top;
    return () => {
      if (entry.element.isConnected) list.scrollTop += entry.element.getBoundingClientRect().top - before;
      if (list.scrollTop < READING) this.#unseen = 0;
      this.#announce();
    };
  }

  #seen() {
    this.#unseen = 0;
    this.#announce();
  }

  #announce() {
    $("newer").hidden = this.#unseen === 0;
    $("newer").textContent = `↑ ${this.#unseen} newer`;
  }

  #count() {
    const cards = this.#entries.filter(({ record }) => record);
    const shown = cards.filter(({ element }) => !element.hidden).length;
    const empty = $("empty");
    empty.hidden = shown > 0;
    if (shown > 0) return empty.replaceChildren();
    if (cards.length > 0) {
      const all = button("Show all", () => this.filters.clear(), { className: "small" });
      const what = cards.length === 1 ? "The one event that came is" : `All ${cards.length} events that came are`;
      const text = `${what} somebody else’s: there is none ${this.filters.words} yet. `;
      return empty.replaceChildren(el("p", {}, text, all));
    }
    return empty.replaceChildren(...this.context.nothingYet(this.filters.words));
  }

  /** Says anew what stands there while the list is empty. */
  refresh() {
    this.#count();
  }
}

/** The sentence for a time without the feed. */
export const away = (since) => `The gateway was away from ${time(since, false)} to ${time(new Date(), false)}: what happened meanwhile is not shown.`;
