// Close codes in words.

/** Source: RFC 6455, 7.4.1; the registry of close codes at IANA; what the gateway means by those that it sends. */
const CODES = {
  1000: "closed as asked",
  1001: "the other side went away: the gateway stops, or the connection was idle or open for too long",
  1002: "a frame was not as the protocol wants it",
  1003: "a kind of frame that is not taken, such as binary ones",
  1005: "closed without a code",
  1006: "the connection was cut without a goodbye",
  1007: "a text was not UTF-8",
  1008: "against the rules of the other side",
  1009: "a message was too large",
  1010: "an extension that was asked for is missing",
  1011: "the other side met an error",
  1012: "the other side restarts",
  1013: "the other side has too much to do; try later",
  1014: "a gateway got no good answer from what is behind it",
  1015: "TLS failed",
};

/** After these the other side may come back, and whoever was connected wants to be again. */
export const isAway = (code) => [1001, 1006, 1011, 1012].includes(code);

/** What a close code means; empty where nobody knows. */
export function meaningOf(code) {
  if (CODES[code]) return CODES[code];
  if (code >= 3000 && code < 4000) return "a code of a library or framework";
  if (code >= 4000 && code < 5000) return "a code of the application's own";
  return "";
}

/** "1009, a message was too large": with the other side's own reason first, where it gave one. */
export function closedWords(code, reason) {
  const parts = [String(code), reason, meaningOf(code)].filter(Boolean);
  return parts.join(", ");
}
