// The shell: head, ways to the views, the view that the address names.

import { html, render, useChanges, useErrorBoundary, useReducer, useEffect, useState, useRef } from "./html.js";
import { api } from "./api.js";
import { Gateway } from "./gateway.js";
import { knownKeys, useKeys } from "./keys.js";
import * as router from "./router.js";
import { Rows } from "./rows.js";
import { Sockets } from "./client/sockets.js";
import { chosenTheme, nextTheme } from "./theme.js";
import { Api } from "./views/api.js";
import { Charts } from "./views/charts.js";
import { Client } from "./views/client.js";
import { Connections } from "./views/connections.js";
import { Event } from "./views/event.js";
import { Live } from "./views/live.js";
import { Tour } from "./views/tour.js";

/** Name in the address → the view, its word in the head (none: it is reached from another), and whether only the demo has it. */
const VIEWS = {
  tour: { view: Tour, word: "Tour", demo: true },
  live: { view: Live, word: "Live" },
  event: { view: Event, under: "live" },
  connections: { view: Connections, word: "Connections" },
  api: { view: Api, word: "API" },
  charts: { view: Charts, word: "Charts" },
  client: { view: Client, word: "Client" },
};

const gateway = new Gateway();
const rows = new Rows();

/** What every view gets. */
const app = { gateway, rows, api, go: router.go, href: router.href, say };
app.sockets = new Sockets(app);

/** Says something to whoever listens to the page rather than looks at it. */
function say(text) {
  document.getElementById("said").textContent = text;
}

/** The view that stands there; the first one where the address names none. */
function current(facts) {
  const { name, args } = router.place();
  if (Object.hasOwn(VIEWS, name)) return { name, args };
  // Which one is first is known with the facts.
  if (!facts) return null;
  return { name: facts.demo ? "tour" : "live", args: [] };
}

function Head({ name }) {
  const { facts } = gateway;
  const shown = Object.entries(VIEWS).filter(([, { word, demo }]) => word && (!demo || facts?.demo));
  const at = VIEWS[name]?.under ?? name;
  return html`
    <header class="head">
      <a class="brand" href="#/live">
        <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 21V10a8 8 0 0 1 16 0v11M12 2v19M4 13h16" /></svg>
        Gatewright <span>${facts?.demo ? "demo" : "console"}</span>
      </a>
      <nav aria-label="Views">
        ${shown.map(([view, { word }]) => html`<a href=${router.href(view)} aria-current=${view === at ? "page" : undefined}>${word}</a>`)}
      </nav>
      <${Tools} />
    </header>
  `;
}

function Tools() {
  const [theme, setTheme] = useState(chosenTheme());
  const keys = useRef(null);
  useKeys([["?", "Show these keys", () => keys.current.showModal()]]);
  return html`
    <div class="tools">
      <button type="button" class="quiet" onClick=${() => keys.current.showModal()} aria-label="Keys">?</button>
      <button type="button" class="quiet" onClick=${() => setTheme(nextTheme())} aria-label=${`Colours: ${theme}. Change`} title=${`Colours: ${theme}`}>
        <svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="8" /><path class="filled" d="M12 4a8 8 0 0 1 0 16z" /></svg>
      </button>
      <${Keys} dialog=${keys} />
    </div>
  `;
}

function Keys({ dialog }) {
  const [known, know] = useState([]);
  useEffect(() => {
    const shows = new MutationObserver(() => know(knownKeys()));
    shows.observe(dialog.current, { attributeFilter: ["open"] });
    return () => shows.disconnect();
  }, []);
  return html`
    <dialog ref=${dialog} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl class="keys">${known.map(([key, words]) => html`<dt><kbd>${key}</kbd></dt><dd>${words}</dd>`)}</dl>
      <p><small>Gatewright ${gateway.facts?.version}. Licences of what this page is made with: ${["preact", "htm", "uplot"].map((name) => html` <a href=${`vendor/${name}-LICENSE.txt`}>${name}</a>`)}</small></p>
      <form method="dialog"><button type="submit">Close</button></form>
    </dialog>
  `;
}

/** The gateway is away: since when, and what is done about it. */
function Down() {
  useChanges(rows);
  if (!rows.downSince) return null;
  const seconds = Math.ceil(rows.retryIn / 1000);
  return html`
    <div class="down">
      <p><strong role="alert">The gateway does not answer. Is it still running? Start it again and this page goes on.</strong>
        ${" "}<span>What you typed and saw stays here. Trying again ${seconds > 0 ? `in ${seconds} s` : "now"}.</span></p>
      <button type="button" onClick=${() => rows.now()}>Try now</button>
    </div>
  `;
}

/** One view; what goes wrong in it is said, and the others stay. */
function View({ name, args }) {
  const [error, again] = useErrorBoundary();
  const { view } = VIEWS[name];
  if (error) {
    return html`<div class="down"><p role="alert">This view met an error: ${error.message}</p><button type="button" onClick=${again}>Show it again</button></div>`;
  }
  return html`<${view} app=${app} args=${args} />`;
}

function Page() {
  const [, again] = useReducer((count) => count + 1, 0);
  useChanges(gateway);
  useEffect(() => router.subscribe(again), []);
  const { facts } = gateway;
  const at = current(facts);
  const name = at?.name;
  useEffect(() => {
    const mode = facts?.demo ? "Gatewright demo" : "Gatewright console";
    document.title = name ? `${VIEWS[VIEWS[name].under ?? name].word} · ${mode}` : mode;
  }, [name, facts?.demo]);
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the view</a>
    <${Head} name=${name} />
    <${Down} />
    <main id="main" tabindex="-1" data-view=${name}>${at && html`<${View} key=${name} ...${at} />`}</main>
  `;
}

// The address is the router's: the skip link moves the focus alone.
function skip(click) {
  click.preventDefault();
  document.getElementById("main").focus();
}

render(html`<${Page} />`, document.getElementById("app"));
addEventListener("online", () => rows.now());
gateway.watch().then((there) => there || router.place().name || router.go("#/live"));
rows.open();
