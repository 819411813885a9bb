// What keys do, while nobody types in a field; and the list of them that `?` shows.

import { useEffect } from "./html.js";

/** The keys of the views that stand there, the newest view's first: [key, what it does, function]. */
const views = [];

const isTyping = (element) => element?.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]") != null;

/** A key press goes to the first view that knows it. Escape is told everywhere, the rest not where somebody types. */
function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key !== "Escape" && (isTyping(event.target) || document.querySelector("dialog[open]"))) return;
  for (const keys of views) {
    const found = keys.find(([key]) => key === event.key);
    if (!found || found[2](event) === false) continue;
    event.preventDefault();
    return;
  }
}

addEventListener("keydown", pressed);

/** Makes `keys`, a list of [key, words, function], work for as long as the caller stands there. A function that gives false passes the key on. */
export function useKeys(keys) {
  useEffect(() => {
    views.unshift(keys);
    return () => views.splice(views.indexOf(keys), 1);
  });
}

/** Every key that does something now, with the words for it. */
export const knownKeys = () => views.flat().filter(([, words]) => words).map(([key, words]) => [key, words]);
