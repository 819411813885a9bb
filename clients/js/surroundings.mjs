// What the pages' tests stand in: the program, a backend that echoes, APIs made through the control plane.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";

import { PATIENCE, require } from "./browser.mjs";

const WebSocket = require("ws");

/** Starts the program, and gives it with its address once that is printed. */
export async function startGateway(program, ...args) {
  const child = spawn(program, ["serve", "--listen", "127.0.0.1:0", "--ephemeral", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  for await (const bytes of child.stdout.iterator({ destroyOnReturn: false })) {
    printed += bytes;
    const address = /http:\/\/127\.0\.0\.1:(\d+)/.exec(printed);
    if (!address) continue;
    child.stdout.resume();
    return { child, url: address[0] };
  }
  throw new Error(`it printed no address:\n${printed}`);
}

export async function stop({ child }) {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/** A backend that echoes bodies; with a status where the path is one. */
export async function startBackend() {
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const status = Number(/^\/(\d{3})$/.exec(request.url)?.[1] ?? 200);
      response.writeHead(status, { "content-type": "application/json", "x-said": "<b>bold</b>" }).end(Buffer.concat(chunks));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const end = () => {
    server.closeAllConnections();
    server.close();
  };
  return { end, url: `http://127.0.0.1:${server.address().port}` };
}

/** One call of the control plane. */
export async function call(url, method, path, body) {
  const answer = await fetch(url + path, { method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.status === 204 ? null : answer.json();
}

/** Makes an API with a stage "dev": `routes` is a list of [route key, path, more of the integration]. */
export async function makeApi(url, name, backend, routes) {
  const { apiId } = await call(url, "POST", "/v2/apis", { name, protocolType: "WEBSOCKET", routeSelectionExpression: "$request.body.action" });
  const api = `/v2/apis/${apiId}`;
  await call(url, "POST", `${api}/stages`, { stageName: "dev", autoDeploy: true });
  for (const [routeKey, path, more] of routes) {
    const integration = { integrationType: "HTTP_PROXY", integrationMethod: "POST", integrationUri: backend + path, ...more };
    const { integrationId } = await call(url, "POST", `${api}/integrations`, integration);
    if (integration.integrationType === "HTTP") {
      await call(url, "POST", `${api}/integrations/${integrationId}/integrationresponses`, { integrationResponseKey: "$default" });
    }
    const route = { routeKey, target: `integrations/${integrationId}`, routeResponseSelectionExpression: "$default" };
    const { routeId } = await call(url, "POST", `${api}/routes`, route);
    await call(url, "POST", `${api}/routes/${routeId}/routeresponses`, { routeResponseKey: "$default" });
  }
  return apiId;
}

/** A client of an API's stage "dev". */
export async function client(url, apiId, query = "") {
  const socket = new WebSocket(`${url.replace("http", "ws")}/_aws/execute-api/${apiId}/dev${query}`);
  await once(socket, "open");
  return socket;
}

/** Sends, and waits for the answer, so long and no longer. */
export async function say(socket, text) {
  const answer = once(socket, "message", { signal: AbortSignal.timeout(PATIENCE) });
  socket.send(text);
  return String((await answer)[0]);
}
