// Which view the address names, and what of it.

import { Listeners } from "./listeners.js";

const listeners = new Listeners();

const decoded = (part) => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

/** {name, args} of `#/name/arg/arg`; the name is empty where there is none. */
export function place() {
  const [name = "", ...args] = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
  return { name, args };
}

/** The address of a view: href("event", id). */
export const href = (name, ...args) => `#/${[name, ...args].map((part) => encodeURIComponent(part)).join("/")}`;

/** Goes to an address such as href() gives. */
export const go = (hash) => {
  location.hash = hash;
};

/** Calls `does` after each change of the address; gives what ends that. */
export const subscribe = (does) => listeners.subscribe(does);

addEventListener("hashchange", () => listeners.tell());
