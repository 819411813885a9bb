// The buttons above the conversation: the demo's tour, or a message for each route of an API of one's own.

import { $, button, el } from "./dom.js";
import * as control from "./control.js";

/** Routes that get a button; the editor takes any. */
const ROUTES_MAX = 7;

/** The demo's four, in the order in which they teach. */
const TOUR = [
  ["echo", "Echo", "One HTTP call, one answer.", { action: "echo", text: "Hello, backend" }],
  ["broadcast", "Broadcast", "A push to every open client.", { action: "broadcast", text: "Hello, everybody" }],
  ["whoami", "Who am I?", "What the backend is told.", { action: "whoami" }],
  ["lost", "Lose a body", "It never arrives. Why?", { action: "lost", order: 1042, text: "Please arrive" }],
];
/** The tour's first message. */
export const FIRST = JSON.stringify(TOUR[0][3]);
/** A message that goes to `$default`, whatever the routes are. */
export const OF_NO_ROUTE = '{"text": "Hello, backend"}';

function action(id, title, text, does) {
  const made = button("", does, { id: `send-${id}` });
  made.append(el("strong", {}, title), el("span", {}, text));
  return made;
}

function shows(buttons, kind) {
  $("actions").dataset.kind = kind;
  $("actions").replaceChildren(...buttons.map((made) => el("li", {}, made)));
}

/** The demo's buttons; each sends at once. */
export function showTour(send) {
  shows(TOUR.map(([id, title, text, message]) => action(id, title, text, () => send(JSON.stringify(message)))), "tour");
}

/** Tells on the button whether the body is still lost; gives it a neighbour that loses it again. */
export function labelLost(method, setBack) {
  const lost = $("send-lost");
  if (!lost) return;
  const isMended = method !== "GET";
  const [title, text] = lost.children;
  title.textContent = isMended ? "Send that body again" : "Lose a body";
  text.textContent = isMended ? `The method is ${method} now.` : "It never arrives. Why?";
  lost.classList.toggle("warn", !isMended);
  $("lost-back")?.parentElement.remove();
  if (isMended) {
    const back = button("Set the method of “lost” back to GET", setBack, { id: "lost-back", className: "quiet" });
    $("actions").append(el("li", { className: "wide" }, back));
  }
}

/** A button for each route of an API; each fills the editor, since what is behind it is nobody's game. */
export function showRoutes(keys, sample, fill) {
  const named = keys.filter((key) => !key.startsWith("$")).slice(0, ROUTES_MAX);
  const routes = named.map((key) => [key, sample(key)]).filter(([, message]) => message !== null);
  if (keys.includes("$default")) routes.push(["$default", OF_NO_ROUTE]);
  const buttons = routes.map(([key, message]) => button(key, () => fill(message), { title: `Puts a message for the route ${key} into the editor` }));
  shows(buttons.length > 1 ? buttons : [], "routes");
}

/** The method of the demo's route that loses bodies; "GET" where the control plane cannot be asked. */
export async function methodOfLost(apiId) {
  try {
    return (await control.integrationOf(apiId, "lost"))?.integrationMethod ?? "GET";
  } catch {
    return "GET";
  }
}

/** Sets it back, so that the tour can be taken again. */
export async function loseAgain(apiId) {
  const integration = await control.integrationOf(apiId, "lost");
  await control.setMethod(apiId, integration.integrationId, "GET");
}
