// The template playground: a template, a message and a $context, and at once what comes of them.

import { html, useEffect, useState } from "../html.js";
import { Copyable } from "../parts.js";
import { cut } from "./provenance.js";
import { refused } from "./stage.js";

/** How long nobody must have typed before it is rendered, in milliseconds. */
const QUIET = 150;
const START = { template: '{\n  "user": $input.json(\'$.user\'),\n  "from": "$context.connectionId"\n}', body: '{"user": "ada"}', context: '{"connectionId": "AbCdEf="}', stageVariables: "" };

/** What the name of an integration response's document says. */
const RESPONSE = /^integration response .* of integration ([^ ]+)$/s;

/** The API's own templates: what each belongs to, its key, its text, and where it is saved. */
function templatesOf(edited) {
  return Object.entries(edited).flatMap(([name, document]) => {
    const of = RESPONSE.exec(name);
    const integrationId = of?.[1] ?? document.integrationId;
    const [member, path] = of ? ["responseTemplates", `integrations/${integrationId}/integrationresponses/${document.integrationResponseId}`] : ["requestTemplates", `integrations/${integrationId}`];
    if (!of && !name.startsWith("integration ")) return [];
    return Object.entries(document[member] ?? {}).map(([key, text]) => ({ id: `${path} ${key}`, name, member, path, key, text, all: document[member] }));
  });
}

function object(what, text) {
  let value = {};
  try {
    if (text.trim() !== "") value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${what}: ${error.message}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error(`${what}: it has to be a JSON object`);
  return value;
}

/** The command that saves it, for who has credentials. */
function commandOf(apiId, { path, member }) {
  const [, integrationId, , responseId] = path.split("/");
  return member === "requestTemplates"
    ? `apigatewayv2 update-integration --api-id ${apiId} --integration-id ${integrationId} --request-templates file://templates.json`
    : `apigatewayv2 update-integration-response --api-id ${apiId} --integration-id ${integrationId} --integration-response-id ${responseId} --response-templates file://templates.json`;
}

export function Playground({ app, apiId, edited, onSaved }) {
  const own = templatesOf(edited);
  const [given, give] = useState({ ...START, template: own[0]?.text ?? START.template });
  // By name, since others may add and take away templates meanwhile.
  const [chosenId, choose] = useState(own[0]?.id ?? "");
  const chosen = own.find(({ id }) => id === chosenId);
  const [told, tell] = useState(null);
  const [asks, ask] = useState(false);
  const [said, say] = useState(null);
  useEffect(() => {
    let isMeant = true;
    const timer = setTimeout(async () => {
      try {
        const [context, stageVariables] = [object("$context", given.context), object("stage variables", given.stageVariables)];
        const answer = await app.api("render", { method: "POST", body: { template: given.template, body: given.body, context, stageVariables } });
        if (isMeant) tell(answer);
      } catch (error) {
        if (isMeant) tell({ error: { message: error.message } });
      }
    }, QUIET);
    return () => { isMeant = false; clearTimeout(timer); };
  }, [given]);
  const change = (part) => { give({ ...given, ...part }); say(null); };
  const take = (id) => {
    choose(id);
    ask(false);
    const text = own.find((one) => one.id === id)?.text;
    if (text !== undefined) change({ template: text });
  };
  const save = async () => {
    ask(false);
    const { path, member, all, key } = chosen;
    const body = { [member]: { ...all, [key]: given.template } };
    try {
      await app.api(`/v2/apis/${encodeURIComponent(apiId)}/${path}`, { method: "PATCH", body });
      say({ words: "Saved. It is not deployed yet, unless the stage deploys itself." });
      onSaved();
    } catch (error) {
      say(refused(error, app.gateway.aws(commandOf(apiId, chosen))));
    }
  };
  return html`
    <section class="panel whole" aria-labelledby="play-title">
      <header><h2 id="play-title">Template playground</h2><p class="grows"></p>
        ${own.length > 0 && html`<label class="field bare"><span class="unseen">Begin with</span><select value=${chosen ? chosenId : ""} onChange=${(event) => take(event.target.value)}><option value="">a template of your own</option>${own.map(({ id, name, key }) => html`<option value=${id}>${name}, ${key}</option>`)}</select></label>`}</header>
      <div class="play">
        <div>
          <label class="field">Template<textarea rows="9" value=${given.template} onInput=${(event) => change({ template: event.target.value })} spellcheck=${false}></textarea></label>
          <label class="field">Message<textarea rows="3" value=${given.body} onInput=${(event) => change({ body: event.target.value })} spellcheck=${false}></textarea></label>
          <label class="field">$context, as JSON<textarea rows="2" value=${given.context} onInput=${(event) => change({ context: event.target.value })} spellcheck=${false}></textarea></label>
          <label class="field">Stage variables, as JSON<input value=${given.stageVariables} placeholder="{}" onInput=${(event) => change({ stageVariables: event.target.value })} spellcheck=${false} /></label>
          ${chosen && given.template !== chosen.text && (asks
            ? html`<p role="alert">The template ${chosen.key} of ${chosen.name} is replaced. <button type="button" class="primary" onClick=${save}>Save it</button> <button type="button" class="quiet" onClick=${() => ask(false)}>Leave it</button></p>`
            : html`<p><button type="button" class="quiet" onClick=${() => ask(true)}>Save to ${chosen.name}…</button></p>`)}
          ${said && html`<p class=${said.wrong ? "said-wrong" : "soft"} role="status">${said.words}</p>`}
          ${said?.command && html`<${Copyable} text=${said.command} label="the AWS command" />`}
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
  // Tabs stay tabs, so that the caret stands where the place does.
  const before = line?.slice(0, Math.max(0, error.column - 1)).replace(/[^\t]/g, " ");
  return html`
    <p class="said-wrong">${error.line ? `Line ${error.line}, column ${error.column}: ` : ""}${error.message}</p>
    ${line !== undefined && html`<pre class="caret">${line}${"\n"}${before}^</pre>`}
  `;
}
