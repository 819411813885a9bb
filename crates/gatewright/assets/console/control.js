// Calls of the control plane, as the AWS CLI would make them.

/** The most that one list holds. */
const ITEMS_MAX = 500;
/** How much of a refusal is shown, in characters. */
const REFUSAL_MAX = 200;

async function call(path, method = "GET", body = undefined) {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
  if (!answer.ok) throw new Error(`${answer.status} ${(await answer.text()).slice(0, REFUSAL_MAX)}`);
  return answer.json();
}

const apiPath = (apiId) => `/v2/apis/${encodeURIComponent(apiId)}`;
const list = async (apiId, what) => (await call(`${apiPath(apiId)}/${what}?maxResults=${ITEMS_MAX}`)).items ?? [];

/** The API itself: its name, its route selection expression. */
export const api = (apiId) => call(apiPath(apiId));

/** The keys of its routes. */
export const routeKeys = async (apiId) => (await list(apiId, "routes")).map(({ routeKey }) => routeKey);

/** The integration that a route calls; null where there is none. */
export async function integrationOf(apiId, routeKey) {
  const [routes, integrations] = await Promise.all([list(apiId, "routes"), list(apiId, "integrations")]);
  const target = routes.find((route) => route.routeKey === routeKey)?.target;
  return integrations.find(({ integrationId }) => target === `integrations/${integrationId}`) ?? null;
}

/** Whether changes act on a stage without a deployment. */
export async function deploysItself(apiId, stage) {
  return (await call(`${apiPath(apiId)}/stages/${encodeURIComponent(stage)}`)).autoDeploy === true;
}

/** Changes the HTTP method of an integration; gives the integration as it is now. */
export const setMethod = (apiId, integrationId, integrationMethod) =>
  call(`${apiPath(apiId)}/integrations/${encodeURIComponent(integrationId)}`, "PATCH", { integrationMethod });
