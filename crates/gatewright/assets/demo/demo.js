// The demo's page: an ordinary WebSocket client of the API on the left, the gateway's execution log on the right.
//
// What others send is only ever set as text, never as markup: messages and logs are input.

const API = "/_aws/execute-api/livedemo01/demo";
const LOG = "/_gatewright/v1/log";
const CONTROL = "/v2/apis/livedemo01";

/** What is kept on the page; the oldest goes when one more comes, so that a page left open does not grow. */
const MESSAGES_MAX = 200;
const RECORDS_MAX = 100;
const CONNECTIONS_MAX = 500;
/** How much of one body is shown, in characters. */
const SHOWN_MAX = 4000;
/** How long a lane of the strip stays lit, and how far apart the steps of one message light up, in milliseconds. */
const LIT = 1500;
const STEP = 260;
/** Methods whose requests carry no body, whatever was mapped. */
const BODILESS = ["GET", "HEAD", "OPTIONS"];

const PRESETS = {
  echo: { action: "echo", text: "Hello, backend" },
  broadcast: { action: "broadcast", text: "Hello, everybody" },
  whoami: { action: "whoami" },
  lost: { action: "lost", order: 1042, text: "Please arrive" },
};

const $ = (id) => document.getElementById(id);

/** An element with properties and children; strings become text. */
function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "data") Object.assign(element.dataset, value);
    else element[key] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const secure = location.protocol === "https:";
const socketUrl = `${secure ? "wss" : "ws"}://${location.host}${API}`;
const byHostUrl = `${secure ? "wss" : "ws"}://livedemo01.execute-api.localhost${location.port && `:${location.port}`}/demo`;
/** Marks this tab's connections in the log: the query string of the upgrade shows in the `$connect` request. */
const tab = Math.random().toString(36).slice(2, 6).padEnd(4, "0");

// ---------------------------------------------------------------------------------------------- text and JSON

/** JSON for people: what is short stands on one line, the rest is indented. */
function layout(value, indent = "") {
  const flat = JSON.stringify(value, null, 1).replace(/\n\s*/g, " ");
  // Nested values stand in narrow columns and wrap sooner.
  if (value === null || typeof value !== "object" || flat.length <= (indent ? 44 : 64)) return flat;
  const deeper = `${indent}  `;
  const list = Array.isArray(value);
  const parts = Object.entries(value).map(([key, part]) => `${deeper}${list ? "" : `${JSON.stringify(key)}: `}${layout(part, deeper)}`);
  return `${list ? "[" : "{"}\n${parts.join(",\n")}\n${indent}${list ? "]" : "}"}`;
}

/** `text` laid out where it is JSON, else unchanged; cut at SHOWN_MAX. */
function pretty(text) {
  if (text.length > SHOWN_MAX) return `${text.slice(0, SHOWN_MAX)} … (${text.length} characters)`;
  const value = parsed(text);
  return value !== null && typeof value === "object" ? layout(value) : text;
}

/** A `pre` with `text` in it; keys and strings of JSON get a colour. */
function block(text, className = "") {
  const pre = el("pre", { className });
  let end = 0;
  const shown = pretty(text);
  if (/^\s*[{[]/.test(shown)) {
    for (const match of shown.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)) {
      pre.append(shown.slice(end, match.index), el("span", { className: match[2] ? "key" : "text" }, match[1]));
      end = match.index + match[1].length;
    }
  }
  pre.append(shown.slice(end));
  return pre;
}

const bytes = (count) => `${count} ${count === 1 ? "byte" : "bytes"}`;
const byteLength = (text) => new TextEncoder().encode(text).length;

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 };

function time(at) {
  const date = at ? new Date(at) : new Date();
  return Number.isNaN(date.getTime()) ? "" : date.toLocaleTimeString("en-GB", CLOCK);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A line to take away: the text and a button that copies it. */
function copyable(text, label) {
  const code = el("code", {}, text);
  const button = el("button", { type: "button" }, "Copy");
  button.setAttribute("aria-label", `Copy ${label}`);
  button.addEventListener("click", async () => {
    let copied = true;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // Without a secure context there is no clipboard; a selection and the old command do it too.
      getSelection().selectAllChildren(code);
      copied = document.execCommand("copy");
    }
    button.textContent = copied ? "Copied" : "Selected";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  return el("div", { className: "copy" }, code, button);
}

// ---------------------------------------------------------------------------------------------- the strip

/** Lights a lane of the strip after `steps` steps, with what travels on it as its caption. */
function light(lane, caption, steps = 0, kind = "") {
  setTimeout(() => {
    const element = $(`lane-${lane}`);
    const span = element.firstElementChild;
    delete element.dataset.lit;
    void element.offsetWidth; // makes the animation start anew
    element.dataset.lit = kind;
    span.textContent = caption.length > 60 ? `${caption.slice(0, 60)}…` : caption;
    clearTimeout(element.timer);
    element.timer = setTimeout(() => delete element.dataset.lit, LIT);
  }, steps * STEP);
}

// ---------------------------------------------------------------------------------------------- the conversation

let socket = null;
let attempt = 0;
let connectionId = null;
/** Whether a user's press scrolls the log of messages down; not while they read further up. */
const nearEnd = (list) => list.scrollHeight - list.scrollTop - list.clientHeight < 80;

function say(element) {
  const list = $("transcript");
  const follow = nearEnd(list);
  list.querySelector(".empty")?.remove();
  list.append(element);
  while (list.children.length > MESSAGES_MAX) list.firstElementChild.remove();
  if (follow) list.scrollTop = list.scrollHeight;
}

function bubble(className, title, text) {
  const head = el("header", {}, el("b", {}, title), el("span", {}, time()));
  say(el("article", { className: `bubble ${className}` }, head, block(text)));
}

const event = (...children) => say(el("p", { className: "event" }, ...children));

function setState(state, text) {
  $("state").dataset.state = state;
  $("state").textContent = text;
  $("node-browser-says").textContent = text.toLowerCase();
  $("node-browser").toggleAttribute("data-on", state === "open");
  const open = state !== "closed";
  $("connect").textContent = open ? "Disconnect" : "Connect";
  $("connect").classList.toggle("calm", open);
}

function setConnectionId(id) {
  connectionId = id;
  $("identity").hidden = id === null;
  $("connection-id").textContent = id ?? "";
  showAddresses();
}

/** Connects unless it is; the promise is kept when messages can be sent, broken when the handshake is refused. */
function connect() {
  if (socket?.readyState === WebSocket.OPEN) return Promise.resolve();
  if (socket) return socket.ready;
  attempt += 1;
  setState("opening", "Connecting");
  light("send", "GET … Upgrade: websocket");
  const opening = new WebSocket(`${socketUrl}?tab=${tab}.${attempt}`);
  let opened = false;
  socket = opening;
  opening.addEventListener("message", ({ data }) => receive(typeof data === "string" ? data : "(binary frame)"));
  opening.addEventListener("close", ({ code, reason }) => {
    if (socket === opening) socket = null;
    setState("closed", "Not connected");
    setConnectionId(null);
    if (opened) event(`Connection closed: ${code}${reason && `, ${reason}`}.`);
    else event("The handshake was refused. The execution log says by whom.");
  });
  opening.ready = new Promise((resolve, reject) => {
    opening.addEventListener("open", () => {
      opened = true;
      setState("open", "Connected");
      light("receive", "101 Switching Protocols", 3);
      event("Connected. The backend heard of it as ", el("code", {}, "POST /connect"), ".");
      resolve();
    });
    opening.addEventListener("close", () => reject(new Error("refused")));
  });
  opening.ready.catch(() => {});
  return opening.ready;
}

async function send(text) {
  try {
    await connect();
  } catch {
    return;
  }
  if (socket?.readyState !== WebSocket.OPEN) return;
  socket.send(text);
  bubble("sent", "You", text);
  light("send", text);
}

function receive(text) {
  const message = parsed(text) ?? {};
  const titles = { echo: "Answer of the backend", whoami: "Answer of the backend", lost: "Answer of the backend" };
  if (message.type === "broadcast") {
    bubble("push", message.from === connectionId ? "Push from the backend" : "Push: another client spoke", text);
    light("answer", "POST /@connections/{id}", message.from === connectionId ? 3 : 0);
    light("receive", text, message.from === connectionId ? 4 : 1);
    return;
  }
  if (message.type === "whoami" && connectionId === null) setConnectionId(message.connectionId);
  // The gateway's own frames have these three members and no more.
  const error = "message" in message && "requestId" in message && "connectionId" in message;
  bubble(error ? "bad" : "", error ? "Error from the gateway" : (titles[message.type] ?? "Push from outside"), text);
  light("receive", text, message.type in titles ? 3 : 0);
  if (message.type === "lost" && message.received === "") pointAtStory();
}

/** Leads from the empty answer to the record that explains it: on a phone that stands far below. */
function pointAtStory() {
  const why = el("button", { type: "button" }, "Show why");
  why.addEventListener("click", () => {
    const record = $("records").querySelector(".story")?.closest(".record");
    if (!record) return;
    record.open = true;
    record.scrollIntoView({ block: "start" });
    record.firstElementChild.focus({ preventScroll: true });
  });
  event("The body did not arrive.", why);
}

/** Says which route the text in the editor will take, by the route selection expression `$request.body.action`. */
function predict() {
  const action = parsed($("message").value)?.action;
  const known = routeKeys.includes(action);
  const why = action === undefined ? "no “action” in it" : `no route “${String(action)}”`;
  $("prediction").textContent = known ? `takes the route ${action}` : `${why}, so $default takes it`;
}

// ---------------------------------------------------------------------------------------------- the lost body

/** The integration of the route `lost` as the control plane tells it; null when it cannot be asked from here. */
let lost = null;
/** The route keys that a message can choose. */
let routeKeys = ["broadcast", "whoami", "lost"];

async function askControlPlane() {
  try {
    const [routes, integrations] = await Promise.all(
      ["routes", "integrations"].map(async (what) => (await (await fetch(`${CONTROL}/${what}`)).json()).items),
    );
    routeKeys = routes.map(({ routeKey }) => routeKey).filter((key) => !key.startsWith("$"));
    lost = integrations.find(({ integrationUri }) => integrationUri?.endsWith("/lost")) ?? null;
  } catch {
    // The control plane can be on another address (--admin); the page then shows the commands only.
  }
  labelLost();
  predict();
}

function labelLost() {
  const mended = lost !== null && !BODILESS.includes(lost.integrationMethod);
  const [title, text] = $("send-lost").children;
  title.textContent = mended ? "Send that body again" : "Lose a body";
  text.textContent = mended ? `The method is ${lost.integrationMethod} now.` : "It never arrives. Why?";
  $("send-lost").classList.toggle("warn", !mended);
}

/** Changes the integration's method through the control plane, as the AWS CLI would. */
async function setMethod(method) {
  try {
    const body = JSON.stringify({ integrationMethod: method });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${CONTROL}/integrations/${lost.integrationId}`, { method: "PATCH", headers, body });
    if (!answer.ok) throw new Error(`${answer.status} ${(await answer.text()).slice(0, 200)}`);
    lost = await answer.json();
  } catch (error) {
    event(`The change was refused: ${error.message}`);
    return;
  }
  labelLost();
  const again = el("button", { type: "button" }, "Send it again");
  again.addEventListener("click", () => send(JSON.stringify(PRESETS.lost)));
  const back = el("button", { type: "button" }, "Set it back to GET");
  back.addEventListener("click", () => setMethod("GET"));
  event(`The integration’s method is ${method} now, deployed at once.`, again, method === "GET" ? null : back);
}

/** The body that was mapped and then not sent, or null. The log's line is asked first: a record may hold the body as it was sent. */
function discarded(record) {
  if (!record.request || !BODILESS.includes(record.request.method)) return null;
  const mark = "Endpoint request body after transformations: ";
  const line = record.lines.find(({ text }) => text.includes(mark))?.text;
  const body = line === undefined ? record.request.body : line.slice(line.indexOf(mark) + mark.length);
  return body || null;
}

function story(record, body) {
  const answered = parsed(record.response?.body ?? "")?.received;
  const received = typeof answered === "string" ? answered : JSON.stringify(answered ?? "");
  const method = record.request.method;
  const command =
    `aws apigatewayv2 update-integration --api-id livedemo01 --integration-id ${lost?.integrationId ?? "INTEGRATION_ID"} ` +
    `--integration-method POST --endpoint-url ${location.origin}`;
  const box = el(
    "section",
    { className: "story" },
    el("h3", {}, "The log shows a body. The backend got none."),
    el(
      "div",
      { className: "sides" },
      el("div", { className: "side" }, el("h3", {}, `The log: body after transformations, ${bytes(byteLength(body))}`), block(body)),
      el(
        "div",
        { className: "side" },
        el("h3", {}, `What the backend received, ${bytes(byteLength(received ?? ""))}`),
        received ? block(received) : el("p", { className: "nothing" }, "nothing at all"),
      ),
    ),
    el("p", {}, `The integration’s method is ${method}, and a ${method} request carries no body. Nothing failed, so nothing complains: AWS’s log prints the body and says no more. Set the method to POST and the same message arrives.`),
    copyable(command, "the command that mends it"),
  );
  if (lost && record.routeKey === "lost") {
    const mend = el("button", { type: "button", className: "primary" }, "Change it to POST for me");
    mend.addEventListener("click", () => setMethod("POST"));
    box.append(el("div", { className: "row" }, mend, el("small", {}, "The same call as the line above, from this page.")));
  }
  return box;
}

// ---------------------------------------------------------------------------------------------- the execution log

/** Connection id → the tab that holds it, for those whose `$connect` was seen here. */
const tabs = new Map();

const good = (status) => status >= 200 && status < 400;
const pathOf = (url) => url.replace(/^\w+:\/\/[^/]+/, "").replace(/\?.*/, "");

/** Learns from a `$connect` whose connection it is: the page marked its upgrade with `?tab=`. */
function learn(record) {
  const mark = /[?&]tab=([a-z0-9]+)\.(\d+)/.exec(record.request?.url ?? "");
  if (record.eventType !== "CONNECT" || !mark) return;
  tabs.set(record.connectionId, mark[1]);
  if (tabs.size > CONNECTIONS_MAX) tabs.delete(tabs.keys().next().value);
  if (mark[1] === tab && Number(mark[2]) === attempt && socket) setConnectionId(record.connectionId);
}

function whose(record) {
  const holder = tabs.get(record.connectionId);
  if (holder === tab) return "this client";
  return holder ? `client ${holder}` : "another client";
}

function summary(record, body) {
  const { request, response } = record;
  const status = response?.status ?? record.status;
  const notes = record.lines.filter(({ kind }) => kind === "note").length;
  const failed = record.lines.some(({ kind }) => kind === "error");
  return el(
    "summary",
    {},
    el("span", { className: "kind", data: { kind: record.eventType } }, record.eventType),
    el("span", { className: "route" }, record.routeKey ?? "no route"),
    el("span", { className: "soft" }, "→"),
    el("span", {}, request ? `${request.method} ${pathOf(request.url)}` : "no call"),
    status === null || status === undefined ? "" : el("span", { className: good(status) ? "chip" : "chip bad" }, String(status)),
    el("span", { className: "soft" }, record.latencyMs === null || record.latencyMs === undefined ? "" : `${record.latencyMs} ms`),
    notes || body ? el("span", { className: "chip note" }, body ? "body lost" : notes === 1 ? "1 note" : `${notes} notes`) : "",
    failed ? el("span", { className: "chip bad" }, "error") : "",
    el("span", { className: "who" }, `${whose(record)} · ${time(record.at)}`),
  );
}

function headers(list) {
  if (!list?.length) return "";
  const text = list.map(([name, value]) => `${name}: ${value}`).join("\n");
  const count = `${list.length} ${list.length === 1 ? "header" : "headers"}`;
  return el("details", {}, el("summary", {}, count), el("pre", {}, text.slice(0, SHOWN_MAX)));
}

function requestSide(request, body) {
  const side = el("div", { className: "side" }, el("h3", {}, "Request to the backend"), el("pre", {}, `${request.method} ${request.url}`), headers(request.headers));
  if (body !== null) side.append(block(body, "struck"), el("p", { className: "nothing" }, "not sent"));
  else side.append(request.body ? block(request.body) : el("p", { className: "nothing" }, "no body"));
  return side;
}

function responseSide(response) {
  if (!response) return el("div", { className: "side" }, el("h3", {}, "Answer"), el("p", { className: "nothing" }, "none"));
  const body = response.body ? block(response.body) : el("p", { className: "nothing" }, "no body");
  return el("div", { className: "side" }, el("h3", {}, "Answer of the backend"), el("pre", {}, `Status ${response.status}`), headers(response.headers), body);
}

function line({ kind, text }) {
  const [, id, rest] = /^(\([^)\s]+\) )?([^]*)$/.exec(text);
  if (kind === "note") return el("li", { className: "note" }, rest);
  const [, label, value] = /^([A-Z][A-Za-z ,]{2,60}: )?([^]*)$/.exec(rest);
  const shown = value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)} …` : value;
  const children = [id ? el("span", { className: "id" }, id) : "", label ?? "", el("span", { className: label ? "value" : "" }, shown)];
  return el("li", {}, kind === "error" ? el("span", { className: "error" }, ...children) : el("span", {}, ...children));
}

function show(record) {
  learn(record);
  if (lost && record.routeKey === "lost" && record.request && record.request.method !== lost.integrationMethod) {
    // Changed from elsewhere, for instance with the command that the story shows.
    lost.integrationMethod = record.request.method;
    labelLost();
  }
  const body = discarded(record);
  const inside = el("div", { className: "inside" });
  if (body !== null) inside.append(story(record, body));
  if (record.request) inside.append(el("div", { className: "sides" }, requestSide(record.request, body), responseSide(record.response)));
  inside.append(el("ol", { className: "lines" }, ...record.lines.map(line)));
  const item = el("details", { className: "record", open: true, data: { id: record.requestId, kind: record.eventType } }, summary(record, body), inside);
  if (whose(record) !== "this client") item.dataset.other = "";

  const list = $("records");
  list.querySelector(".empty:not(.missed)")?.remove();
  // The newest is open; the one that was newest closes unless somebody opened it by hand.
  const last = list.querySelector(".record");
  if (last && !last.dataset.kept) last.open = false;
  item.firstElementChild.addEventListener("click", () => (item.dataset.kept = "yes"));
  [...list.children].find((old) => old.dataset.id === record.requestId)?.remove();
  list.prepend(item);
  while (list.children.length > RECORDS_MAX) list.lastElementChild.remove();

  if (record.request) light("call", `${record.request.method} ${pathOf(record.request.url)}${body === null ? "" : ", body dropped"}`, 1, body === null ? "" : "warn");
  if (record.response) light("answer", `${record.response.status} in ${record.latencyMs ?? "–"} ms`, 2);
}

/** Reads the log's feed for as long as the page is there; gives a promise that is kept once it is known whether it can. */
function follow() {
  const feed = new EventSource(LOG);
  const state = (name, text) => {
    $("feed").dataset.state = name;
    $("feed").textContent = text;
  };
  feed.addEventListener("open", () => state("open", "live"));
  feed.addEventListener("error", () => {
    state("opening", feed.readyState === EventSource.CLOSED ? "the log has ended; reload the page" : "reconnecting");
  });
  feed.addEventListener("message", ({ data }) => {
    const record = parsed(data);
    if (record && Array.isArray(record.lines)) show(record);
  });
  feed.addEventListener("missed", ({ data }) => {
    const missed = parsed(data)?.missed ?? "Some";
    $("records").prepend(el("p", { className: "empty missed" }, `${missed} records were not shown: they came faster than this page reads.`));
  });
  return new Promise((resolve) => ["open", "error"].forEach((name) => feed.addEventListener(name, resolve, { once: true })));
}

// ---------------------------------------------------------------------------------------------- addresses

function showAddresses() {
  const id = connectionId ?? "CONNECTION_ID";
  const rows = [
    ["Control plane, with the AWS CLI", `aws apigatewayv2 get-apis --endpoint-url ${location.origin}`],
    ["WebSocket by path", socketUrl],
    ["WebSocket by host, as on AWS", byHostUrl],
    ["A client in a terminal", `npx wscat -c ${socketUrl}`],
    [connectionId ? "Push to this page" : "Push to a client", `curl -d 'Hello from a terminal' '${location.origin}${API}/@connections/${id}'`],
  ];
  $("addresses").replaceChildren(...rows.flatMap(([label, text]) => [el("dt", {}, label), el("dd", {}, copyable(text, label))]));
}

// ---------------------------------------------------------------------------------------------- start

$("connect").addEventListener("click", () => (socket ? socket.close(1000) : connect().catch(() => {})));
for (const button of document.querySelectorAll("[data-preset]")) {
  button.addEventListener("click", () => {
    const preset = PRESETS[button.dataset.preset];
    $("message").value = JSON.stringify(preset);
    predict();
    send(JSON.stringify(preset));
  });
}
$("composer").addEventListener("submit", (submit) => {
  submit.preventDefault();
  send($("message").value);
});
$("message").addEventListener("input", predict);
$("message").addEventListener("keydown", (key) => {
  if (key.key === "Enter" && (key.ctrlKey || key.metaKey)) $("composer").requestSubmit();
});
$("mine-only").addEventListener("change", ({ target }) => $("log").classList.toggle("mine", target.checked));
$("clear").addEventListener("click", () => $("records").replaceChildren());

$("tab").textContent = tab;
$("message").value = JSON.stringify(PRESETS.echo);
predict();
showAddresses();
askControlPlane();
const listening = follow();
// A second client comes with this mark, so that it is there to hear a broadcast without another press. It waits for the
// log: that is where it learns its connection id.
if (location.hash === "#connect") listening.then(connect).catch(() => {});
