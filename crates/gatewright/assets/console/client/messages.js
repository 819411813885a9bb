// Which route a message takes, and a message for each route, as far as the selection expression says it plainly.

import { parsed } from "../text.js";

/** A message that goes to `$default`, whatever the routes are. */
export const OF_NO_ROUTE = '{"text":"Hello, backend"}';

/** Whether a key is one of API Gateway's own. */
const isOwn = (key) => ["$connect", "$disconnect", "$default"].includes(key);

/** The members that `$request.body.a.b` leads through; null where an expression says anything else. */
export function membersOf(expression) {
  const found = /^\$\{?request\.body\.([\w-]+(?:\.[\w-]+)*)\}?$/.exec(expression ?? "");
  return found && found[1].split(".");
}

/** A message that takes the route `key`. */
const sample = (members, key) => JSON.stringify(members.reduceRight((inner, member) => ({ [member]: inner }), key));

/** [{name: route key, text}] for the routes of an API; none where the expression is beyond this page. */
export function suggested({ keys, expression }) {
  const members = membersOf(expression);
  const named = members ? keys.filter((key) => !isOwn(key)).map((name) => ({ name, text: sample(members, name) })) : [];
  return keys.includes("$default") ? [...named, { name: "$default", text: OF_NO_ROUTE }] : named;
}

/** Says which route `text` will take; empty where that is not known. */
export function prediction(text, routes) {
  const members = routes && membersOf(routes.expression);
  if (!members || text === "") return "";
  const chosen = members.reduce((value, member) => value?.[member], parsed(text));
  const key = chosen === null || typeof chosen === "object" ? undefined : chosen;
  if (key !== undefined && routes.keys.includes(String(key))) return `takes the route ${key}`;
  const why = key === undefined ? `it has no “${members.join(".")}”` : `there is no route “${key}”`;
  return routes.keys.includes("$default") ? `takes $default: ${why}` : `will be refused: ${why}, and no $default`;
}
