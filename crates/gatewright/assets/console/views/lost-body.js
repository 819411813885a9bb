// The story of a lost body: what the log shows, what the backend got, and the change that mends it.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { inPath } from "../api.js";
import { Listeners } from "../listeners.js";
import { Copyable, Text } from "../parts.js";
import { byteLength, bytes, parsed } from "../text.js";
import { lostBody, told } from "../told.js";

/** Tells whenever this page has changed a method. */
export const methodChanges = new Listeners();

/** The integration that a route calls, and whether a change of it acts at once; null where that is not known. */
async function integrationOf(app, { apiId, stage, routeKey }) {
  const api = `/v2/apis/${inPath(apiId)}`;
  const [routes, integrations, { autoDeploy }] = await Promise.all([
    app.api(`${api}/routes?maxResults=500`), app.api(`${api}/integrations?maxResults=500`), app.api(`${api}/stages/${inPath(stage)}`),
  ]);
  const target = routes.items?.find((route) => route.routeKey === routeKey)?.target;
  const found = integrations.items?.find(({ integrationId }) => target === `integrations/${integrationId}`);
  return found ? { id: found.integrationId, method: found.integrationMethod, deploysItself: autoDeploy === true } : null;
}

/** Changes the HTTP method of an integration. */
const setMethod = (app, apiId, id, integrationMethod) =>
  app.api(`/v2/apis/${inPath(apiId)}/integrations/${inPath(id)}`, { method: "PATCH", body: { integrationMethod } });

/** The method of a route's integration, after setting it to `method` where that is given. Throws an Error with words. */
export async function methodOf(app, where, method) {
  const found = await integrationOf(app, where);
  if (!found) throw new Error("the route has no integration");
  if (!method) return found.method;
  await setMethod(app, where.apiId, found.id, method);
  methodChanges.tell();
  return method;
}

/** `row` is the event, `again` sends its message once more; `onShown` is called when the story stands there. */
export function LostBody({ app, row, again, isOpen, onShown }) {
  const [opened, open] = useState(isOpen);
  // The newest story is open; an older one folds when a newer comes.
  useEffect(() => open(isOpen), [isOpen]);
  return html`
    <details class="lost" open=${opened} onToggle=${(event) => open(event.target.open)}>
      <summary>The log shows a body. The backend got none.</summary>
      ${opened && html`<${Story} app=${app} row=${row} again=${again} onShown=${onShown} />`}
    </details>
  `;
}

function Story({ app, row, again, onShown }) {
  const [record, set] = useState(null);
  useEffect(() => {
    const asked = new AbortController();
    app.api(`events/${inPath(row.requestId)}`, { signal: asked.signal }).then(set, () => {});
    return () => asked.abort();
  }, [row.requestId]);
  useLayoutEffect(() => {
    if (record) onShown();
  }, [record]);
  const lost = record && lostBody(record);
  if (!lost) return null;
  const { why, mend } = told(record, app.gateway);
  const got = received(record);
  return html`
    <div class="lost-sides">
      <div><h3>The log: body after transformations, ${bytes(byteLength(lost))}</h3><${Text} text=${lost} /></div>
      <div><h3>What the backend received, ${bytes(byteLength(got))}</h3>${got ? html`<${Text} text=${got} />` : html`<p class="nothing">nothing at all</p>`}</div>
    </div>
    ${why.map((sentence) => html`<p>${sentence}</p>`)}
    ${mend.map(({ text, command }) => html`<div class="mend"><p>${text.endsWith(":") ? text : `To ${text}:`}</p>${command && html`<${Copyable} text=${command} label="the command that mends it" />`}</div>`)}
    <${Mending} app=${app} record=${record} again=${again} />
  `;
}

/** What the backend says that it received, where it says so as the demo's does; else nothing. */
function received(record) {
  const answer = parsed(record.response?.body ?? "");
  if (answer === null || typeof answer !== "object" || !("received" in answer)) return "";
  return typeof answer.received === "string" ? answer.received : JSON.stringify(answer.received);
}

/** First what can be done, then what was done. */
function Mending({ app, record, again }) {
  const [found, find] = useState(null);
  const [refused, say] = useState("");
  const row = useRef(null);
  useEffect(() => {
    const look = () => integrationOf(app, record).then(find, () => {});
    look();
    return methodChanges.subscribe(look);
  }, []);
  // Elsewhere a change acts with the next deployment, which carries whatever else was changed: not a button's business.
  if (!found?.deploysItself) return null;
  const was = record.request.method;
  const set = async (method) => {
    try {
      await setMethod(app, record.apiId, found.id, method);
      find({ ...found, method });
      say("");
      app.say(`The integration’s method is ${method} now`);
      methodChanges.tell();
      row.current?.querySelector("button")?.focus({ preventScroll: true });
    } catch (error) {
      say(`The change was refused: ${error.message}`);
    }
  };
  return html`
    <div class="mending" ref=${row}>
      ${refused && html`<p class="refused" role="alert">${refused}</p>`}
      ${found.method !== was && html`<p class="done">Done: the integration’s method is ${found.method} now, deployed at once. The next such message arrives whole.</p>`}
      ${found.method === was
        ? html`<button type="button" class="primary" onClick=${() => set("POST")}>Change it to POST for me</button><small>The same call as the line above, from this page.</small>`
        : html`<button type="button" class="primary" onClick=${again}>Send it again</button><button type="button" class="quiet" onClick=${() => set(was)}>Set it back to ${was}</button>`}
    </div>
  `;
}
