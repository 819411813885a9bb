// To be written.

import { html } from "../html.js";
import { Empty } from "../parts.js";

export function Api({ app, args }) {
  return html`
    <section class="panel" aria-labelledby="api-title">
      <header><h2 id="api-title">API</h2></header>
      <${Empty} title="Not there yet"><p>${app.gateway.stages.length} stages ${args.join(" ")}</p><//>
    </section>
  `;
}
