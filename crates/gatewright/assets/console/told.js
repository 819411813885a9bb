// What one event tells, cause first: as the gateway says it, or from the record's own facts where it says nothing.

import { byteLength, bytes } from "./text.js";

/** The body that was mapped and then not sent, or null. */
export const lostBody = ({ request }) => (request?.body && request.bodySent === false ? request.body : null);

/** The line's text without the request id, which every line has. */
export const withoutId = (text) => text.replace(/^\([^)\s]+\) /, "");

// The program's own words name no address; here stands one that is right for whoever copies the line.
function toThis(gateway, command) {
  const isOne = command && /^aws [^|;&\n]+$/.test(command) && !command.includes("--endpoint-url");
  return isOne ? gateway.aws(command.slice("aws ".length)) : command;
}

/** {kind: "failure" | "loss" | "remark" | "fine", headline, why: [sentence], mend: [{text, command}], place}. */
export function told(record, gateway) {
  if (record.story) return { ...record.story, headline: record.story.headline ?? "Everything arrived", why: record.story.why ?? [], mend: (record.story.mend ?? []).map(({ text, command }) => ({ text, command: toThis(gateway, command) })) };
  const notes = (record.lines ?? []).filter(({ kind }) => kind === "note").map(({ text }) => withoutId(text));
  const lost = lostBody(record);
  if (lost !== null) return loss(record, lost, notes, gateway);
  const errors = (record.lines ?? []).filter(({ kind }) => kind === "error").map(({ text }) => withoutId(text));
  const failure = record.failure ?? (record.status >= 400 ? `Answered ${record.status}` : null);
  if (failure) return { kind: "failure", headline: failure, why: [...errors.filter((text) => text !== failure), ...notes], mend: [], place: null };
  if (notes.length > 0) return { kind: "remark", headline: notes[0], why: notes.slice(1), mend: [], place: null };
  return { kind: "fine", headline: "Everything arrived", why: [], mend: [], place: null };
}

function loss({ apiId, request }, lost, notes, gateway) {
  const { method } = request;
  // The remark has the command with the integration's own id, behind its last colon.
  const found = notes.map((text) => /: aws (apigatewayv2 update-integration [\w -]+)$/.exec(text)).find(Boolean);
  const command = found?.[1] ?? `apigatewayv2 update-integration --api-id ${apiId} --integration-id INTEGRATION_ID --integration-method POST`;
  return {
    kind: "loss",
    headline: `The backend got no body: the method is ${method}`,
    why: [
      `After mapping there was a body of ${bytes(byteLength(lost))}. A ${method} request carries none, so it was dropped; nothing failed, and AWS’s log prints the body all the same.`,
      ...notes.filter((text) => text !== found?.input),
    ],
    mend: [{ text: "Set the integration’s method to POST, and the same message arrives:", command: gateway.aws(command) }],
    place: null,
  };
}
