// What the Client's tests stand in: the program at a port of its own, a backend of a chat, APIs made through the control plane.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";

import { call } from "./surroundings.mjs";

/** Starts the program, at `port` (0: any free one), and gives it with its address once that is printed. */
export async function startGateway(program, dataFolder, port = 0) {
  const args = ["serve", "--listen", `127.0.0.1:${port}`, "--data-dir", dataFolder];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  for await (const bytes of child.stdout.iterator({ destroyOnReturn: false })) {
    printed += bytes;
    const address = /http:\/\/127\.0\.0\.1:(\d+)/.exec(printed);
    if (!address) continue;
    child.stdout.resume();
    return { child, url: address[0], port: Number(address[1]) };
  }
  throw new Error(`it printed no address:\n${printed}`);
}

export async function stop({ child }, signal) {
  child.kill(signal);
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/**
 * A backend of a chat: `/in` chooses the subprotocol "chat.v2" where it is offered, `/out` forgets, `/say` pushes to everybody,
 * `/wait` takes its time, a path that is a status answers with it; all else echoes.
 */
export async function startBackend() {
  const present = new Set();
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", async () => {
      const { pathname } = new URL(request.url, "http://backend");
      const body = Buffer.concat(chunks);
      const id = request.headers.connectionid;
      const status = Number(/^\/(\d{3})$/.exec(pathname)?.[1] ?? 200);
      const headers = { "content-type": "application/json", "x-said": "<b>bold</b>" };
      if (pathname === "/in") {
        present.add(id);
        if (request.headers["sec-websocket-protocol"]?.includes("chat.v2")) headers["sec-websocket-protocol"] = "chat.v2";
      }
      if (pathname === "/out") present.delete(id);
      if (pathname === "/say") await Promise.all([...present].map((other) => fetch(`${server.pushes}/@connections/${encodeURIComponent(other)}`, { method: "POST", body }).catch(() => {})));
      if (pathname === "/wait") await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
      response.writeHead(status, headers).end(body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

/** Makes one API through the control plane: each route calls the backend, at a path of its own. */
export async function makeApi(url, name, backend, routes, stageName = "dev") {
  const { apiId } = await call(url, "POST", "/v2/apis", { name, protocolType: "WEBSOCKET", routeSelectionExpression: "$request.body.action" });
  const api = `/v2/apis/${apiId}`;
  await call(url, "POST", `${api}/stages`, { stageName, autoDeploy: true });
  for (const [routeKey, path, integrationMethod = "POST"] of routes) {
    const integration = {
      integrationType: "HTTP_PROXY", integrationMethod, integrationUri: backend + path,
      requestParameters: { "integration.request.header.connectionId": "context.connectionId" },
    };
    const { integrationId } = await call(url, "POST", `${api}/integrations`, integration);
    const route = { routeKey, target: `integrations/${integrationId}`, routeResponseSelectionExpression: "$default" };
    const { routeId } = await call(url, "POST", `${api}/routes`, route);
    await call(url, "POST", `${api}/routes/${routeId}/routeresponses`, { routeResponseKey: "$default" });
  }
  return apiId;
}
