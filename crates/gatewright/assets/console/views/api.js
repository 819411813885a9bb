// APIs: what is defined, what of it is not deployed, what will bite; and to try a message or a template without sending anything.

import { html, useChanges, useEffect, useState } from "../html.js";
import { Badge, Copyable, Empty } from "../parts.js";
import { count } from "../text.js";
import { Playground } from "./playground.js";
import { Routes } from "./routes.js";
import { Stage } from "./stage.js";
import { TryIt } from "./try-it.js";

/** How often an API is looked at while somebody looks at it, in milliseconds: others edit it too. */
const LOOK_EVERY = 5000;

const inPath = encodeURIComponent;
const list = (app, apiId, what) => app.api(`/v2/apis/${inPath(apiId)}/${what}?maxResults=500`).then(({ items }) => items ?? []);

/** What `ask` gives, asked again when `keys` change. The last answer stays where the next one fails. */
export function useAnswer(ask, keys) {
  const [state, set] = useState({ answer: null, error: null });
  useEffect(() => {
    let isMeant = true;
    ask().then((answer) => isMeant && set({ answer, error: null }), (error) => isMeant && set(({ answer }) => ({ answer, error })));
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
  useEffect(() => {
    const look = () => document.hidden || again((turn) => turn + 1);
    const timer = setInterval(look, LOOK_EVERY);
    document.addEventListener("visibilitychange", look);
    return () => { clearInterval(timer); document.removeEventListener("visibilitychange", look); };
  }, [apiId]);
  const { answer, error } = useAnswer(async () => {
    const [api, stages] = await Promise.all([app.api(`/v2/apis/${inPath(apiId)}`), list(app, apiId, "stages")]);
    const changes = await Promise.all((stages.length > 0 ? stages : [{ stageName: "" }]).map(({ stageName }) => app.api(`changes?api=${inPath(apiId)}&stage=${inPath(stageName)}`)));
    return { api, stages, changes };
  }, [apiId, turn, app.gateway.facts]);
  const back = html`<p class="back"><a href="#/api">← APIs</a></p>`;
  const wrong = error && html`<div class="down"><p role="alert">${error.message}</p></div>`;
  if (!answer) return html`${back}${wrong}`;
  const { api, stages, changes } = answer;
  const { edited } = changes[0];
  const deployed = stages.map(({ stageName }, at) => ({ name: stageName, documents: changes[at].deployed })).filter(({ documents }) => documents);
  const onChange = () => again(turn + 1);
  return html`
    ${back}${wrong}
    <h1 class="view-title api-title">${api.name} <code>${apiId}</code></h1>
    <div class="api-grid">
      <${Findings} app=${app} apiId=${apiId} seen=${JSON.stringify([edited, deployed, stages])} />
      ${stages.map((stage, at) => html`<${Stage} key=${stage.stageName} app=${app} apiId=${apiId} stage=${stage} differences=${changes[at].differences} onChange=${onChange} />`)}
      <${Routes} api=${api} edited=${edited} deployed=${deployed} />
      ${stages.length > 0 && html`<${TryIt} app=${app} apiId=${apiId} stages=${stages} edited=${edited} />`}
      <${Playground} app=${app} apiId=${apiId} edited=${edited} onSaved=${onChange} />
    </div>
  `;
}

/** Asked when something is other than before, since backends are tried for it. */
function Findings({ app, apiId, seen }) {
  const { answer, error } = useAnswer(() => app.api(`doctor?api=${inPath(apiId)}`), [apiId, seen]);
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
