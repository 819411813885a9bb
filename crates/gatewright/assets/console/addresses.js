// The lines to take away: the same stage from a terminal, from the AWS CLI, from anywhere.

import { $, copyable, el } from "./dom.js";

/** Shows the addresses of `stage`; with `connectionId`, those that push to this page. */
export function showAddresses(gateway, stage, connectionId) {
  $("elsewhere").hidden = !stage;
  if (!stage) return;
  const id = connectionId ?? "CONNECTION_ID";
  const callback = gateway.callback(stage);
  const who = connectionId ? "Push to this page" : "Push to a client";
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
  const told = rows.filter(([, text]) => text !== null);
  $("addresses").replaceChildren(...told.flatMap(([label, text]) => [el("dt", {}, label), el("dd", {}, copyable(text, label))]));
}
