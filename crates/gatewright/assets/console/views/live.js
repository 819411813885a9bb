// To be written.

import { html } from "../html.js";
import { Empty } from "../parts.js";

export function Live({ app, args }) {
  return html`
    <section class="panel" aria-labelledby="live-title">
      <header><h2 id="live-title">Live</h2></header>
      <${Empty} title="Not there yet"><p>${app.gateway.stages.length} stages ${args.join(" ")}</p><//>
    </section>
  `;
}
