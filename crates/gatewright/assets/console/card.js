// One event: a line, and behind it its way from the client to the backend and back.

import { button, el } from "./dom.js";
import { SHOWN_MAX, block, bytes, count, pathOf, shortened, time } from "./text.js";
import { discarded, story } from "./story.js";

/** How many headers are shown. */
const HEADERS_MAX = 100;
/** Status codes that need no colour. */
const good = (status) => status >= 200 && status < 400;

/** The line's text without the request id, which every line has. */
const withoutId = (text) => text.replace(/^\([^)\s]+\) /, "");

/** What an event was sent to, in a few words. */
function target({ eventType, request, method }) {
  if (eventType === "PUSH") return `${method ?? "POST"} @connections`;
  if (!request) return "no call";
  return request.url.startsWith("mock") ? "MOCK" : `${request.method} ${pathOf(request.url)}`;
}

function chips(record, lost) {
  const status = record.response?.status ?? record.status;
  const notes = record.lines.filter(({ kind }) => kind === "note").length;
  const failed = record.lines.some(({ kind }) => kind === "error");
  return [
    status ? el("span", { className: good(status) ? "chip" : "chip bad" }, String(status)) : "",
    lost ? el("span", { className: "chip note" }, "body lost") : notes ? el("span", { className: "chip note" }, count(notes, "remark")) : "",
    failed ? el("span", { className: "chip bad" }, "error") : "",
  ];
}

function summary(record, context, lost) {
  const { latencyMs } = record;
  const [status, ...rest] = chips(record, lost);
  return el(
    "summary",
    {},
    el("span", { className: "kind", data: { kind: record.eventType } }, record.eventType),
    el("span", { className: "of" }, context.label(record)),
    el("span", { className: "route" }, record.routeKey ?? (record.eventType === "PUSH" ? "push" : "no route")),
    el("span", { className: "soft" }, "→"),
    el("span", { className: "target" }, target(record)),
    status,
    el("span", { className: "soft" }, latencyMs === null || latencyMs === undefined ? "" : `${latencyMs} ms`),
    ...rest,
    el("span", { className: "who" }, el("span", {}, context.whose(record)), ` · ${time(record.at)}`),
  );
}

function headers(list) {
  if (!list?.length) return "";
  const rows = list.slice(0, HEADERS_MAX).map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, shortened(value, SHOWN_MAX))));
  return el("details", {}, el("summary", {}, count(list.length, "header")), el("table", { className: "pairs" }, el("tbody", {}, ...rows)));
}

const nothing = (text) => el("p", { className: "nothing" }, text);
const body = (text, className) => (text ? block(text, className) : nothing("no body"));

/** One station of the way: a title, a line, headers, a body. */
const side = (className, title, ...children) => el("div", { className: `side ${className}` }, el("h3", {}, title), ...children);

function fromClient({ eventType, query, message, disconnect }) {
  if (eventType === "CONNECT") return side("came", "From the client", query ? el("pre", {}, `?${query}`) : nothing("no query string"));
  if (eventType === "DISCONNECT") {
    const reason = disconnect?.reason ? `, ${disconnect.reason}` : "";
    return side("came", "From the client", el("p", {}, `gone: close code ${disconnect?.code ?? "unknown"}${reason}`));
  }
  return message ? side("came", `From the client, ${bytes(message.bodyBytes)}`, body(message.body)) : "";
}

function toBackend(request, lost) {
  if (!request) return side("request", "To the backend", nothing("no call was made"));
  const line = request.url.startsWith("mock") ? "MOCK" : `${request.method} ${request.url}`;
  const size = request.bodyBytes ? `, ${bytes(request.bodyBytes)}` : "";
  const sent = lost === null ? [body(request.body)] : [block(lost, "struck"), nothing("not sent")];
  return side("request", `To the backend${size}`, el("pre", {}, line), headers(request.headers), ...sent);
}

function fromBackend(response) {
  if (!response) return side("response", "From the backend", nothing("no answer"));
  return side("response", `From the backend, ${bytes(response.bodyBytes ?? 0)}`, el("pre", {}, `Status ${response.status}`), headers(response.headers), body(response.body));
}

function toClient({ eventType, status, reply, failure, replyBytes }) {
  if (eventType === "CONNECT") return side("reply", "To the client", el("pre", {}, status < 300 ? "101 Switching Protocols" : `Status ${status}`));
  if (eventType === "DISCONNECT") return "";
  if (failure) return side("reply", `To the client, ${bytes(replyBytes ?? 0)}`, el("p", { className: "failure" }, failure));
  if (reply?.twoWay && reply.body) return side("reply", `To the client, ${bytes(reply.bodyBytes)}`, block(reply.body));
  return side("reply", "To the client", nothing(reply?.twoWay ? "nothing: the answer has no body" : "nothing: the route is one-way"));
}

function way(record, lost) {
  if (record.eventType === "PUSH") return side("push", "To the client", el("p", {}, `${bytes(record.bodyBytes ?? 0)}, answered ${record.status}`));
  const { request, response } = record;
  const sides = [fromClient(record), toBackend(request, lost), request ? fromBackend(response) : "", toClient(record)];
  return el("div", { className: "sides" }, ...sides);
}

function line({ kind, text }) {
  const [, id, rest] = /^(\([^)\s]+\) )?([^]*)$/.exec(text);
  const [, label, value] = /^([A-Z][A-Za-z ,]{2,60}: )?([^]*)$/.exec(rest);
  const children = [id ? el("span", { className: "id" }, id) : "", label ?? "", el("span", { className: label ? "value" : "" }, shortened(value, SHOWN_MAX))];
  return el("li", {}, kind === "error" ? el("span", { className: "error" }, ...children) : el("span", {}, ...children));
}

function remarks(lines) {
  const said = lines.filter(({ kind }) => kind === "note").map(({ text }) => el("li", {}, withoutId(text)));
  return said.length ? el("ul", { className: "remarks" }, ...said) : "";
}

function facts(record, context) {
  const only = button("Only this connection", () => context.follow(record.connectionId), { className: "small" });
  return el(
    "p",
    { className: "facts" },
    el("span", {}, "connection ", el("code", {}, record.connectionId)),
    el("span", {}, "request ", el("code", {}, record.requestId)),
    only,
  );
}

/**
 * The card of a record. What is behind its line is made when it is first opened.
 *
 * `context` is what the page knows: `whose`, `isMine`, `label`, `follow`, and what the story of a lost body needs.
 */
export function card(record, context) {
  const lost = discarded(record);
  const inside = el("div", { className: "inside" });
  const element = el("details", { className: "record", data: { id: record.requestId, kind: record.eventType } }, summary(record, context, lost !== null), inside);
  if (!context.isMine(record)) element.dataset.other = "";
  let filled = false;
  const fill = () => {
    if (filled || !element.open) return;
    filled = true;
    const lines = record.lines.filter(({ kind }) => kind !== "note").map(line);
    if (lost !== null) inside.append(story(record, lost, context));
    inside.append(
      ...[remarks(record.lines), way(record, lost), el("ol", { className: "lines", "aria-label": "Execution log" }, ...lines), facts(record, context)].filter(Boolean),
    );
  };
  element.addEventListener("toggle", fill);
  /** Opens it, with its inside there at once. */
  const open = () => {
    element.open = true;
    fill();
  };
  return { record, element, open, tellsLoss: lost !== null, kept: false };
}
