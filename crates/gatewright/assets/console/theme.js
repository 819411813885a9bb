// Light or dark: as the system has it, or as the person chose.

import { Listeners } from "./listeners.js";

const KEPT = "gatewright-theme";
const CHOICES = ["system", "light", "dark"];
const listeners = new Listeners();

let choice = read();

function read() {
  try {
    const kept = localStorage.getItem(KEPT);
    return CHOICES.includes(kept) ? kept : "system";
  } catch {
    return "system"; // a browser that keeps nothing
  }
}

function show() {
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
}

/** "system", "light" or "dark". */
export const chosenTheme = () => choice;

/** Goes on to the next of the three; gives it. */
export function nextTheme() {
  choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
  try {
    localStorage.setItem(KEPT, choice);
  } catch {
    // It holds until the page goes.
  }
  show();
  listeners.tell();
  return choice;
}

/** Calls `does` whenever colours are others than before, for what paints by itself; gives what ends that. */
export function onTheme(does) {
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", does);
  const end = listeners.subscribe(does);
  return () => {
    media.removeEventListener("change", does);
    end();
  };
}

/** A token of base.css, such as "--accent", as a colour that a canvas takes. */
export function colour(token) {
  const probe = document.createElement("i");
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

show();
