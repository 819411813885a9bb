// The template playground: a template, a message and a $context, and at once what comes of them.

import { html, useEffect, useState } from "../html.js";
import { cut } from "./provenance.js";

/** How long nobody must have typed before it is rendered, in milliseconds. */
const QUIET = 150;
const START = { template: '{\n  "user": $input.json(\'$.user\'),\n  "from": "$context.connectionId"\n}', body: '{"user": "ada"}', context: '{"connectionId": "AbCdEf="}' };

function object(text) {
  const value = text.trim() === "" ? {} : JSON.parse(text);
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error("it has to be a JSON object");
  return value;
}

export function Playground({ app, apiId, integrations, onSaved }) {
  const own = integrations.flatMap(({ integrationId, requestTemplates }) => Object.entries(requestTemplates ?? {}).map(([key, text]) => ({ integrationId, key, text })));
  const [given, give] = useState({ ...START, template: own[0]?.text ?? START.template });
  const [chosen, choose] = useState(own[0] ? 0 : -1);
  const [told, tell] = useState(null);
  const [asks, ask] = useState(false);
  const [said, say] = useState(null);
  useEffect(() => {
    let isMeant = true;
    const timer = setTimeout(async () => {
      try {
        const context = object(given.context);
        const answer = await app.api("render", { method: "POST", body: { template: given.template, body: given.body, context } });
        if (isMeant) tell(answer);
      } catch (error) {
        if (isMeant) tell({ error: { message: error.status === undefined ? `$context: ${error.message}` : error.message } });
      }
    }, QUIET);
    return () => { isMeant = false; clearTimeout(timer); };
  }, [given]);
  const change = (part) => { give({ ...given, ...part }); say(null); };
  const take = (at) => { choose(at); if (at >= 0) change({ template: own[at].text }); };
  const save = async () => {
    ask(false);
    const { integrationId, key } = own[chosen];
    const requestTemplates = { ...integrations.find((one) => one.integrationId === integrationId).requestTemplates, [key]: given.template };
    try {
      await app.api(`/v2/apis/${encodeURIComponent(apiId)}/integrations/${encodeURIComponent(integrationId)}`, { method: "PATCH", body: { requestTemplates } });
      say({ words: "Saved. It is not deployed yet, unless the stage deploys itself." });
      onSaved();
    } catch (error) {
      say({ words: error.message, wrong: true });
    }
  };
  return html`
    <section class="panel whole" aria-labelledby="play-title">
      <header><h2 id="play-title">Template playground</h2><p class="grows"></p>
        ${own.length > 0 && html`<label class="field bare"><span class="unseen">Begin with</span><select value=${chosen} onChange=${(event) => take(Number(event.target.value))}><option value="-1">a template of your own</option>${own.map(({ integrationId, key }, at) => html`<option value=${at}>${integrationId}, ${key}</option>`)}</select></label>`}</header>
      <div class="play">
        <div>
          <label class="field">Template<textarea rows="9" value=${given.template} onInput=${(event) => change({ template: event.target.value })} spellcheck=${false}></textarea></label>
          <label class="field">Message<textarea rows="3" value=${given.body} onInput=${(event) => change({ body: event.target.value })} spellcheck=${false}></textarea></label>
          <label class="field">$context, as JSON<textarea rows="2" value=${given.context} onInput=${(event) => change({ context: event.target.value })} spellcheck=${false}></textarea></label>
          ${chosen >= 0 && given.template !== own[chosen].text && (asks
            ? html`<p role="alert">The integration’s template is replaced. <button type="button" class="primary" onClick=${save}>Save it</button> <button type="button" class="quiet" onClick=${() => ask(false)}>Leave it</button></p>`
            : html`<p><button type="button" class="quiet" onClick=${() => ask(true)}>Save to integration ${own[chosen].integrationId}…</button></p>`)}
          ${said && html`<p class=${said.wrong ? "said-wrong" : "soft"} role="status">${said.words}</p>`}
        </div>
        <div class="play-result" role="status" aria-label="Result">
          <h3>Result</h3>
          ${told?.error ? html`<${Wrong} error=${told.error} template=${given.template} />` : told && html`<${Made} told=${told} />`}
        </div>
      </div>
    </section>
  `;
}

function Made({ told }) {
  const [at, point] = useState(null);
  return html`
    <pre class="body">${cut(told.output, told.lines).map(({ text, line }) => (line === null ? text : html`<span class="piece" tabindex="0" title=${`line ${line}`} onFocus=${() => point(line)} onMouseEnter=${() => point(line)}>${text}</span>`))}</pre>
    <p class="soft">${at === null ? "Point at a value to see which line wrote it." : `Line ${at} wrote it.`}</p>
  `;
}

/** Where the template fails: the line, and a caret under the place. */
function Wrong({ error, template }) {
  const line = template.split("\n")[error.line - 1];
  return html`
    <p class="said-wrong">${error.line ? `Line ${error.line}, column ${error.column}: ` : ""}${error.message}</p>
    ${line !== undefined && html`<pre class="caret">${line}${"\n"}${" ".repeat(Math.max(0, error.column - 1))}^</pre>`}
  `;
}
