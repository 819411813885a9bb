// The strip on top: what travels between browser, gateway and backend lights its lane.

import { $ } from "./dom.js";
import { pathOf, shortened } from "./text.js";

/** How long a lane stays lit, and how far apart the steps of one message light up, in milliseconds. */
const LIT = 1500;
const STEP = 260;
/** How much of a caption is shown, in characters. */
const CAPTION_MAX = 60;

/** Lights a lane after `steps` steps, with what travels on it as its caption. */
export function light(lane, caption, steps = 0, kind = "") {
  setTimeout(() => {
    const element = $(`lane-${lane}`);
    delete element.dataset.lit;
    void element.offsetWidth; // makes the animation start anew
    element.dataset.lit = kind;
    element.firstElementChild.textContent = shortened(caption, CAPTION_MAX);
    clearTimeout(element.timer);
    element.timer = setTimeout(() => delete element.dataset.lit, LIT);
  }, steps * STEP);
}

/** Says on the strip whether the gateway answers. */
export function showGateway(isThere) {
  $("node-gateway-says").textContent = isThere ? "chooses a route" : "does not answer";
  $("node-gateway").toggleAttribute("data-away", !isThere);
}

/** Lights what a record of this client tells. */
export function lightRecord(record, isLost) {
  const { request, response, latencyMs } = record;
  if (record.eventType === "PUSH") light("answer", `${record.method ?? "POST"} /@connections/{id}`);
  if (request) light("call", `${request.method} ${pathOf(request.url)}${isLost ? ", body dropped" : ""}`, 1, isLost ? "warn" : "");
  if (response) light("answer", `${response.status} in ${latencyMs ?? "–"} ms`, 2);
}
