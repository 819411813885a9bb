// Elements as the views write them: Preact, bound to tagged templates. What others send is only ever text in them.

import { Component, Fragment, createContext, h, render } from "./vendor/preact.js";
import { useCallback, useContext, useEffect, useErrorBoundary, useId, useLayoutEffect, useMemo, useReducer, useRef, useState } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";

/** html`<p class=${name}>${text}<//>`: an element of Preact. */
export const html = htm.bind(h);

export { Component, Fragment, createContext, h, render };
export { useCallback, useContext, useEffect, useErrorBoundary, useId, useLayoutEffect, useMemo, useReducer, useRef, useState };

/** Draws the caller again whenever `thing.subscribe` tells of a change. */
export function useChanges(thing) {
  const [, again] = useReducer((count) => count + 1, 0);
  useEffect(() => thing.subscribe(again), [thing]);
}
