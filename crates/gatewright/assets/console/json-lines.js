// JSON in lines, for people and for comparing: every character of it stays, only the blanks between are others.
//
// Nothing is parsed: a number with twenty digits, a name that occurs twice, and a text that was cut in the middle are shown
// as they are.

/** How far lines are indented at most, in blanks. */
const INDENT_MAX = 24;

/** Whether a text looks like a JSON object or list. */
export const looksLikeJson = (text) => /^\s*[{[]/.test(text);

/** `text` with a line for each member, where it looks like JSON; else as it is. */
export function inLines(text) {
  if (!looksLikeJson(text)) return text;
  let lines = "";
  let depth = 0;
  const line = () => `\n${" ".repeat(Math.min(depth * 2, INDENT_MAX))}`;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\[^])*"?|[{[]\s*[}\]]|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    const isEmptyPair = token.length > 1 && /^[{[]/.test(token);
    if (isEmptyPair) lines += token.replace(/\s/g, "");
    else if (token === "{" || token === "[") {
      depth += 1;
      lines += token + line();
    } else if (token === "}" || token === "]") {
      depth = Math.max(0, depth - 1);
      lines += line() + token;
    } else if (token === ",") lines += token + line();
    else if (token === ":") lines += ": ";
    else lines += token;
  }
  return lines;
}
