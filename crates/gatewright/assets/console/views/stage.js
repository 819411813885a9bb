// One stage of an API: what it serves, how, and what is edited and not deployed to it.

import { html, useState } from "../html.js";
import { Copyable, Switch } from "../parts.js";

const inPath = encodeURIComponent;

/** What is said of a call that did not go: with the command that does it for who has credentials, where that is why. */
export const refused = (error, command) => ({ words: error.message, wrong: true, command: error.status === 403 ? command : undefined });

export function Stage({ app, apiId, stage, differences, onChange }) {
  const name = stage.stageName;
  const [said, say] = useState(null);
  const known = app.gateway.find(apiId, name);
  const settings = stage.defaultRouteSettings ?? {};
  const deploy = async () => {
    try {
      const { deploymentId } = await app.api(`/v2/apis/${inPath(apiId)}/deployments`, { method: "POST", body: { stageName: name } });
      say({ words: `Deployed: ${deploymentId}.` });
      app.say(`Deployed to ${name}`);
      onChange();
    } catch (error) {
      say(refused(error, app.gateway.aws(`apigatewayv2 create-deployment --api-id ${apiId} --stage-name ${name}`)));
    }
  };
  const watch = async (on) => {
    try {
      await app.api("watch", { method: "POST", body: { apiId, stage: name, on } });
      await app.gateway.look();
    } catch (error) {
      say({ words: error.message, wrong: true });
    }
  };
  const facts = [
    ["Deployment", stage.deploymentId ?? "none"], ["Deploys itself", stage.autoDeploy ? "yes" : "no"], ["Logging", `${settings.loggingLevel ?? "OFF"}${settings.dataTraceEnabled ? ", with bodies" : ""}`],
    ["Throttling", settings.throttlingRateLimit === undefined ? "none" : `${settings.throttlingRateLimit} a second, ${settings.throttlingBurstLimit} at once`],
    ["Connect", app.gateway.publicUrl({ apiId, stage: name })],
  ];
  return html`
    <section class="panel" aria-label=${`Stage ${name}`}>
      <header><h2>Stage ${name}</h2><p class="grows"></p>${known && html`<${Switch} on=${known.watched} onChange=${watch}>Watch<//>`}
        ${!stage.autoDeploy && html`<button type="button" class=${differences.length > 0 || !stage.deploymentId ? "primary" : "quiet"} onClick=${deploy}>Deploy</button>`}</header>
      <dl class="facts-list">${facts.map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`)}</dl>
      ${said && html`<p class=${said.wrong ? "said-wrong" : "soft said"} role="status">${said.words}</p>`}
      ${said?.command && html`<div class="said"><${Copyable} text=${said.command} label="the AWS command" /></div>`}
      ${differences.length > 0 && html`<div class="differences"><h3>Edited, and not deployed</h3><ul>${differences.map(({ says }) => html`<li>${says}</li>`)}</ul></div>`}
    </section>
  `;
}
