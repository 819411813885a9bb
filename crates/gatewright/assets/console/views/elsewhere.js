// The lines to take away: the same stage from a terminal, from the AWS CLI, from anywhere.

import { html } from "../html.js";
import { Copyable } from "../parts.js";

export function Elsewhere({ app, socket }) {
  const { gateway } = app;
  const stage = socket.isTyped ? null : socket.chosenStage;
  if (!stage) return null;
  const id = socket.connectionId ?? "CONNECTION_ID";
  const callback = gateway.callback(stage);
  const who = socket.connectionId ? "Push to this client" : "Push to a client";
  // Both versions of the CLI read a file as it is; text they read differently.
  const post = `apigatewaymanagementapi post-to-connection --connection-id ${id} --data fileb:///dev/stdin`;
  const rows = [
    ["A client in a terminal", `npx wscat -c ${gateway.publicUrl(stage)}`],
    [who, `curl -d 'Hello from a terminal' '${callback}/@connections/${id}'`],
    [`${who}, with the AWS CLI`, `printf Hello | ${gateway.aws(post, callback)}`],
    ["Control plane, with the AWS CLI", gateway.aws("apigatewayv2 get-apis")],
    ["WebSocket by path", gateway.publicUrl(stage)],
    ["WebSocket by host, as on AWS", gateway.byHostUrl(stage)],
  ];
  return html`
    <details class="panel elsewhere">
      <summary>The same stage from elsewhere</summary>
      <dl>${rows.filter(([, text]) => text !== null).map(([label, text]) => html`<dt>${label}</dt><dd><${Copyable} text=${text} label=${label} /></dd>`)}</dl>
    </details>
  `;
}
