// Where the time of one event went: a bar for each step of its walk.

import { html } from "../html.js";
import { timeText } from "../text.js";

/** Steps that are drawn. */
const SPANS_MAX = 60;
/** The narrowest bar, in percent: what took no time is still there. */
const LEAST = 0.4;

/** What the steps are called for people; others are called as the gateway calls them. */
const WORDS = {
  queue: "wait for its turn",
  select: "choose the route",
  authorize: "who is it",
  admit: "admit",
  validate: "check the message",
  map: "map the request",
  call: "call the backend",
  connect: "reach the backend",
  send: "send the request",
  wait: "wait for the backend",
  read: "read the answer",
  "map back": "map the answer",
  fit: "measure the answer",
  deliver: "hand it to the client",
};

export function Waterfall({ record }) {
  const spans = (record.spans ?? []).slice(0, SPANS_MAX);
  if (spans.length === 0) {
    if (record.eventType === "PUSH") return null;
    return html`<p class="none-kept">The times of its steps were not kept: the stage is not watched, and no page was open.</p>`;
  }
  const from = Math.min(...spans.map(({ beganUs }) => beganUs));
  const whole = Math.max(1, ...spans.map(({ endedUs }) => endedUs - from));
  const percent = (micros) => (100 * micros) / whole;
  return html`
    <section class="waterfall" aria-labelledby="waterfall-title">
      <h3 id="waterfall-title">Where ${timeText(whole / 1000)} went</h3>
      <table>
        <thead class="unseen"><tr><th scope="col">Step</th><th scope="col">When</th><th scope="col">Took</th></tr></thead>
        <tbody>
          ${spans.map(({ part, beganUs, endedUs }) => {
            const width = Math.max(LEAST, percent(endedUs - beganUs));
            const left = Math.min(percent(beganUs - from), 100 - width);
            return html`
              <tr data-part=${part} data-most=${endedUs - beganUs > whole / 2 ? "" : undefined}>
                <th scope="row">${WORDS[part] ?? part}</th>
                <td class="bar" title=${`from ${timeText((beganUs - from) / 1000)} to ${timeText((endedUs - from) / 1000)}`}>
                  <span class="unseen">from ${timeText((beganUs - from) / 1000)}</span><i style=${{ left: `${left}%`, width: `${width}%` }}></i>
                </td>
                <td class="number">${timeText((endedUs - beganUs) / 1000)}</td>
              </tr>
            `;
          })}
        </tbody>
      </table>
    </section>
  `;
}
