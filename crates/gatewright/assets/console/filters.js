// Which events are shown: of which stage, of which connection.

import { $, el } from "./dom.js";
import { keyOf } from "./gateway.js";

export class Filters {
  #connection = "";

  /** `changed` is called when another choice was made, `isMine` tells this tab's events. */
  constructor(isMine, changed) {
    this.isMine = isMine;
    this.changed = changed;
    for (const id of ["filter-stage", "mine-only"]) $(id).addEventListener("change", changed);
    $("filter-off").addEventListener("click", () => this.follow(""));
  }

  get mineOnly() {
    return $("mine-only").checked;
  }

  get isOn() {
    return this.mineOnly || this.#connection !== "" || $("filter-stage").value !== "";
  }

  /** Shows one connection alone; "" all of them. */
  follow(connectionId) {
    this.#connection = connectionId;
    $("filter").hidden = connectionId === "";
    $("filter-connection").textContent = connectionId;
    this.changed();
  }

  clear() {
    $("mine-only").checked = false;
    $("filter-stage").value = "";
    this.follow("");
  }

  /** Whether a record is shown. */
  lets(record) {
    const chosen = $("filter-stage").value;
    return (
      (chosen === "" || chosen === record.apiId || chosen === keyOf(record)) &&
      (this.#connection === "" || record.connectionId === this.#connection) &&
      (!this.mineOnly || this.isMine(record))
    );
  }

  /** What is filtered by, in words. */
  get words() {
    const chosen = $("filter-stage").selectedOptions[0];
    return [
      this.mineOnly ? "of this client" : "",
      this.#connection ? `of connection ${this.#connection}` : "",
      chosen?.value ? `at ${chosen.textContent.trim()}` : "",
    ].filter(Boolean).join(" ");
  }

  /** Offers the stages that there are; the choice stays, even where what was chosen is gone. */
  offer(stages, label) {
    const select = $("filter-stage");
    const chosen = select.value;
    const options = [el("option", { value: "" }, "all APIs")];
    const apis = new Map();
    for (const stage of stages) apis.set(stage.apiId, [...(apis.get(stage.apiId) ?? []), stage]);
    for (const [apiId, of] of apis) {
      if (of.length > 1) options.push(el("option", { value: apiId }, `${of[0].apiName || apiId}, all stages`));
      options.push(...of.map((stage) => el("option", { value: keyOf(stage) }, label(stage))));
    }
    if (chosen && !options.some(({ value }) => value === chosen)) options.push(el("option", { value: chosen }, `${chosen} (gone)`));
    select.replaceChildren(...options);
    select.value = chosen;
    select.parentElement.hidden = stages.length < 2 && !chosen;
  }
}
