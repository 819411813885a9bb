// The language of the search box: `route:join status:5xx slow:>100ms text`.
//
// Terms with blanks between, all of which have to hold; `-term` has to fail; quotes keep blanks. `gatewright tail --filter`
// reads the same language in Rust (crates/traces): corpus/filters/cases.json is played on both.

/** The longest filter, in bytes, and the most terms of one. */
const BYTES_MAX = 1000;
const TERMS_MAX = 32;

/** The members of a row that bare text is looked for in. */
const TEXTS = ["requestId", "connectionId", "apiId", "stage", "eventType", "routeKey", "target", "failure", "headline"];

const COMPARISONS = {
  ">=": (value, than) => value >= than,
  "<=": (value, than) => value <= than,
  ">": (value, than) => value > than,
  "<": (value, than) => value < than,
  "=": (value, than) => value === than,
};

/** What an example of each term is, for whoever looks at an empty box. */
export const EXAMPLES = [
  ["route:join", "the route, exact or with *"],
  ["status:5xx", "or 500, >=400"],
  ["is:failed", "or remarked, lost"],
  ["slow:>100ms", "longer than that"],
  ["bytes:>1k", "in or out"],
  ["connection:AbC", "begins so"],
  ["type:connect", "or message, disconnect, push"],
  ["target:/chat", "what was called"],
  ["stage:dev", "or api:ID"],
  ["-is:failed", "not that"],
  ['"two words"', "text, anywhere in the row"],
];

/** Reads a filter and gives a function that tells whether a row is let through. Throws an Error that names the term and what would fit. */
export function readFilter(text) {
  if (new TextEncoder().encode(text).length > BYTES_MAX) throw new Error(`the filter is longer than ${BYTES_MAX} bytes`);
  const found = words(text);
  if (found.length > TERMS_MAX) throw new Error(`the filter has more than ${TERMS_MAX} terms`);
  const terms = found.map((word) => [word.isNegated, term(word)]);
  return (row) => terms.every(([isNegated, holds]) => holds(row) !== isNegated);
}

/** `text` as a word of a filter: in quotes where it would end or mean something else; a quotation mark cannot be said. */
export const quoted = (text) => (/[\s"]/.test(text) ? `"${text.replaceAll('"', "")}"` : text);

const isBlank = (letter) => /\s/u.test(letter);

function words(text) {
  const found = [];
  const letters = [...text];
  let at = 0;
  while (at < letters.length) {
    if (isBlank(letters[at])) {
      at += 1;
      continue;
    }
    const isNegated = letters[at] === "-";
    if (isNegated) at += 1;
    const word = { isNegated, text: "", colon: -1 };
    for (let isQuoted = false; at < letters.length && (isQuoted || !isBlank(letters[at])); at += 1) {
      if (letters[at] === '"') {
        isQuoted = !isQuoted;
        continue;
      }
      if (letters[at] === ":" && !isQuoted && word.colon < 0) word.colon = word.text.length;
      word.text += letters[at];
    }
    if (word.text) found.push(word);
  }
  return found;
}

function term({ text, colon }) {
  if (colon < 0) return contains(text);
  const value = text.slice(colon + 1);
  switch (text.slice(0, colon)) {
    case "route":
      return isLike("routeKey", value);
    case "api":
      return isLike("apiId", value);
    case "stage":
      return isLike("stage", value);
    case "connection":
      return (row) => row.connectionId?.startsWith(value) ?? false;
    case "request":
      return (row) => row.requestId?.startsWith(value) ?? false;
    case "target":
      return has("target", value.toLowerCase());
    case "type":
      return isOfType(value);
    case "status":
      return status("status", "status", value);
    case "backend":
      return status("backend", "backendStatus", value);
    case "slow":
      return lasts(value);
    case "bytes":
      return weighs(value);
    case "is":
      return is(value);
    default:
      return contains(text);
  }
}

const has = (member, part) => (row) => typeof row[member] === "string" && row[member].toLowerCase().includes(part);

function contains(text) {
  const part = text.toLowerCase();
  const all = TEXTS.map((member) => has(member, part));
  return (row) => all.some((holds) => holds(row));
}

// `*` stands for anything. Each part is looked for behind the last: no pattern takes longer than its text.
function isLike(member, pattern) {
  const [first, ...rest] = pattern.split("*");
  const last = rest.pop();
  return ({ [member]: text }) => {
    if (typeof text !== "string" || !text.startsWith(first)) return false;
    if (last === undefined) return text.length === first.length;
    let from = first.length;
    for (const part of rest) {
      const at = text.indexOf(part, from);
      if (at < 0) return false;
      from = at + part.length;
    }
    return text.length - from >= last.length && text.endsWith(last);
  };
}

function isOfType(value) {
  const type = value.toUpperCase();
  if (!["CONNECT", "MESSAGE", "DISCONNECT", "PUSH"].includes(type)) throw new Error(`type: \`${value}\` is none of connect, message, disconnect, push`);
  return (row) => row.eventType === type;
}

function is(value) {
  if (value === "failed") return (row) => row.failure != null;
  if (value === "remarked") return (row) => row.remarks > 0;
  if (value === "lost") return (row) => row.kind === "loss";
  throw new Error(`is: \`${value}\` is none of failed, remarked, lost`);
}

function comparison(value, otherwise) {
  const sign = Object.keys(COMPARISONS).find((sign) => value.startsWith(sign));
  return [COMPARISONS[sign ?? otherwise], value.slice(sign?.length ?? 0)];
}

// Digits, maybe with a point: what Rust and JavaScript read beside that differs.
const number = (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : null);

function status(name, member, value) {
  const wrong = () => new Error(`${name}: \`${value}\` is no status: 500, 5xx, >=400`);
  if (value.endsWith("xx")) {
    if (!/^\+?0*[1-9]xx$/.test(value)) throw wrong();
    const hundred = Number(value.slice(0, -2));
    return (row) => typeof row[member] === "number" && Math.floor(row[member] / 100) === hundred;
  }
  const [holds, rest] = comparison(value, "=");
  const than = number(rest);
  if (than === null) throw wrong();
  return (row) => typeof row[member] === "number" && holds(row[member], than);
}

// The whole time counts where it was measured, the backend's only where it was not.
function lasts(value) {
  const [holds, rest] = comparison(value, ">=");
  const [, digits, unit] = /^(.*?)(ms|s)?$/s.exec(rest);
  const than = number(digits);
  if (than === null) throw new Error(`slow: \`${value}\` is no time: >100ms, 2s`);
  const millis = unit === "s" ? than * 1000 : than;
  return ({ durationMs, backendMs }) => {
    const counted = durationMs ?? backendMs;
    return typeof counted === "number" && holds(counted, millis);
  };
}

function weighs(value) {
  const [holds, rest] = comparison(value, ">=");
  const [, digits, unit] = /^(.*?)([km])?$/is.exec(rest);
  const than = number(digits);
  if (than === null) throw new Error(`bytes: \`${value}\` is no size: >1k, 500`);
  const bytes = than * ({ k: 1024, m: 1024 * 1024 }[unit?.toLowerCase()] ?? 1);
  return ({ bytesIn, bytesOut }) => [bytesIn, bytesOut].some((size) => typeof size === "number" && holds(size, bytes));
}
