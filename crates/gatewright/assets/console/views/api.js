// APIs: what is defined, what of it is not deployed, what will bite; and to try a message or a template without sending anything.

import { html, useChanges, useEffect, useState } from "../html.js";
import { Badge, Copyable, Empty, Switch, Text } from "../parts.js";
import { count } from "../text.js";
import { Playground } from "./playground.js";
import { TryIt } from "./try-it.js";

const inPath = encodeURIComponent;
const list = (app, apiId, what) => app.api(`/v2/apis/${inPath(apiId)}/${what}?maxResults=500`).then(({ items }) => items ?? []);

/** What `ask` gives, asked again when `keys` change. */
export function useAnswer(ask, keys) {
  const [state, set] = useState({ answer: null, error: null });
  useEffect(() => {
    let isMeant = true;
    ask().then((answer) => isMeant && set({ answer, error: null }), (error) => isMeant && set({ answer: null, error }));
    return () => (isMeant = false);
  }, keys);
  return state;
}

export function Api({ app, args }) {
  useChanges(app.gateway);
  return args[0] ? html`<${One} app=${app} apiId=${args[0]} key=${args[0]} />` : html`<${All} app=${app} />`;
}

function All({ app }) {
  const { gateway } = app;
  const apis = new Map();
  for (const one of [...gateway.stages, ...gateway.withoutStage]) apis.set(one.apiId, { name: one.apiName, stages: [...(apis.get(one.apiId)?.stages ?? []), ...(one.stage ? [one] : [])] });
  return html`
    <section class="panel" aria-labelledby="apis-title">
      <header><h1 class="view-title" id="apis-title">APIs</h1></header>
      ${apis.size > 0
        ? html`<ul class="apis">${[...apis].map(([id, { name, stages }]) => html`<li key=${id}><a href=${app.href("api", id)}><strong>${name || id}</strong></a> <code>${id}</code> ${stages.map((stage) => html`<${Badge} tone=${stage.deployed ? "" : "calm"}>${stage.stage}${stage.deployed ? "" : ", not deployed"}<//> `)}</li>`)}</ul>`
        : html`<${Empty} title="This gateway has no API yet"><p>Make one with the AWS CLI, or start with a backend:</p><${Copyable} text="gatewright serve --backend http://127.0.0.1:3000" label="the command that starts with a backend" /><//>`}
    </section>
  `;
}

function One({ app, apiId }) {
  const [turn, again] = useState(0);
  const { answer, error } = useAnswer(
    () => Promise.all([app.api(`/v2/apis/${inPath(apiId)}`), list(app, apiId, "routes"), list(app, apiId, "integrations"), list(app, apiId, "stages")]),
    [apiId, turn, app.gateway.facts],
  );
  if (error) return html`<p class="back"><a href="#/api">← APIs</a></p><div class="down"><p role="alert">${error.message}</p></div>`;
  if (!answer) return null;
  const [api, routes, integrations, stages] = answer;
  return html`
    <p class="back"><a href="#/api">← APIs</a></p>
    <h1 class="view-title api-title">${api.name} <code>${apiId}</code></h1>
    <div class="api-grid">
      <${Findings} app=${app} apiId=${apiId} turn=${turn} />
      ${stages.map((stage) => html`<${Stage} key=${stage.stageName} app=${app} apiId=${apiId} stage=${stage} turn=${turn} onChange=${() => again(turn + 1)} />`)}
      <${Routes} routes=${routes} integrations=${integrations} api=${api} />
      ${stages.length > 0 && html`<${TryIt} app=${app} apiId=${apiId} stages=${stages} routes=${routes} />`}
      <${Playground} app=${app} apiId=${apiId} integrations=${integrations} onSaved=${() => again(turn + 1)} />
    </div>
  `;
}

function Findings({ app, apiId, turn }) {
  const { answer, error } = useAnswer(() => app.api(`doctor?api=${inPath(apiId)}`), [apiId, turn]);
  const findings = answer?.apis[0]?.findings ?? [];
  return html`
    <section class="panel whole" aria-labelledby="findings-title">
      <header><h2 id="findings-title">What will bite</h2><p class="soft">${answer ? (findings.length > 0 ? count(findings.length, "finding") : "nothing, as far as can be seen") : error ? error.message : "looking"}</p></header>
      ${findings.length > 0 && html`<ul class="findings">${findings.map(({ severity, code, place, what, why, mend }) => html`
        <li><p><${Badge} tone=${severity === "error" ? "bad" : severity === "warning" ? "note" : "calm"}>${severity}<//> <strong>${place}</strong> <code>${code}</code></p><p>${what} ${why}</p>
          ${mend && html`<p class="soft">To ${mend.text}${mend.command ? ":" : "."}</p>`}${mend?.command && html`<${Copyable} text=${mend.command} label="the command that mends it" />`}</li>`)}</ul>`}
    </section>
  `;
}

function Stage({ app, apiId, stage, turn, onChange }) {
  const name = stage.stageName;
  const { answer } = useAnswer(() => app.api(`changes?api=${inPath(apiId)}&stage=${inPath(name)}`), [apiId, name, turn]);
  const [said, say] = useState(null);
  const differences = answer?.differences ?? [];
  const known = app.gateway.find(apiId, name);
  const settings = stage.defaultRouteSettings ?? {};
  const deploy = async () => {
    try {
      const { deploymentId } = await app.api(`/v2/apis/${inPath(apiId)}/deployments`, { method: "POST", body: { stageName: name } });
      say({ words: `Deployed: ${deploymentId}.` });
      app.say(`Deployed to ${name}`);
      onChange();
    } catch (error) {
      say({ words: error.message, wrong: true, command: app.gateway.aws(`apigatewayv2 create-deployment --api-id ${apiId} --stage-name ${name}`) });
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

function Routes({ routes, integrations, api }) {
  const of = (target) => integrations.find(({ integrationId }) => target === `integrations/${integrationId}`);
  return html`
    <section class="panel whole" aria-labelledby="routes-title">
      <header><h2 id="routes-title">Routes</h2><p class="soft">chosen by <code>${api.routeSelectionExpression}</code>, as they are edited</p></header>
      ${routes.length === 0 && html`<${Empty}><p>The API has no route.</p><//>`}
      <ul class="routes">${routes.map((route) => {
        const integration = of(route.target);
        const maps = Object.entries(integration?.requestParameters ?? {});
        const templates = Object.entries(integration?.requestTemplates ?? {});
        return html`<li key=${route.routeId}>
          <p><strong>${route.routeKey}</strong> ${route.routeResponseSelectionExpression && html`<${Badge} tone="calm">two-way<//> `}${route.authorizationType && route.authorizationType !== "NONE" && html`<${Badge} tone="calm">${route.authorizationType}<//> `}${route.apiKeyRequired && html`<${Badge} tone="calm">API key<//>`}</p>
          <p>${integration ? html`<${Badge}>${integration.integrationType}<//> <span class="mono">${integration.integrationMethod ?? ""} ${integration.integrationUri ?? ""}</span> <code>${integration.integrationId}</code>` : html`<span class="nothing">no integration</span>`}</p>
          ${(maps.length > 0 || templates.length > 0) && html`<details><summary>${[maps.length > 0 && count(maps.length, "mapping"), templates.length > 0 && count(templates.length, "template")].filter(Boolean).join(", ")}</summary>
            ${maps.map(([to, from]) => html`<p class="mono">${to} ← ${from}</p>`)}
            ${templates.map(([key, text]) => html`<h3>${key}</h3><${Text} text=${text} />`)}</details>`}
        </li>`;
      })}</ul>
    </section>
  `;
}
