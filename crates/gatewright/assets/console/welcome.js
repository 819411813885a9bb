// What the page says before anything has happened: what is there, and what to do first.

import { copyable, el } from "./dom.js";
import { count } from "./text.js";

/** The first integration of an API, as a command; `URI` is what its backend's address stands for. */
const URI = "http://127.0.0.1:3000";

/** Nothing is defined yet: two ways to begin. */
export function nothingDefined(gateway) {
  const made = "apigatewayv2 create-api --name chat --protocol-type WEBSOCKET --route-selection-expression '$request.body.action'";
  return [
    el("h3", {}, "This gateway has no API yet"),
    el("p", {}, "As soon as there is a stage it appears here, and this page becomes a client of it."),
    el("p", {}, "The short way, with a backend that listens on port 3000: stop the gateway and start it like this."),
    copyable(`gatewright serve --backend ${URI}`, "the command that starts with a backend"),
    el("p", {}, "As on AWS, with the CLI: an API first, then its integrations, routes and a stage."),
    copyable(gateway.aws(made), "the command that makes an API"),
    el("p", {}, "To look around first, in an API that is made for that:"),
    copyable("gatewright demo", "the command that starts the demo"),
  ];
}

/**
 * APIs are there and none can be reached: what comes next for one of them.
 *
 * `keys` are its route keys, `deploysItself` whether its stage has auto-deploy; null where the control plane did not say.
 */
export function unreachable(gateway, { apiId, apiName, stage }, { keys, deploysItself }) {
  const integration = `apigatewayv2 create-integration --api-id ${apiId} --integration-type HTTP_PROXY --integration-method POST --integration-uri ${URI}`;
  const route = `apigatewayv2 create-route --api-id ${apiId} --route-key '$default' --target integrations/INTEGRATION_ID`;
  const steps = [];
  if (keys?.length === 0) {
    steps.push(["A route needs something to call:", integration], ["The route, with the IntegrationId that this answers:", route]);
  }
  if (!stage) steps.push(["A stage, which deploys each change by itself:", `apigatewayv2 create-stage --api-id ${apiId} --stage-name dev --auto-deploy`]);
  else if (!deploysItself) steps.push(["This deploys it:", `apigatewayv2 create-deployment --api-id ${apiId} --stage-name ${stage}`]);
  return [
    el("h3", {}, "Nobody can connect yet"),
    el("p", {}, `${stage ? "The stage" : "The API"} `, el("code", {}, stage ? `${apiName || apiId}/${stage}` : apiName || apiId), stage ? " is not deployed: clients get 403." : " has no stage yet, and clients connect to stages."),
    ...steps.flatMap(([text, command]) => [el("p", {}, text), copyable(gateway.aws(command), text)]),
  ];
}

/** Stages are there: what they are, and what the first button does. */
export function stagesThere(gateway, stage) {
  const deployed = gateway.stages.filter((known) => known.deployed);
  const others = deployed.length - 1 + (gateway.facts.more ?? 0);
  return [
    el("h3", {}, "You are the client"),
    el(
      "p",
      {},
      "Connect opens a WebSocket from this browser to ",
      el("code", {}, gateway.label(stage)),
      " (API and stage). The backend hears of it by HTTP, and what becomes of each message stands under Events.",
    ),
    others > 0 ? el("p", {}, `${count(others, "other stage")} can be chosen above.`) : null,
  ].filter(Boolean);
}

/** The list of events is empty. */
export function noEvents(words, isDemo, hasStages) {
  if (words) return [el("p", {}, `Nothing ${words} yet.`)];
  if (!hasStages) return [el("p", {}, "Every connect, message, push and disconnect will appear here: the route that was chosen, the request that went out, the answer, and what is worth a remark.")];
  const first = isDemo ? "Connect, then press Echo." : "Connect on this page, or with any client of yours.";
  return [
    el("p", {}, `Nothing has happened yet. ${first}`),
    el("p", {}, "Every connect, message, push and disconnect of every API appears here, newest first: the route that was chosen, the request that went out, the answer and how long it took."),
  ];
}

/** What to press next; "" once it is known. */
export function hint(state, isDemo) {
  if (state.isConnected) {
    if (state.sent > 0) return "";
    return isDemo ? "Connected. Now press Echo: one message out, one HTTP call, one answer back." : "Connected. Now send a message from the editor below.";
  }
  if (state.wasConnected) return "";
  return isDemo ? "Start with Connect. Pressing any message connects, too." : "Start with Connect. Send connects, too.";
}
