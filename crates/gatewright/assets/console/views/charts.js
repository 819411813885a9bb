// The last hour in numbers, drawn by uPlot from the program's own samples; the same numbers stand in a table below.

import { html, useChanges, useEffect, useRef, useState } from "../html.js";
import { Empty } from "../parts.js";
import { keyOf } from "../gateway.js";
import { colour, onTheme } from "../theme.js";
import { time } from "../text.js";
import uPlot from "../vendor/uplot.js";

/** How often the numbers are asked for, in milliseconds. */
const LOOK_EVERY = 5000;
const HEIGHT = 190;
/** Rows of the table of numbers: the whole hour. */
const TABLE_MAX = 360;

/** Title, unit, and what is drawn: [member, name, colour]. */
const CHARTS = [
  ["Connections", "open", [["connections", "open", "--accent"], ["connects", "connects", "--blue"]]],
  ["Messages", "in 10 s, both ways", [["messages", "messages", "--accent"]]],
  ["Errors", "in 10 s", [["clientErrors", "client", "--amber-line"], ["integrationErrors", "integration", "--rose"], ["executionErrors", "execution", "--blue"]]],
  ["Latency of backends", "ms", [["p50", "p50", "--accent"], ["p90", "p90", "--amber-line"], ["p99", "p99", "--rose"]]],
  ["Throttled", "in 10 s", [["throttles", "throttled", "--rose"]]],
];

export function Charts({ app }) {
  useChanges(app.gateway);
  const [series, set] = useState(null);
  const [error, fail] = useState(null);
  const [chosen, choose] = useState("");
  useEffect(() => {
    let isMeant = true;
    const look = () => document.hidden || app.api("series").then((answer) => { if (isMeant) { set(answer); fail(null); } }, (wrong) => isMeant && fail(wrong));
    look();
    const timer = setInterval(look, LOOK_EVERY);
    return () => { isMeant = false; clearInterval(timer); };
  }, []);
  const stages = series?.stages ?? [];
  const stage = stages.find((one) => keyOf(one) === chosen) ?? stages[0];
  const isThere = stage && series.times.length > 1;
  return html`
    <section class="panel" aria-labelledby="charts-title">
      <header>
        <h1 class="view-title" id="charts-title">Charts</h1>
        <p class="soft grows">the last hour, a sample every ${series?.stepSeconds ?? 10} s</p>
        ${stages.length > 0 && html`<label class="field bare"><span class="unseen">Stage</span>
          <select value=${stage && keyOf(stage)} onChange=${(event) => choose(event.target.value)}>${stages.map((one) => html`<option value=${keyOf(one)}>${app.gateway.label(one)}</option>`)}</select></label>`}
      </header>
      ${error && html`<p class="said-wrong" role="alert">${error.message}</p>`}
      ${isThere
        ? html`<div class="charts">${CHARTS.map(([title, unit, lines]) => html`<${Chart} key=${title} title=${title} unit=${unit} lines=${lines} times=${series.times} stage=${stage} />`)}</div><${Numbers} times=${series.times} stage=${stage} />`
        : html`<${Empty} title="Nothing was measured yet"><p>A deployed stage has its first numbers after some seconds, and a line after half a minute.</p><//>`}
    </section>
  `;
}

function Chart({ title, unit, lines, times, stage }) {
  const box = useRef(null);
  const plot = useRef(null);
  const data = [times, ...lines.map(([member]) => stage[member])];
  const [theme, repaint] = useState(0);
  useEffect(() => onTheme(() => repaint((count) => count + 1)), []);
  useEffect(() => {
    const soft = colour("--soft");
    const grid = { stroke: colour("--line"), width: 1 };
    const axis = { stroke: soft, grid, ticks: grid, font: "12px system-ui" };
    const shown = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en-GB", { maximumFractionDigits: 2 }));
    plot.current = new uPlot({
      width: box.current.clientWidth, height: HEIGHT, legend: { live: true }, cursor: { points: { size: 6 } },
      scales: { y: { range: (_, low, high) => [0, Math.max(1, high ?? 1) * 1.05] } },
      axes: [axis, { ...axis, size: 56 }],
      series: [{ value: (_, at) => (at ? time(at * 1000, false) : "–") }, ...lines.map(([, label, stroke]) => ({ label, stroke: colour(stroke), width: 1.5, spanGaps: true, value: (_, value) => shown(value) }))],
    }, data, box.current);
    const resize = new ResizeObserver(() => plot.current?.setSize({ width: box.current.clientWidth, height: HEIGHT }));
    resize.observe(box.current);
    return () => { resize.disconnect(); plot.current?.destroy(); plot.current = null; };
  }, [theme, keyOf(stage)]);
  useEffect(() => plot.current?.setData(data), [times, stage]);
  return html`<figure class="chart"><figcaption>${title} <span class="soft">${unit}</span></figcaption><div ref=${box} aria-hidden="true"></div></figure>`;
}

/** The same for whoever does not see lines. */
function Numbers({ times, stage }) {
  const from = Math.max(0, times.length - TABLE_MAX);
  const all = CHARTS.flatMap(([, , lines]) => lines);
  const shown = (value) => (value === null || value === undefined ? "–" : value);
  return html`
    <details class="numbers"><summary>The numbers, newest first</summary>
      <div class="wide-table" tabindex="0" role="region" aria-label="The numbers, newest first"><table class="table">
        <thead><tr><th scope="col">Time</th>${all.map(([, name]) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
        <tbody>${times.slice(from).map((at, index) => html`<tr key=${at}><td>${time(at * 1000, false)}</td>${all.map(([member]) => html`<td class="number">${shown(stage[member][from + index])}</td>`)}</tr>`).reverse()}</tbody>
      </table></div>
    </details>
  `;
}
