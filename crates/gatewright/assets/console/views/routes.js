// The routes of an API with all that belongs to them, as they are edited or as they are deployed; and both beside each other
// where they differ.

import { diff } from "../diff.js";
import { html, useState } from "../html.js";
import { Badge, Empty, Text } from "../parts.js";
import { count } from "../text.js";

/** What is not told of a document: who it is, and what stands above it. */
const UNTOLD = new Set(["apiId", "routeId", "routeKey", "target", "integrationId", "integrationType", "integrationMethod", "integrationUri", "integrationResponseId", "integrationResponseKey", "routeResponseId", "routeResponseKey", "apiGatewayManaged"]);

/** What a route and its integration say where nobody said anything: not worth a line. */
const USUAL = { apiKeyRequired: false, authorizationType: "NONE", connectionType: "INTERNET", passthroughBehavior: "WHEN_NO_MATCH", payloadFormatVersion: "1.0", timeoutInMillis: 29000 };

/** The keys of the routes that stand in `documents`. */
export const keysOf = (documents) => Object.values(documents ?? {}).map(({ routeKey }) => routeKey).filter(Boolean);

/** A document's members as [path, text], in AWS's words. */
function members(document, before = "") {
  return Object.entries(document ?? {}).flatMap(([name, value]) => {
    if (before === "" && (UNTOLD.has(name) || USUAL[name] === value)) return [];
    const path = before ? `${before} ${name}` : name;
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return members(value, path);
    return [[path, typeof value === "string" ? value : JSON.stringify(value)]];
  });
}

/** A route as it stands in `documents`: its integration, and all that it says, by name. */
function routeOf(documents, key) {
  const route = documents?.[`route ${key}`];
  if (!route) return null;
  const id = route.target?.replace(/^integrations\//, "");
  const integration = documents[`integration ${id}`];
  const said = new Map([
    ["integration", integration ? [integration.integrationType, integration.integrationMethod, integration.integrationUri].filter(Boolean).join(" ") : "none"],
    ...members(route),
    ...members(integration),
  ]);
  for (const [what, of, text] of [["integration response", `integration ${id}`, "response"], ["route response", `route ${key}`, "route response"]]) {
    for (const [name, document] of Object.entries(documents)) {
      if (!name.startsWith(`${what} `) || !name.endsWith(` of ${of}`)) continue;
      const itsKey = name.slice(what.length + 1, -` of ${of}`.length);
      const own = members(document);
      said.set(`${text} ${itsKey}`, own.length > 0 ? "" : "as it comes");
      own.forEach(([path, value]) => said.set(`${text} ${itsKey}, ${path}`, value));
    }
  }
  return { route, integration, said };
}

/** What is other in `edited` than in `deployed`: [name, before, after]. */
function differences(deployed, edited) {
  const names = new Set([...(deployed?.said.keys() ?? []), ...(edited?.said.keys() ?? [])]);
  return [...names].map((name) => [name, deployed?.said.get(name) ?? null, edited?.said.get(name) ?? null]).filter(([, before, after]) => before !== after);
}

export function Routes({ api, edited, deployed }) {
  const [chosen, choose] = useState("");
  const stage = deployed.find(({ name }) => name === chosen);
  const documents = stage?.documents ?? edited;
  const all = [...new Set([...keysOf(edited), ...deployed.flatMap((one) => keysOf(one.documents))])].sort();
  const shown = all.filter((key) => !stage || routeOf(documents, key));
  return html`
    <section class="panel whole" aria-labelledby="routes-title">
      <header><h2 id="routes-title">Routes</h2><p class="soft grows">chosen by <code>${(documents["the API"] ?? api).routeSelectionExpression}</code></p>
        <label class="field bare"><span class="unseen">Which version</span><select value=${chosen} onChange=${(event) => choose(event.target.value)}><option value="">as edited</option>${deployed.map(({ name }) => html`<option value=${name}>as deployed to ${name}</option>`)}</select></label></header>
      ${shown.length === 0 && html`<${Empty}><p>The API has no route.</p><//>`}
      <ul class="routes">${shown.map((key) => html`<${Route} key=${key} routeKey=${key} of=${routeOf(documents, key)} edited=${routeOf(edited, key)} stages=${stage ? [] : deployed.map(({ name, documents }) => ({ name, of: routeOf(documents, key) }))} />`)}</ul>
    </section>
  `;
}

function Route({ routeKey, of, edited, stages }) {
  const changed = stages.map(({ name, of }) => ({ name, isThere: of !== null, list: differences(of, edited) })).filter(({ list }) => list.length > 0);
  const { route = {}, integration } = of ?? {};
  const said = [...(of?.said ?? [])].filter(([name]) => name !== "integration");
  return html`<li>
    <p><strong>${routeKey}</strong> ${route.routeResponseSelectionExpression && html`<${Badge} tone="calm">two-way<//> `}${route.authorizationType && route.authorizationType !== "NONE" && html`<${Badge} tone="calm">${route.authorizationType}<//> `}${route.apiKeyRequired && html`<${Badge} tone="calm">API key<//> `}${!of && html`<${Badge} tone="note">deleted<//> `}${changed.map(({ name, isThere }) => html`<${Badge} tone="note">${isThere ? "edited" : "new"}, not deployed to ${name}<//> `)}</p>
    ${of && html`<p>${integration ? html`<${Badge}>${integration.integrationType}<//> <span class="mono">${integration.integrationMethod ?? ""} ${integration.integrationUri ?? ""}</span> <code>${integration.integrationId}</code>` : html`<span class="nothing">no integration</span>`}</p>`}
    ${said.length > 0 && html`<details><summary>${count(said.length, "setting")}</summary><dl class="route-settings">${said.map(([name, text]) => html`<dt>${name}</dt><dd>${text.includes("\n") || text.startsWith("{") ? html`<${Text} text=${text} />` : html`<span class="mono">${text}</span>`}</dd>`)}</dl></details>`}
    ${changed.map(({ name, isThere, list }) => isThere && html`<details class="changed"><summary>${count(list.length, "difference")} from what is deployed to ${name}</summary>${list.map(([what, before, after]) => html`<${Beside} key=${what} what=${what} stage=${name} before=${before} after=${after} />`)}</details>`)}
  </li>`;
}

/** A text as it is deployed beside the same as it is edited, line by line. */
function Beside({ what, stage, before, after }) {
  const lines = diff(before ?? "", after ?? "");
  const side = (sign, text) => (text === null ? html`<p class="nothing">not there</p>` : html`<pre class="body diff">${lines.filter(([its]) => its === " " || its === sign).map(([its, line]) => html`<span data-sign=${its}>${`${line}\n`}</span>`)}</pre>`);
  return html`<div class="beside"><h3>${what}</h3><div><p class="soft">deployed to ${stage}</p>${side("-", before)}</div><div><p class="soft">edited</p>${side("+", after)}</div></div>`;
}
