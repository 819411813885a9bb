// What the control plane says of an API's routes, for as long as a view needs it.

import { useEffect, useState } from "../html.js";
import { inPath } from "../api.js";

/** {keys, expression} of an API, asked again when the gateway's facts change; null where nobody says. */
export function useRoutes(app, apiId) {
  const [got, set] = useState({ apiId: null, routes: null });
  const { facts } = app.gateway;
  useEffect(() => {
    let isMeant = true;
    const told = (routes) => isMeant && set({ apiId, routes });
    if (!apiId) return told(null);
    Promise.all([app.api(`/v2/apis/${inPath(apiId)}`), app.api(`/v2/apis/${inPath(apiId)}/routes?maxResults=500`)]).then(
      ([{ routeSelectionExpression: expression }, { items }]) => told({ expression, keys: (items ?? []).map(({ routeKey }) => routeKey) }),
      () => told(null),
    );
    return () => (isMeant = false);
  }, [apiId, facts]);
  return got.apiId === apiId ? got.routes : null;
}
