// To be written.

import { html } from "../html.js";
import { Empty } from "../parts.js";

export function Connections({ app, args }) {
  return html`
    <section class="panel" aria-labelledby="connections-title">
      <header><h2 id="connections-title">Connections</h2></header>
      <${Empty} title="Not there yet"><p>${app.gateway.stages.length} stages ${args.join(" ")}</p><//>
    </section>
  `;
}
