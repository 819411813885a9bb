// Calls of the program: its own answers, and the control plane's, which are on the same origin.

const FOLDER = "/_gatewright/v1/";
/** How much of an answer that is no JSON is said, in characters. */
const SAID_MAX = 200;

/**
 * Calls `path` (below /_gatewright/v1/, or with a slash in front as it is) and gives the answer's JSON; null where it is empty.
 *
 * A body that is a text is sent as it is, any other as JSON. Throws an Error with what the server says, and its `status`
 * (0: there was no answer).
 */
export async function api(path, { method = "GET", body, signal } = {}) {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const headers = body === undefined ? {} : { "content-type": typeof body === "string" ? "text/plain; charset=utf-8" : "application/json" };
  let answer;
  try {
    answer = await fetch(path.startsWith("/") ? path : FOLDER + path, { method, headers, body: text, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw wrong(0, "the gateway does not answer");
  }
  const said = await answer.text();
  let value = null;
  try {
    value = said === "" ? null : JSON.parse(said);
  } catch {
    if (answer.ok) throw wrong(answer.status, "the answer is not JSON");
  }
  if (!answer.ok) throw wrong(answer.status, value?.message ?? value?.Message ?? `${answer.status} ${said.slice(0, SAID_MAX)}`);
  return value;
}

/** `id` as a part of a path. The equals sign at the end of request and connection ids needs no escape there. */
export const inPath = (id) => encodeURIComponent(id).replaceAll("%3D", "=");

function wrong(status, text) {
  return Object.assign(new Error(text), { status });
}
