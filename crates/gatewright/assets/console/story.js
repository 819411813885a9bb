// The story of a lost body: what the log shows, what the backend got, and the change that mends it.

import { button, copyable, el } from "./dom.js";
import { block, byteLength, bytes, parsed } from "./text.js";
import * as control from "./control.js";

/** The body that was mapped and then not sent, or null. */
export function discarded({ request }) {
  return request?.body && request.bodySent === false ? request.body : null;
}

/** What the backend says that it received, where it says so as the demo's does; else nothing. */
function received(record) {
  const answer = parsed(record.response?.body ?? "");
  if (answer === null || typeof answer !== "object" || !("received" in answer)) return "";
  return typeof answer.received === "string" ? answer.received : JSON.stringify(answer.received);
}

function sides(record, body) {
  const got = received(record);
  const side = (title, ...children) => el("div", { className: "side" }, el("h3", {}, title), ...children);
  return el(
    "div",
    { className: "sides" },
    side(`The log: body after transformations, ${bytes(byteLength(body))}`, block(body)),
    side(`What the backend received, ${bytes(byteLength(got))}`, got ? block(got) : el("p", { className: "nothing" }, "nothing at all")),
  );
}

/** The row of buttons: first what can be done, then what was done. */
class Mending {
  constructor(record, context) {
    this.record = record;
    this.context = context;
    this.row = el("div", { className: "row", role: "status" });
  }

  offer(integration) {
    this.id = integration.integrationId;
    this.was = integration.integrationMethod;
    const mend = button("Change it to POST for me", () => this.#set("POST"), { className: "primary" });
    this.row.replaceChildren(mend, el("small", {}, "The same call as the line above, from this page."));
  }

  async #set(method) {
    const { record, context } = this;
    try {
      await control.setMethod(record.apiId, this.id, method);
    } catch (error) {
      this.row.append(el("p", { className: "failure" }, `The change was refused: ${error.message}`));
      return;
    }
    context.changed(record, method);
    if (method === this.was) {
      this.offer({ integrationId: this.id, integrationMethod: this.was });
      return;
    }
    const again = context.sendsTo(record) && button("Send it again", () => context.resend(record), { className: "primary" });
    const back = button(`Set it back to ${this.was}`, () => this.#set(this.was));
    this.row.replaceChildren(
      ...[el("p", { className: "done" }, `Done: the integration’s method is ${method} now, deployed at once. The next such message arrives whole.`), again, back].filter(Boolean),
    );
    this.row.querySelector("button").focus({ preventScroll: true });
  }
}

/** The box that stands in the card of an event whose body was dropped. */
export function story(record, body, context) {
  const { method } = record.request;
  const commands = el("div", { className: "commands" });
  const mending = new Mending(record, context);
  const box = el(
    "section",
    { className: "story" },
    el("h3", {}, "The log shows a body. The backend got none."),
    sides(record, body),
    el("p", {}, `The integration’s method is ${method}, and a ${method} request carries no body. Nothing failed, so nothing complains: AWS’s log prints the body and says no more. Set the method to POST and the same message arrives.`),
    commands,
    mending.row,
  );
  const tell = (id, isDeployed) => {
    const { apiId, stage } = record;
    const change = context.aws(`apigatewayv2 update-integration --api-id ${apiId} --integration-id ${id} --integration-method POST`);
    const deploy = context.aws(`apigatewayv2 create-deployment --api-id ${apiId} --stage-name ${stage}`);
    commands.replaceChildren(...[copyable(change, "the command that mends it"), isDeployed ? null : copyable(deploy, "the command that deploys it")].filter(Boolean));
  };
  tell("INTEGRATION_ID", true);
  learn(record, tell, mending);
  return box;
}

// The control plane knows the integration; where it cannot be asked the command stays as it is, with its place holder.
async function learn(record, tell, mending) {
  try {
    const integration = await control.integrationOf(record.apiId, record.routeKey);
    const deploysItself = await control.deploysItself(record.apiId, record.stage);
    if (!integration) return;
    tell(integration.integrationId, deploysItself);
    // Elsewhere a change acts with the next deployment, which carries whatever else was changed: not a button's business.
    if (deploysItself && integration.integrationMethod !== "POST") mending.offer(integration);
  } catch {
    // As above.
  }
}
