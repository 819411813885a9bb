// What the page knows of the gateway: which stages there are, and at which addresses.

import { Listeners } from "./listeners.js";

const STAGES = "/_gatewright/v1/stages";
/** How often the stages are looked at, while somebody looks at the page, in milliseconds. */
const LOOK_EVERY = 4000;

/** The path of a stage. `$default` stays readable: a dollar needs no escape in a path. */
const pathTo = ({ apiId, stage }) =>
  `/_aws/execute-api/${[apiId, stage].map((part) => encodeURIComponent(part).replaceAll("%24", "$")).join("/")}`;

export const keyOf = ({ apiId, stage }) => `${apiId}/${stage}`;

export class Gateway {
  /** As the gateway told it last; null before that. */
  facts = null;
  #said = "";
  #listeners = new Listeners();

  /** `does` is called whenever the facts are others than before; gives what ends that. */
  subscribe(does) {
    return this.#listeners.subscribe(does);
  }

  /** Looks now and from time to time. */
  watch() {
    setInterval(() => document.hidden || this.look(), LOOK_EVERY);
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
    return this.look();
  }

  /** Asks for the stages; whether there was an answer. */
  async look() {
    try {
      const answer = await fetch(STAGES, { cache: "no-store" });
      if (!answer.ok) return false;
      const said = await answer.text();
      if (said !== this.#said) {
        this.facts = JSON.parse(said);
        this.#said = said;
        this.#listeners.tell();
      }
      return true;
    } catch {
      return false;
    }
  }

  get stages() {
    return this.facts?.stages ?? [];
  }

  /** APIs that have none, some of them. */
  get withoutStage() {
    return this.facts?.withoutStage ?? [];
  }

  get hasApis() {
    return this.stages.length + this.withoutStage.length > 0;
  }

  find(apiId, stage) {
    return this.stages.find((known) => known.apiId === apiId && known.stage === stage);
  }

  /** A stage as people call it: the API's name where it has one. */
  label({ apiId, stage }) {
    const name = this.stages.find((known) => known.apiId === apiId)?.apiName;
    return `${name || apiId}/${stage}`;
  }

  /** Where clients connect; by way of the page's own address unless that is the --admin one. */
  get #clients() {
    const elsewhere = this.facts?.clients;
    if (elsewhere) return `${elsewhere.scheme}://${elsewhere.host ?? location.hostname}:${elsewhere.port}`;
    return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`;
  }

  /** The WebSocket URL of a stage by its path, which needs no resolution of names. */
  socketUrl(stage) {
    return this.#clients + pathTo(stage);
  }

  /** The same as others reach it. */
  publicUrl(stage) {
    return (this.facts?.publicUrl ?? this.#clients) + pathTo(stage);
  }

  /** The WebSocket URL of a stage by its host, as on AWS; null where clients come by another name. */
  byHostUrl({ apiId, stage }) {
    if (this.facts?.publicUrl) return null;
    const url = new URL(this.#clients);
    return `${url.protocol}//${apiId}.execute-api.localhost${url.port && `:${url.port}`}/${stage}`;
  }

  /** What an AWS tool takes as the endpoint of @connections. */
  callback(stage) {
    return location.origin + pathTo(stage);
  }

  /** A command of the AWS CLI that speaks to this gateway. */
  aws(command, endpoint = location.origin) {
    return `aws ${command} --endpoint-url ${endpoint} --region ${this.facts?.region ?? "us-east-1"}`;
  }
}
