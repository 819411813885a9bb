// What stands where no event is: why, and what to type next.

import { html } from "../html.js";
import { useRoutes } from "../client/use-routes.js";
import { Copyable, Empty } from "../parts.js";
import { count } from "../text.js";

/** Where the backend of an example listens. */
const BACKEND = "http://127.0.0.1:3000";

/** `came` is how many events there are without the filter. */
export function NothingYet({ app, came, filter }) {
  const { gateway } = app;
  if (came > 0) {
    return html`
      <${Empty} title="Nothing matches">
        <p>${came === 1 ? "The one event that came does" : `None of ${count(came, "event")} does`} fit <code>${filter.text}</code>. What comes and fits appears here.</p>
        <p><button type="button" onClick=${() => filter.setText("")}>Show all events</button></p>
      <//>
    `;
  }
  if (gateway.facts === null) return html`<${Empty}><p>Asking the gateway.</p><//>`;
  if (!gateway.hasApis) return html`<${NoApi} gateway=${gateway} />`;
  const stage = gateway.stages.find(({ deployed }) => deployed);
  if (!stage) return html`<${NobodyCanConnect} app=${app} />`;
  return html`
    <${Empty} title="Nothing has happened yet">
      <p>Every connect, message, push and disconnect appears here, newest first. The <a href="#/client">Client</a> sends one from this page${gateway.facts.demo ? html`, the <a href="#/tour">Tour</a> leads through four` : ""}; or, from a terminal:</p>
      <${Copyable} text=${`npx wscat -c ${gateway.publicUrl(stage)}`} label="a client in a terminal" />
    <//>
  `;
}

export function NoApi({ gateway }) {
  const made = "apigatewayv2 create-api --name chat --protocol-type WEBSOCKET --route-selection-expression '$request.body.action'";
  return html`
    <${Empty} title="This gateway has no API yet">
      <p>The short way, with a backend that listens on port 3000: stop the gateway and start it like this.</p>
      <${Copyable} text=${`gatewright serve --backend ${BACKEND}`} label="the command that starts with a backend" />
      <p>As on AWS, with the CLI: an API first, then its integrations, routes and a stage.</p>
      <${Copyable} text=${gateway.aws(made)} label="the command that makes an API" />
      <p>To look around first, in an API that is made for that:</p>
      <${Copyable} text="gatewright demo" label="the command that starts the demo" />
    <//>
  `;
}

/** APIs are there and none can be reached: what comes next for one of them. */
export function NobodyCanConnect({ app }) {
  const { gateway } = app;
  const [{ apiId, apiName, stage }] = [...gateway.stages, ...gateway.withoutStage];
  const routes = useRoutes(app, apiId);
  const name = apiName || apiId;
  const commands = [];
  if (routes?.keys.length === 0) {
    commands.push(
      ["A route needs something to call:", `apigatewayv2 create-integration --api-id ${apiId} --integration-type HTTP_PROXY --integration-method POST --integration-uri ${BACKEND}`],
      ["The route, with the IntegrationId that this answers:", `apigatewayv2 create-route --api-id ${apiId} --route-key '$default' --target integrations/INTEGRATION_ID`],
    );
  }
  commands.push(stage
    ? ["This deploys it:", `apigatewayv2 create-deployment --api-id ${apiId} --stage-name ${stage}`]
    : ["A stage, which deploys each change by itself:", `apigatewayv2 create-stage --api-id ${apiId} --stage-name dev --auto-deploy`]);
  return html`
    <${Empty} title="Nobody can connect yet">
      <p>${stage ? "The stage" : "The API"} <code>${stage ? `${name}/${stage}` : name}</code> ${stage ? "is not deployed: clients get 403." : "has no stage yet, and clients connect to stages."}</p>
      ${commands.map(([text, command]) => html`<p>${text}</p><${Copyable} text=${gateway.aws(command)} label=${text} />`)}
      <p>What the API has, and what it lacks, stands under <a href=${app.href("api", apiId)}>API</a>.</p>
    <//>
  `;
}
