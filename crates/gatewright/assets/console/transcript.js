// The conversation: what was sent, what came, what happened between.

import { $, el } from "./dom.js";
import { block, parsed, time } from "./text.js";

/** What is kept; the oldest goes when one more comes, so that a page left open does not grow. */
const MESSAGES_MAX = 200;
/** How near its end the list must be to follow what comes, in pixels: whoever reads further up is left there. */
const NEAR = 80;

const list = $("transcript");
/** Whether what comes is followed: its reader is at the end. */
let follows = true;
list.addEventListener("scroll", () => (follows = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR));
// A turned phone, a keyboard that opens, a row of buttons more: the end stays in view.
new ResizeObserver(() => follows && toEnd()).observe(list);

function toEnd() {
  list.scrollTop = list.scrollHeight;
}

function say(element) {
  list.querySelector(".welcome")?.remove();
  list.append(element);
  while (list.children.length > MESSAGES_MAX) list.firstElementChild.remove();
  if (follows) toEnd();
}

/** A message; `className` tells who speaks: sent, push, bad, or the backend's answer. */
export function bubble(className, title, text) {
  const head = el("header", {}, el("b", {}, title), el("span", {}, time()));
  say(el("article", { className: `bubble ${className}` }, head, block(text)));
}

/** Something that happened; text, code and buttons. */
export const event = (...children) => say(el("p", { className: "event" }, ...children));

/** Shows `children` for as long as nothing was said. */
export function welcome(...children) {
  list.querySelector(".welcome")?.remove();
  if (!list.children.length) list.append(el("div", { className: "welcome" }, ...children));
}

/** The gateway's own frames have these three members and no more. */
const isError = (message) => "message" in message && "requestId" in message && "connectionId" in message;

/** Who said `text`, as the title and the class of its bubble. */
export function speaker(text, connectionId) {
  const message = parsed(text);
  if (message === null || typeof message !== "object") return ["", "Received"];
  if (isError(message)) return ["bad", "Error from the gateway"];
  if (message.type === "broadcast") {
    return ["push", message.from === connectionId ? "Push from the backend" : "Push: another client spoke"];
  }
  if (["echo", "whoami", "lost"].includes(message.type)) return ["", "Answer of the backend"];
  return ["", "Received"];
}
