// Client: several WebSockets to any stage, what was said on each, and an editor that sends.

import { html, useChanges, useEffect, useState } from "../html.js";
import { Empty } from "../parts.js";
import { Elsewhere } from "./elsewhere.js";
import { NobodyCanConnect, NoApi } from "./nothing.js";
import { Settings } from "./settings.js";
import { Talk } from "./talk.js";

/** The view of `#/client`; `#/client/API/STAGE` aims the client in front, unless it is in use. */
export function Client({ app, args: [apiId, stage] }) {
  const { gateway, sockets } = app;
  useChanges(gateway);
  useChanges(sockets);
  const [typed, type] = useState(false);
  useEffect(() => {
    if (!stage || !gateway.find(apiId, stage)) return;
    const free = sockets.chosen.isBusy ? sockets.add() : sockets.chosen;
    free?.change({ target: `${apiId}/${stage}`, isTyped: false });
    app.go(app.href("client"));
  }, [apiId, stage, gateway.facts]);
  if (gateway.facts === null) return null;
  const isReachable = gateway.stages.some(({ deployed }) => deployed);
  if (!isReachable && !typed && !sockets.chosen.isTyped) {
    return html`
      <section class="panel" aria-labelledby="client-title">
        <header><h1 class="view-title" id="client-title">Client</h1></header>
        ${gateway.hasApis ? html`<${NobodyCanConnect} app=${app} />` : html`<${NoApi} gateway=${gateway} />`}
        <${Empty}>
          <p>As soon as there is a stage it appears here, and this page becomes a client of it. A WebSocket elsewhere needs none:</p>
          <p><button type="button" onClick=${() => { sockets.chosen.change({ isTyped: true }); type(true); }}>Connect to an address</button></p>
        <//>
      </section>
    `;
  }
  const socket = sockets.chosen;
  return html`
    <div class="client-view">
      <div class="client-side">
        <${Settings} app=${app} socket=${socket} key=${socket.number} />
        <${Elsewhere} app=${app} socket=${socket} />
      </div>
      <${Talk} app=${app} socket=${socket} />
    </div>
  `;
}
