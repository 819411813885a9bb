// Which stages keep their failures alone when nobody looks, and the switch that changes it.

import { html, useChanges, useEffect, useState } from "../html.js";
import { keyOf } from "../gateway.js";

/** Stages that get a switch of their own. */
const NAMED_MAX = 3;

/** What the program says is watched, by key; asked anew when the stages change. */
function useWatched(app) {
  const [watched, set] = useState(null);
  const { facts } = app.gateway;
  useEffect(() => {
    let isMeant = true;
    app.api("watch").then(({ watched }) => isMeant && set(new Set(watched.map(keyOf)))).catch(() => {});
    return () => (isMeant = false);
  }, [facts]);
  const watch = async (stages) => {
    try {
      let answer;
      for (const { apiId, stage } of stages) answer = await app.api("watch", { method: "POST", body: { apiId, stage, on: true } });
      set(new Set(answer.watched.map(keyOf)));
      app.say(`Watched: ${stages.map((stage) => app.gateway.label(stage)).join(", ")}`);
    } catch (error) {
      app.say(`Not watched: ${error.message}`);
    }
  };
  return [watched, watch];
}

/** Whether a stage's own settings keep every event. */
const logs = ({ loggingLevel }) => loggingLevel === "INFO" || loggingLevel === "ERROR";

export function Unwatched({ app }) {
  useChanges(app.gateway);
  const [watched, watch] = useWatched(app);
  if (!watched) return null;
  const alone = app.gateway.stages.filter((stage) => stage.deployed && !logs(stage) && !watched.has(keyOf(stage)));
  if (alone.length === 0) return null;
  const named = alone.slice(0, NAMED_MAX);
  return html`
    <div class="unwatched">
      <p>Every event is kept while this page is open. Without it ${alone.length === 1 ? "this stage keeps" : "these stages keep"} failures alone:</p>
      ${named.map((stage) => html`<span><code>${app.gateway.label(stage)}</code> <button type="button" class="small" onClick=${() => watch([stage])} aria-label=${`Watch ${app.gateway.label(stage)}`}>Watch</button></span>`)}
      ${alone.length > 1 && html`<button type="button" class="small" onClick=${() => watch(alone)}>Watch all ${alone.length}</button>`}
    </div>
  `;
}
