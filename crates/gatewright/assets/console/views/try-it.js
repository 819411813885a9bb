// The route tester: which route a message takes, and what the backend would get. Nothing is sent.

import { html, useState } from "../html.js";
import { Badge, Copyable, Text } from "../parts.js";
import { Provenance } from "./provenance.js";
import { keysOf } from "./routes.js";

/** A message that takes a route, by the expression's usual form. */
const sample = (key) => JSON.stringify({ action: key });

/** `Name: value` lines as an object. */
function headersOf(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return Object.fromEntries(lines.map((line) => {
    const at = line.indexOf(":");
    if (at < 1) throw new Error(`\`${line}\` is no header: it has to be Name: value`);
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  }));
}

export function TryIt({ app, apiId, stages, edited }) {
  const own = keysOf(edited).find((key) => !key.startsWith("$"));
  const [wanted, want] = useState({ stage: stages[0].stageName, edited: false, eventType: "MESSAGE", message: sample(own ?? "hello"), query: "", headers: "" });
  const [told, tell] = useState(null);
  const change = (part) => want({ ...wanted, ...part });
  const go = async (event) => {
    event?.preventDefault();
    try {
      tell({ answer: await app.api("try", { method: "POST", body: { apiId, ...wanted, headers: headersOf(wanted.headers) } }) });
    } catch (error) {
      tell({ error });
    }
  };
  return html`
    <section class="panel whole" aria-labelledby="try-title">
      <header><h2 id="try-title">Try a message</h2><p class="soft">nothing is sent</p></header>
      <form class="try" onSubmit=${go}>
        <div class="try-row">
          <label class="field">Stage<select value=${wanted.stage} onChange=${(event) => change({ stage: event.target.value })}>${stages.map(({ stageName }) => html`<option>${stageName}</option>`)}</select></label>
          <label class="field">Event<select value=${wanted.eventType} onChange=${(event) => change({ eventType: event.target.value })}>${["MESSAGE", "CONNECT", "DISCONNECT"].map((type) => html`<option>${type}</option>`)}</select></label>
          <label class="check"><input type="checkbox" checked=${wanted.edited} onChange=${(event) => change({ edited: event.target.checked })} /> as edited, not as deployed</label>
        </div>
        ${wanted.eventType === "MESSAGE" && html`<label class="field">Message<textarea rows="3" value=${wanted.message} onInput=${(event) => change({ message: event.target.value })} spellcheck=${false}></textarea></label>`}
        ${wanted.eventType === "CONNECT" && html`<label class="field">Query string<input value=${wanted.query} onInput=${(event) => change({ query: event.target.value })} /></label>
          <label class="field">Headers, a line each<textarea rows="3" value=${wanted.headers} placeholder="Authorization: Bearer …" onInput=${(event) => change({ headers: event.target.value })} spellcheck=${false}></textarea></label>`}
        <p><button type="submit" class="primary">Try</button></p>
      </form>
      <div role="status">
        ${told?.error && html`<p class="said-wrong">${told.error.message}</p>`}
        ${told?.answer && html`<${Told} answer=${told.answer} />`}
      </div>
    </section>
  `;
}

function Told({ answer }) {
  const { routeKey, selection, request, failure, notes, twoWay } = answer;
  return html`
    <div class="tried">
      <p>${routeKey ? html`Route <strong>${routeKey}</strong>` : html`<strong>No route</strong>`}${selection.value !== null && html`: <code>${selection.expression}</code> gives <code>${selection.value}</code>`} ${routeKey && html`<${Badge} tone="calm">${twoWay ? "two-way" : "one-way"}<//>`}</p>
      ${failure && html`<p class="said-wrong">The client would be told <code>${failure.message}</code>: ${failure.detail}</p>`}
      ${notes.map(({ headline, mend }) => html`<p class="headline">${headline}</p>${mend?.command && html`<${Copyable} text=${mend.command} label="the command that mends it" />`}`)}
      ${request && html`
        <h3>What the backend would get</h3>
        <pre>${request.method} ${request.url}${"\n"}${request.headers.map(([name, value]) => `${name}: ${value}`).join("\n")}</pre>
        ${request.body && html`<${Text} text=${request.body} class=${request.bodySent === false ? "struck" : ""} />`}
        ${request.body && request.bodySent === false && html`<p class="nothing">not sent</p>`}
        <${Provenance} record=${answer} />`}
    </div>
  `;
}
