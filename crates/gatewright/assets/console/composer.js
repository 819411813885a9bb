// The editor: what will be sent, which route it will take, and what a reload must not lose.

import { $ } from "./dom.js";
import { parsed } from "./text.js";

/** What is typed is kept for this tab under this name. */
const KEPT = "gatewright-console";
const FIELDS = ["message", "name", "query"];

/** The members that `$request.body.a.b` leads through; null where an expression says anything else. */
function membersOf(expression) {
  const found = /^\$\{?request\.body\.([\w-]+(?:\.[\w-]+)*)\}?$/.exec(expression ?? "");
  return found && found[1].split(".");
}

export class Composer {
  /** The stage's route keys and selection expression, as far as they are known. */
  #keys = null;
  #members = null;

  constructor(send) {
    this.#restore();
    $("composer").addEventListener("submit", (submit) => {
      submit.preventDefault();
      send(this.text);
    });
    $("message").addEventListener("input", () => this.predict());
    $("message").addEventListener("keydown", (key) => {
      if (key.key === "Enter" && (key.ctrlKey || key.metaKey)) $("composer").requestSubmit();
    });
    for (const id of FIELDS) $(id).addEventListener("input", () => this.#keep());
  }

  get text() {
    return $("message").value;
  }

  set text(text) {
    $("message").value = text;
    this.#keep();
    this.predict();
  }

  /** What `?…` of the handshake says, without the page's own mark: the name as `user`, and the rest as typed. */
  get query() {
    const name = $("name").value.trim();
    const rest = $("query").value.trim().replace(/^\?/, "");
    return [name && `user=${encodeURIComponent(name)}`, rest].filter(Boolean);
  }

  /** Learns which routes there are, to tell where a message will go. */
  knows(keys, expression) {
    this.#keys = keys;
    this.#members = membersOf(expression);
    this.predict();
  }

  /** A message that takes the route `key`; null where the expression is beyond this page. */
  sample(key) {
    if (!this.#members) return null;
    return JSON.stringify(this.#members.reduceRight((inner, member) => ({ [member]: inner }), key));
  }

  /** Says which route the text in the editor will take. */
  predict() {
    $("prediction").textContent = this.#prediction();
  }

  #prediction() {
    if (!this.#keys || !this.#members) return "";
    const path = this.#members.join(".");
    const chosen = this.#members.reduce((value, member) => value?.[member], parsed(this.text));
    const key = chosen === null || typeof chosen === "object" ? undefined : chosen;
    if (key !== undefined && this.#keys.includes(String(key))) return `takes the route ${key}`;
    const why = key === undefined ? `it has no “${path}”` : `there is no route “${key}”`;
    return this.#keys.includes("$default") ? `takes $default: ${why}` : `will be refused: ${why}, and no $default`;
  }

  #keep() {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(FIELDS.map((id) => [id, $(id).value]))));
    } catch {
      // Without storage a reload forgets; nothing else depends on it.
    }
  }

  #restore() {
    try {
      const kept = parsed(sessionStorage.getItem(KEPT) ?? "") ?? {};
      for (const id of FIELDS) if (typeof kept[id] === "string") $(id).value = kept[id];
    } catch {
      // As above.
    }
  }
}
