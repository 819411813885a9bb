// To be written.

import { html } from "../html.js";
import { Empty } from "../parts.js";

export function Charts({ app, args }) {
  return html`
    <section class="panel" aria-labelledby="charts-title">
      <header><h2 id="charts-title">Charts</h2></header>
      <${Empty} title="Not there yet"><p>${app.gateway.stages.length} stages ${args.join(" ")}</p><//>
    </section>
  `;
}
