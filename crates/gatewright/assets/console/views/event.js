// To be written.

import { html } from "../html.js";
import { Empty } from "../parts.js";

export function Event({ app, args }) {
  return html`
    <section class="panel" aria-labelledby="event-title">
      <header><h2 id="event-title">Event</h2></header>
      <${Empty} title="Not there yet"><p>${app.gateway.stages.length} stages ${args.join(" ")}</p><//>
    </section>
  `;
}
