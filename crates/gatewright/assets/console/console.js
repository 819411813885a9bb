// The console: an ordinary WebSocket client on the left, what becomes of every message on the right.
//
// Each file beside this one does one thing; here they are tied together.

import { $, button, el } from "./dom.js";
import { shortened } from "./text.js";
import { Client } from "./client.js";
import { Composer } from "./composer.js";
import { Events, away } from "./events.js";
import { Feed } from "./feed.js";
import { Filters } from "./filters.js";
import { Gateway, keyOf } from "./gateway.js";
import { showAddresses } from "./addresses.js";
import { light, lightRecord, showGateway } from "./strip.js";
import { bubble, event, speaker, welcome } from "./transcript.js";
import { hint, noEvents, nothingDefined, stagesThere, unreachable } from "./welcome.js";
import * as control from "./control.js";
import * as tour from "./tour.js";

/** Other tabs' connections whose marks are remembered. */
const TABS_MAX = 500;
/** How long a connect waits for the feed, which tells the connection's id, in milliseconds. */
const FEED_PATIENCE = 1500;

const state = { isConnected: false, wasConnected: false, sent: 0 };
/** Connection id → the mark of the tab that holds it. */
const tabs = new Map();

// ---------------------------------------------------------------------------------------------- the stages

const gateway = new Gateway();
gateway.subscribe(stagesChanged);
/** The stage that the client uses: the chosen one. */
const chosen = () => gateway.stages.find((stage) => keyOf(stage) === $("stage").value);
const demo = () => gateway.facts?.demo ?? null;
const isDemo = () => demo() !== null && $("stage").value === keyOf(demo());

function stagesChanged() {
  const deployed = gateway.stages.filter((stage) => stage.deployed);
  const before = $("stage").value;
  const first = demo() ? keyOf(demo()) : deployed[0] && keyOf(deployed[0]);
  const option = (stage) => el("option", { value: keyOf(stage), disabled: !stage.deployed }, `${gateway.label(stage)}${stage.deployed ? "" : " (not deployed)"}`);
  $("stage").replaceChildren(...gateway.stages.map(option));
  $("stage").value = gateway.stages.some((stage) => keyOf(stage) === before) ? before : (first ?? "");
  $("fields").hidden = deployed.length === 0;
  $("composer").hidden = deployed.length === 0;
  $("provenance").textContent = demo() ? "The demo’s API was made with the calls that the AWS CLI makes. It is gone when the program stops." : "";
  filters.offer(gateway.stages, (stage) => gateway.label(stage));
  document.body.classList.toggle("one-stage", gateway.stages.length < 2);
  stageChosen($("stage").value !== before);
}

/** Says what comes next for an API that nobody can reach. */
async function tellUnreachable() {
  const [api] = [...gateway.stages, ...gateway.withoutStage];
  const [keys, deploysItself] = await Promise.all([
    control.routeKeys(api.apiId).catch(() => null),
    api.stage && control.deploysItself(api.apiId, api.stage).catch(() => null),
  ]);
  if (!chosen()?.deployed && gateway.hasApis) welcome(...unreachable(gateway, api, { keys, deploysItself }));
}

async function stageChosen(isOther = true) {
  const stage = chosen();
  $("connect").disabled = !stage?.deployed && !client.isBusy;
  if (!gateway.hasApis) welcome(...nothingDefined(gateway));
  else if (!stage?.deployed) tellUnreachable();
  else welcome(...stagesThere(gateway, stage));
  if (isOther) {
    composer.knows(null, null);
    if (client.isBusy && stage && keyOf(client.stage) !== keyOf(stage)) client.disconnect();
  }
  showAddresses(gateway, stage, client.connectionId);
  showHint();
  events.refresh();
  if (stage) await showRoutes(stage, isOther);
  else $("actions").replaceChildren();
}

async function showRoutes(stage, isOther) {
  if (isDemo()) {
    if (isOther) tour.showTour(preset);
    if (isOther && !composer.text) composer.text = tour.FIRST;
    tour.methodOfLost(stage.apiId).then(labelLost);
  }
  try {
    const [keys, api] = await Promise.all([control.routeKeys(stage.apiId), control.api(stage.apiId)]);
    if (keyOf(stage) !== $("stage").value) return;
    composer.knows(keys, api.routeSelectionExpression);
    if (!isDemo()) tour.showRoutes(keys, (key) => composer.sample(key), (text) => fill(text));
    if (!composer.text) composer.text = tour.OF_NO_ROUTE;
  } catch {
    // Without the routes there are no buttons for them; the editor sends all the same.
  }
}

function fill(text) {
  composer.text = text;
  $("message").focus();
}

function labelLost(method) {
  tour.labelLost(method, async () => {
    try {
      await tour.loseAgain(demo().apiId);
      labelLost("GET");
      event("The integration’s method is GET now, deployed at once.");
    } catch (error) {
      event(`The change was refused: ${error.message}`);
    }
  });
}

// ---------------------------------------------------------------------------------------------- the client

const client = new Client({
  state(name) {
    const text = { opening: "Connecting", open: "Connected", closed: "Not connected" }[name];
    $("state").dataset.state = name;
    $("state").textContent = text;
    $("node-browser-says").textContent = text.toLowerCase();
    $("node-browser").toggleAttribute("data-on", name === "open");
    $("connect").textContent = name === "closed" ? "Connect" : "Disconnect";
    $("connect").classList.toggle("calm", name !== "closed");
    $("connect").disabled = name === "closed" && !chosen()?.deployed;
    state.isConnected = name === "open";
    state.wasConnected ||= name === "open";
    if (name === "closed") showIdentity(null);
    showHint();
  },
  opened() {
    light("receive", "101 Switching Protocols", 3);
    event("Connected to ", el("code", {}, gateway.label(client.stage)), ".");
  },
  closed(text, wasOpen) {
    if (wasOpen) event(`Connection closed: ${text}.`);
    else if (feed.isOpen) event("The handshake was refused. The events say by whom.");
    else event("The gateway did not answer.");
  },
  message(text) {
    const [kind, title] = speaker(text, client.connectionId);
    bubble(kind, title, text);
    light("receive", text, kind === "push" ? 1 : 3);
    if (kind === "push") light("answer", "POST /@connections/{id}");
  },
  known: showIdentity,
});

function showIdentity(id) {
  $("identity").hidden = id === null;
  $("connection-id").textContent = id ?? "";
  showAddresses(gateway, client.isBusy ? client.stage : chosen(), id);
}

function showHint() {
  const text = chosen()?.deployed ? hint(state, isDemo()) : "";
  $("hint").textContent = text;
  $("hint").hidden = text === "";
}

/** Connects to the chosen stage; waits for the feed first, since it tells the connection's id. */
async function connect() {
  const stage = chosen();
  if (!stage) throw new Error("no stage");
  if (client.isOpen) return;
  await Promise.race([feedIsOpen, new Promise((resolve) => setTimeout(resolve, FEED_PATIENCE))]);
  light("send", "GET … Upgrade: websocket");
  await client.connect(stage, gateway.socketUrl(stage), composer.query);
}

async function send(text) {
  try {
    await connect();
  } catch {
    event("Not sent: there is no connection. The message is still in the editor.");
    return;
  }
  if (!client.send(text)) return;
  state.sent += 1;
  bubble("sent", "You", text);
  light("send", text);
  showHint();
}

function preset(text) {
  composer.text = text;
  send(text);
}

/** Pushes to this page as a backend would: one HTTP call with the connection's id. */
async function push() {
  const id = client.connectionId;
  const name = $("name").value.trim();
  const text = `Hello${name && `, ${name}`}! This is a push.`;
  try {
    const answer = await fetch(`${gateway.callback(client.stage)}/@connections/${encodeURIComponent(id)}`, { method: "POST", body: text });
    const said = answer.ok ? "" : ` ${shortened(await answer.text(), 200)}`;
    event("Pushed with ", el("code", {}, `POST …/@connections/${id}`), `: ${answer.status}${said}.`);
  } catch {
    event("The push got no answer: the gateway is away.");
  }
}

const composer = new Composer(send);
$("stage").addEventListener("change", () => stageChosen());
$("connect").addEventListener("click", () => (client.isBusy ? client.disconnect() : connect().catch(() => {})));
$("push").addEventListener("click", push);

// ---------------------------------------------------------------------------------------------- the events

const isMine = (record) => client.ids.has(record.connectionId);

function whose(record) {
  if (isMine(record)) return "this client";
  const tab = tabs.get(record.connectionId);
  return tab ? `client ${tab}` : shortened(record.connectionId, 20);
}

function learn(record) {
  client.learn(record);
  const mark = record.eventType === "CONNECT" && /(?:^|&)tab=([a-z0-9]{4})\.\d+(?:&|$)/.exec(record.query ?? "");
  if (!mark) return;
  tabs.set(record.connectionId, mark[1]);
  if (tabs.size > TABS_MAX) tabs.delete(tabs.keys().next().value);
}

const filters = new Filters(isMine, () => events.filter());
const context = {
  isMine,
  whose,
  label: (record) => gateway.label(record),
  follow: (connectionId) => filters.follow(connectionId),
  nothingYet: (words) => noEvents(words, isDemo(), gateway.stages.some(({ deployed }) => deployed)),
  aws: (command) => gateway.aws(command),
  sendsTo: (record) => record.message && $("stage").value === keyOf(record),
  resend: (record) => send(record.message.body),
  changed(record, method) {
    event(`The integration’s method is ${method} now, deployed at once.`);
    if (isDemo() && record.routeKey === "lost") labelLost(method);
  },
};
const events = new Events(context, filters, shown);

/** The page is one column: the events stand below what was pressed. */
const isNarrow = matchMedia("(max-width: 62rem)");

function shown(entry) {
  lightRecord(entry.record, entry.tellsLoss);
  if (!entry.tellsLoss) {
    if (isDemo() && entry.record.routeKey === "lost" && entry.record.request) labelLost(entry.record.request.method);
    return;
  }
  event("The body did not arrive.", button("Show why", () => events.lead(entry)));
  if (isNarrow.matches) events.lead(entry);
}

// ---------------------------------------------------------------------------------------------- the feed

let feedOpened;
const feedIsOpen = new Promise((resolve) => (feedOpened = resolve));

const feed = new Feed({
  open(since) {
    $("feed").dataset.state = "open";
    $("feed").textContent = "live";
    $("down").hidden = true;
    $("down-what").textContent = "";
    showGateway(true);
    feedOpened();
    if (since === null) return;
    events.gap(away(since));
    gateway.look();
    // It was the gateway that went; who was connected wants to be again.
    if (client.wanted && !client.isBusy) connect().catch(() => {});
  },
  down(left) {
    const seconds = Math.ceil(left / 1000);
    $("feed").dataset.state = "opening";
    $("feed").textContent = "reconnecting";
    $("down-when").textContent = `What you typed and saw stays here. Trying again ${left > 0 ? `in ${seconds} s` : "now"}.`;
    $("down").hidden = false;
  },
  failed: tellWhy,
  record(record, characters) {
    learn(record);
    events.add(record, characters);
    if (gateway.facts && !gateway.find(record.apiId, record.stage)) lookSoon();
  },
  missed: (number) => events.gap(`${number || "Some"} events were not shown: they came faster than this page reads.`),
});

/** The feed can be refused by a gateway that is there: it has a bound of readers. */
async function tellWhy() {
  const isThere = await gateway.look();
  const what = isThere ? "The gateway is there, but gives no events: too many pages read them." : "The gateway does not answer. Is it still running? Start it again and this page goes on.";
  // Said once: a reader of screens hears each change.
  if ($("down-what").textContent !== what) $("down-what").textContent = what;
  showGateway(isThere);
}

let looksSoon = false;
/** A stage that nobody knew has had an event: which is it? */
function lookSoon() {
  if (looksSoon) return;
  looksSoon = true;
  setTimeout(() => gateway.look().then(() => (looksSoon = false)), 500);
}

// ---------------------------------------------------------------------------------------------- start

$("down-now").addEventListener("click", () => feed.now());
addEventListener("online", () => feed.now());
feed.open();
const looked = gateway.watch();
// A second client comes with this mark, so that it is there to hear a broadcast without another press.
if (location.hash === "#connect") looked.then(() => connect()).catch(() => {});
