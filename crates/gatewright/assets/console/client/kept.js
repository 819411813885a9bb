// What the client remembers: templates for good, what was sent and typed for as long as this tab is open.
//
// What was sent may hold a secret, so it goes with the tab. A browser that keeps nothing makes the page forget; nothing else.

import { Listeners } from "../listeners.js";
import { parsed } from "../text.js";

/** Templates of all APIs, and texts of the history. */
export const TEMPLATES_MAX = 200;
export const HISTORY_MAX = 100;
/** Longest text and name that are kept, in characters; a whole history, too: browsers give some 5 MB. */
export const TEXT_MAX = 32_768;
export const NAME_MAX = 60;
const HISTORY_TEXT_MAX = 1_000_000;

const isText = (value, max) => typeof value === "string" && value.length <= max;

class Store {
  #listeners = new Listeners();

  /** `storage` gives the browser's store, which may refuse itself; `read` makes what is there fit. */
  constructor(storage, key, read) {
    this.storage = storage;
    this.key = key;
    try {
      this.value = read(parsed(storage().getItem(key) ?? ""));
    } catch {
      this.value = read(undefined);
    }
  }

  subscribe(does) {
    return this.#listeners.subscribe(does);
  }

  /** Whether it will be there the next time. */
  set(value) {
    this.value = value;
    this.#listeners.tell();
    try {
      this.storage().setItem(this.key, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }
}

const readTemplates = (value) =>
  (Array.isArray(value) ? value : []).filter((one) => isText(one?.api, 2000) && isText(one.name, NAME_MAX) && isText(one.text, TEXT_MAX)).slice(0, TEMPLATES_MAX);

const readHistory = (value) => (Array.isArray(value) ? value : []).filter((text) => isText(text, TEXT_MAX)).slice(0, HISTORY_MAX);

/** [{api, name, text}], the newest first. */
export const templates = new Store(() => localStorage, "gatewright-templates", readTemplates);
/** Texts, the newest first; each once. */
export const history = new Store(() => sessionStorage, "gatewright-sent", readHistory);
/** The client that is in front, as it was left: {target, isTyped, address, query, protocols, draft}. */
export const draft = new Store(() => sessionStorage, "gatewright-client", (value) => (value && typeof value === "object" ? value : {}));

/** Keeps a template; one of the same API and name is replaced. Gives what is wrong, or an empty text. */
export function keepTemplate(api, name, text) {
  if (name === "") return "A template needs a name.";
  if (text.length > TEXT_MAX) return `A template has at most ${TEXT_MAX} characters; this has ${text.length}.`;
  const others = templates.value.filter((one) => one.api !== api || one.name !== name);
  if (others.length >= TEMPLATES_MAX) return `There are ${TEMPLATES_MAX} templates, which is the most. Forget one first.`;
  return templates.set([{ api, name, text }, ...others]) ? "" : "This browser keeps nothing: the template is gone with the page.";
}

export const forgetTemplate = ({ api, name }) => templates.set(templates.value.filter((one) => one.api !== api || one.name !== name));

/** Remembers what was sent; what is too long to be kept is not. */
export function remember(text) {
  if (text.length > TEXT_MAX) return;
  let characters = 0;
  const all = [text, ...history.value.filter((other) => other !== text)].slice(0, HISTORY_MAX);
  history.set(all.filter((other) => (characters += other.length) <= HISTORY_TEXT_MAX));
}
