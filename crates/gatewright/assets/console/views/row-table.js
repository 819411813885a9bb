// The table of events: as many rows as there are, of which those in view are drawn.

import { html, useLayoutEffect, useRef, useState } from "../html.js";
import { useKeys } from "../keys.js";
import { shortened, sizeText, timeText, time } from "../text.js";

/** Rows above and below the view that are drawn, too: a wheel's turn. */
const MARGIN = 8;
/** How far down the table must be for new rows to come above rather than push, in pixels. */
const READING = 4;
/** Below this width a row has two lines; the heights of both kinds, all in pixels. Source: live.css. */
const NARROW = 640;
const HEIGHT = 34;
const HEIGHT_NARROW = 56;
/** How much of one text is put into a cell, in characters. */
const CELL_MAX = 200;

const HEADS = [["time", "Time"], ["stage", "API / stage"], ["route", "Route"], ["target", "Target"], ["status", "Status"], ["took", "Took"], ["in", "In"], ["out", "Out"], ["who", "Connection"], ["what", ""]];

/**
 * Newest on top. `shown` has the rows, `fresh` is how many came since the last drawing, `chosen` the open one's id;
 * `onShow` is called with the id of what is to be opened.
 */
export function RowTable({ app, shown, fresh, chosen, onShow }) {
  const scroller = useRef(null);
  const [view, setView] = useState({ top: 0, height: 600, row: HEIGHT });
  const [cursor, setCursor] = useState(chosen);
  const rows = shown.all;
  const at = cursor === null ? -1 : rows.length - 1 - shown.indexOf(cursor);
  const isKnown = at >= 0 && at < rows.length;

  useLayoutEffect(() => {
    const measure = () => {
      const { scrollTop: top, clientHeight: height, clientWidth } = scroller.current;
      const row = clientWidth < NARROW ? HEIGHT_NARROW : HEIGHT;
      setView((was) => (was.top === top && was.height === height && was.row === row ? was : { top, height, row }));
    };
    measure();
    scroller.current.addEventListener("scroll", measure, { passive: true });
    const sizes = new ResizeObserver(measure);
    sizes.observe(scroller.current);
    return () => sizes.disconnect();
  }, []);

  // What is read stays where it is, whatever comes above it.
  useLayoutEffect(() => {
    if (fresh > 0 && scroller.current.scrollTop > READING) scroller.current.scrollTop += fresh * view.row;
  });
  useLayoutEffect(() => {
    if (chosen && chosen !== cursor) setCursor(chosen);
  }, [chosen]);

  const move = (to) => {
    const index = Math.max(0, Math.min(rows.length - 1, to));
    const row = rows[rows.length - 1 - index];
    setCursor(row.requestId);
    const box = scroller.current;
    const [top, bottom] = [index * view.row, (index + 1) * view.row];
    if (top < box.scrollTop) box.scrollTop = top;
    else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
    // What is open beside the table follows.
    if (chosen) onShow(row.requestId);
  };
  const page = Math.max(1, Math.floor(view.height / view.row) - 1);
  const from = isKnown ? at : -1;
  const whenFocused = (does) => () => (document.activeElement === scroller.current ? does() : false);
  const open = () => (isKnown ? onShow(cursor) : move(0));
  useKeys([
    ["j", "Next event", () => move(from + 1)],
    ["k", "The one before", () => move(from - 1)],
    ["ArrowDown", "", whenFocused(() => move(from + 1))],
    ["ArrowUp", "", whenFocused(() => move(from - 1))],
    ["PageDown", "", whenFocused(() => move(from + page))],
    ["PageUp", "", whenFocused(() => move(from - page))],
    ["Home", "", whenFocused(() => move(0))],
    ["End", "", whenFocused(() => move(rows.length - 1))],
    ["Enter", "Open it", () => (/^(BUTTON|A|SUMMARY)$/.test(document.activeElement?.tagName) ? false : open())],
  ]);

  const first = Math.max(0, Math.floor(view.top / view.row) - MARGIN);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / view.row) + MARGIN);
  const drawn = [];
  for (let index = first; index < last; index += 1) drawn.push([index, rows[rows.length - 1 - index]]);

  return html`
    <div class="rows" ref=${scroller} data-narrow=${view.row === HEIGHT_NARROW ? "" : undefined} role="grid" aria-label="Events, newest first" aria-rowcount=${rows.length + 1} tabindex="0"
      aria-activedescendant=${isKnown && at >= first && at < last ? "row-at" : undefined} onClick=${(click) => clicked(click, setCursor, onShow)}>
      <div class="heads" role="row" aria-rowindex="1">
        ${HEADS.map(([name, word]) => html`<span role="columnheader" class=${name}>${word || html`<span class="unseen">What became of it</span>`}</span>`)}
      </div>
      <div class="lines-of" role="rowgroup" style=${{ height: `${rows.length * view.row}px` }}>
        ${drawn.map(([index, row]) => html`<${Row} key=${index - first} app=${app} row=${row} index=${index} top=${index * view.row} isAt=${row.requestId === cursor} isOpen=${row.requestId === chosen} />`)}
      </div>
    </div>
  `;
}

function clicked(click, setCursor, onShow) {
  const id = click.target.closest("[data-id]")?.dataset.id;
  // Whoever marks a text does not want to go elsewhere.
  if (!id || !getSelection().isCollapsed) return;
  setCursor(id);
  onShow(id);
}

/** What a row's tone is: what failed, what was lost or remarked, what is as it should be. */
export function toneOf({ failure, kind, remarks, status }) {
  if (failure !== null || kind === "failure" || status >= 400) return "bad";
  if (kind === "loss" || remarks > 0) return "note";
  return "";
}

/** What became of it, in a few words; empty where nothing is to be said. */
export function wordsOf({ headline, failure, remarks }) {
  return headline ?? failure ?? (remarks > 0 ? (remarks === 1 ? "a remark" : `${remarks} remarks`) : "");
}

/** What the event is called: its route, or what it is; an API needs no route for $connect and $disconnect. */
export const nameOf = ({ routeKey, eventType }) => routeKey ?? (eventType === "MESSAGE" ? "no route" : eventType.toLowerCase());

function Row({ app, row, index, top, isAt, isOpen }) {
  const tone = toneOf(row);
  const words = wordsOf(row);
  const cell = (name, text, title) => html`<span role="gridcell" class=${name} title=${title}>${text}</span>`;
  return html`
    <div class="row" role="row" id=${isAt ? "row-at" : undefined} data-id=${row.requestId} data-tone=${tone} data-at=${isAt ? "" : undefined} aria-selected=${isOpen}
      aria-rowindex=${index + 2} style=${{ transform: `translateY(${top}px)` }}>
      ${cell("time", time(row.at), row.at)}
      ${cell("stage", shortened(app.gateway.label(row), CELL_MAX), `${row.apiId}/${row.stage}`)}
      ${cell("route", html`<i data-kind=${row.eventType} title=${row.eventType}></i>${shortened(nameOf(row), CELL_MAX)}`, row.eventType)}
      ${cell("target", shortened(row.target ?? "", CELL_MAX), row.target)}
      ${cell("status", row.status && html`<span class="badge" data-tone=${row.status >= 400 ? "bad" : ""}>${row.status}</span>`)}
      ${cell("took", timeText(row.durationMs ?? row.backendMs))}
      ${cell("in", sizeText(row.bytesIn))}
      ${cell("out", sizeText(row.bytesOut))}
      ${cell("who", shortened(row.connectionId ?? "", CELL_MAX), row.connectionId)}
      ${cell("what", shortened(words, CELL_MAX), words)}
    </div>
  `;
}
