// One event as a line for a terminal: what was sent to the backend, what the template made, what the client said.
//
// What stands in an event came from strangers. Each part of a line is quoted so that a shell takes it as text alone, and has
// no control characters in it, which a terminal would obey while the line is pasted.

/** The C escapes that `$'…'` knows by a letter. */
const LETTERS = { "\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\", "'": "\\'" };

/** `text` as one word of a shell (bash, zsh, ksh; with control characters in it not of plain sh). */
export function word(text) {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  return `$'${text.replace(/[\\'\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (letter) => LETTERS[letter] ?? escaped(letter))}'`;
}

// Bytes, since each shell knows those; NUL is the one that no shell can hold.
function escaped(letter) {
  if (letter === "\0") return "";
  return [...new TextEncoder().encode(letter)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}

/** A name that HTTP takes for a header; curl would read `@…` as a file. */
const isName = (name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name);

/** Headers that curl makes itself. */
const OWN = new Set(["content-length", "host", "transfer-encoding", "connection"]);

/** The call to the backend; null where none was made over HTTP. */
export function curl({ request }) {
  if (!request || !/^https?:/i.test(request.url)) return null;
  const parts = ["curl --globoff --include", `--request ${word(request.method)}`, word(request.url)];
  for (const [name, value] of request.headers ?? []) {
    // A header without a value ends with a semicolon: with a colon curl leaves it out.
    if (isName(name) && !OWN.has(name.toLowerCase())) parts.push(`--header ${word(value === "" ? `${name};` : `${name}: ${value}`)}`);
  }
  if (request.body && request.bodySent !== false) parts.push(`--data-raw ${word(request.body)}`);
  return parts.join(" \\\n  ");
}

/** The request's template with its input; null where none is told. */
export function render({ template, message }) {
  if (!template || template.kind !== "request" || typeof template.text !== "string") return null;
  const body = message?.body ? ` \\\n  --body-text=${word(message.body)}` : "";
  return `gatewright render --template-text=${word(template.text)}${body}`;
}

/** The client: it connects to `url`, and says what the client said; null for a push, which no client sends. */
export function wscat({ eventType, message, query }, url) {
  if (eventType === "PUSH") return null;
  const address = eventType === "CONNECT" && query ? `${url}?${query}` : url;
  const says = message?.body ? ` --wait 2 --execute ${word(message.body)}` : "";
  return `npx wscat --connect ${word(address)}${says}`;
}
