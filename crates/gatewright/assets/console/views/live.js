// Events as they come: a search box, what is not seen, and a table of thousands of rows of which few are drawn.

import { html, useChanges, useEffect, useMemo, useRef, useState } from "../html.js";
import { EXAMPLES, readFilter } from "../filter.js";
import { useKeys } from "../keys.js";
import { Shown } from "../shown.js";
import { count, time } from "../text.js";
import { EventPane } from "./event.js";
import { kept } from "./kept.js";
import { NothingYet } from "./nothing.js";
import { RowTable } from "./row-table.js";
import { Unwatched } from "./unwatched.js";

/** From this width on an event stands beside the table. Source: live.css. */
const wide = matchMedia("(min-width: 76rem)");

const SHORT_WAYS = [["is:failed", "failures"], ["is:lost", "lost bodies"], ["slow:>100ms", "slow"], ["type:push", "pushes"]];

/** A filter, and what is wrong with it: the last one that could be read stays. */
function useFilter() {
  const [text, setText] = useState(kept.text);
  const last = useRef(() => true);
  const [holds, error] = useMemo(() => {
    try {
      last.current = readFilter(text);
      return [last.current, ""];
    } catch (thrown) {
      return [last.current, thrown.message];
    }
  }, [text]);
  kept.text = text;
  return { text, setText, holds, error };
}

/** The store as it was when the pause began. */
const still = ({ all, dropped, came }) => ({ all: [...all], dropped, came });

export function Live({ app, args }) {
  const { rows, gateway } = app;
  useChanges(rows);
  useChanges(gateway);
  const filter = useFilter();
  const [paused, setPaused] = useState(() => (kept.isPaused ? still(rows) : null));
  kept.isPaused = paused !== null;
  const source = paused ?? rows;
  const shown = useMemo(() => new Shown(source, filter.holds), [source, filter.holds]);
  shown.rows = source;
  const fresh = shown.update();
  const search = useRef(null);
  const chosen = args[0] ?? null;
  const pause = () => setPaused(paused ? null : still(rows));
  const show = (id) => app.go(wide.matches ? app.href("live", id) : app.href("event", id));

  useEffect(() => {
    // A window that became narrow has no room for a side.
    const narrowed = () => wide.matches || !chosen || app.go(app.href("event", chosen));
    narrowed();
    wide.addEventListener("change", narrowed);
    return () => wide.removeEventListener("change", narrowed);
  }, [chosen]);

  useKeys([
    ["/", "Search", () => { search.current.focus(); search.current.select(); }],
    ["p", "Pause, and go on", pause],
    ["Escape", "Close what is open; leave the search", () => leave(app, search.current, chosen)],
  ]);

  return html`
    <div class="live" data-split=${chosen ? "" : undefined}>
      <section class="panel" aria-labelledby="live-title">
        <header>
          <h1 class="view-title" id="live-title">Live</h1>
          <${State} rows=${rows} paused=${paused} />
          <button type="button" class="quiet" aria-pressed=${paused !== null} onClick=${pause}>${paused ? "Go on" : "Pause"} <kbd>p</kbd></button>
          <button type="button" class="quiet" onClick=${() => { setPaused(null); rows.clear(); }}>Clear</button>
        </header>
        <${Search} box=${search} filter=${filter} />
        <${Unwatched} app=${app} />
        <${Missed} rows=${rows} />
        ${shown.all.length > 0
          ? html`<${RowTable} app=${app} shown=${shown} fresh=${fresh} chosen=${chosen} onShow=${show} gaps=${rows.gaps} />`
          : html`<${NothingYet} app=${app} came=${source.all.length} filter=${filter} />`}
        <p class="counts">${counts(shown, source, rows, paused)}</p>
      </section>
      ${chosen && html`<${EventPane} app=${app} id=${chosen} onClose=${() => app.go("#/live")} onOnly=${(text) => filter.setText(text)} />`}
    </div>
  `;
}

/** Escape closes the side first; in the search box it leaves the box. */
function leave(app, box, chosen) {
  if (document.querySelector("dialog[open]")) return false;
  if (document.activeElement === box) box.blur();
  else if (chosen) app.go("#/live");
  else return false;
  return true;
}

function State({ rows, paused }) {
  const [state, text] = paused ? ["opening", "paused"] : rows.isOpen ? ["open", "live"] : ["opening", rows.downSince ? "reconnecting" : "connecting"];
  return html`<p class="state" role="status" data-state=${state}>${text}</p>`;
}

function Search({ box, filter }) {
  const { text, setText, error } = filter;
  const [helps, help] = useState(false);
  return html`
    <search class="search">
      <input ref=${box} type="search" aria-label="Search the events" aria-describedby="search-says" aria-invalid=${error !== ""} autocomplete="off"
        spellcheck="false" autocapitalize="off" maxlength="1000" placeholder="route:join status:5xx slow:>100ms text" value=${text}
        onInput=${(event) => setText(event.target.value)} />
      <div class="ways" role="group" aria-label="Short ways">
        ${SHORT_WAYS.map(([term, word]) => html`<button type="button" class="small" aria-pressed=${text === term} title=${term} onClick=${() => setText(text === term ? "" : term)}>${word}</button>`)}
        <button type="button" class="small" aria-expanded=${helps} onClick=${() => help(!helps)}>how to search</button>
      </div>
      <p id="search-says" class="says" role="status">${error}</p>
      ${helps && html`<dl class="language">${EXAMPLES.map(([term, words]) => html`<div><dt><code>${term}</code></dt><dd>${words}</dd></div>`)}</dl>`}
    </search>
  `;
}

/** What came and is not in the table. */
function Missed({ rows }) {
  const said = [
    rows.missed > 0 && `${count(rows.missed, "event")} came faster than this page reads`,
    rows.unwatched > 0 && `${count(rows.unwatched, "event")} had no room, at stages that nobody watches`,
    ...rows.gaps.map(({ from, to }) => `the gateway was away from ${time(from, false)} to ${time(to, false)}`),
  ].filter(Boolean);
  return said.length > 0 && html`<p class="missed">Not shown: ${said.join("; ")}.</p>`;
}

function counts(shown, source, rows, paused) {
  const newer = paused ? rows.came - paused.came : 0;
  const of = shown.all.length === source.all.length ? count(shown.all.length, "event") : `${shown.all.length} of ${count(source.all.length, "event")}`;
  return `${of}${newer > 0 ? `, ${newer} more since the pause` : ""}${source.dropped > 0 ? `, ${source.dropped} older ones let go` : ""}`;
}
