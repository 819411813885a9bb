// The route tester: which route a message takes, and what the backend would get. Nothing is sent.

import { html, useState } from "../html.js";
import { Badge, Copyable, Text } from "../parts.js";
import { Provenance } from "./provenance.js";

/** A message that takes a route, by the expression's usual form. */
const sample = (key) => JSON.stringify({ action: key });

export function TryIt({ app, apiId, stages, routes }) {
  const own = routes.map(({ routeKey }) => routeKey).find((key) => !key.startsWith("$"));
  const [wanted, want] = useState({ stage: stages[0].stageName, edited: false, eventType: "MESSAGE", message: sample(own ?? "hello"), query: "" });
  const [told, tell] = useState(null);
  const change = (part) => want({ ...wanted, ...part });
  const go = async (event) => {
    event?.preventDefault();
    try {
      tell({ answer: await app.api("try", { method: "POST", body: { apiId, ...wanted } }) });
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
        ${wanted.eventType === "CONNECT" && html`<label class="field">Query string<input value=${wanted.query} onInput=${(event) => change({ query: event.target.value })} /></label>`}
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
