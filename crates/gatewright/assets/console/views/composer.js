// The editor: what will be sent and which route it will take, with templates and what was sent before.

import { html, useChanges, useLayoutEffect, useRef, useState } from "../html.js";
import { NAME_MAX, forgetTemplate, history, keepTemplate, templates } from "../client/kept.js";
import { prediction, suggested } from "../client/messages.js";
import { useKeys } from "../keys.js";
import { count, shortened } from "../text.js";

/** The longest text that can be typed, in characters: enough to see what the gateway says of a message that is too large. */
const TYPED_MAX = 1_000_000;
/** Suggestions that stand above the editor, and how much of a name or a text is shown, in characters. */
const SHORT_MAX = 7;
const SHOWN_MAX = 140;

/** `send` sends a text and gives its line, or null; `routes` is what the control plane says; `isPlain` shows no suggestions above. */
export function Composer({ socket, routes, send, isPlain }) {
  useChanges(templates);
  useChanges(history);
  const [shown, show] = useState("");
  const [wrong, say] = useState("");
  const field = useRef(null);
  const recalled = useRecall(socket);
  const own = templates.value.filter(({ api }) => api === socket.api);
  const ideas = routes ? suggested(routes) : [];
  const takes = prediction(socket.draft, routes);

  const fill = (text) => {
    socket.change({ draft: text });
    recalled.forget();
    show("");
    field.current.focus();
  };
  const submit = async (event) => {
    event?.preventDefault();
    if (socket.draft === "") return;
    recalled.forget();
    show("");
    const text = socket.draft;
    // The text stays until it is sent: without a connection nothing is lost. What was typed meanwhile stays, too.
    if ((await send(text)) && socket.draft === text) socket.change({ draft: "" });
  };
  const pressed = (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) return submit(event);
    const { selectionStart: at, selectionEnd: end, value } = event.target;
    if (at !== end || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowUp" && !value.slice(0, at).includes("\n")) recalled.older(event);
    if (event.key === "ArrowDown" && !value.slice(at).includes("\n")) recalled.newer(event);
  };
  useKeys([["Escape", "", () => (shown === "" ? false : (show(""), field.current.focus()))]]);

  const toggle = (name) => () => show(shown === name ? "" : name);
  return html`
    <form class="composer" onSubmit=${submit}>
      ${shown === "templates" && html`<${Templates} own=${own} ideas=${ideas} fill=${fill} />`}
      ${shown === "history" && html`<${History} fill=${fill} send=${send} />`}
      ${shown === "save" && html`<${Save} socket=${socket} done=${() => fill(socket.draft)} say=${say} />`}
      ${shown === "" && !isPlain && (own.length > 0 || ideas.length > 0) && html`
        <p class="ideas"><span>A message for</span> ${[...own, ...ideas].slice(0, SHORT_MAX).map(({ name, text }) => html`<button type="button" class="small mono" key=${name} title=${shortened(text, SHOWN_MAX)} onClick=${() => fill(text)}>${shortened(name, SHOWN_MAX)}</button>`)}</p>`}
      <label for="message">Message <span id="prediction">${takes}</span></label>
      <textarea id="message" ref=${field} rows="2" maxlength=${TYPED_MAX} value=${socket.draft} spellcheck=${false} autocomplete="off" autocapitalize="off" aria-describedby="prediction message-keys"
        onInput=${(event) => { recalled.forget(); socket.change({ draft: event.target.value }); }} onKeyDown=${pressed}></textarea>
      <p class="said-wrong" role="alert">${wrong}</p>
      <div class="composer-row">
        <button type="button" class="quiet" id="templates" aria-expanded=${shown === "templates"} onClick=${toggle("templates")}>Templates</button>
        <button type="button" class="quiet" id="history" aria-expanded=${shown === "history"} onClick=${toggle("history")}>History</button>
        <button type="button" class="quiet" id="save" aria-expanded=${shown === "save"} disabled=${socket.draft === ""} onClick=${toggle("save")}>Save as template</button>
        <small id="message-keys"><kbd>Enter</kbd> sends, <kbd>Shift</kbd> <kbd>Enter</kbd> is a new line, <kbd>↑</kbd> recalls</small>
        <button type="submit" class="primary" id="send" disabled=${socket.draft === ""}>Send</button>
      </div>
    </form>
  `;
}

/** What was sent before, one after the other; back at the newest stands what was typed. */
function useRecall(socket) {
  const at = useRef(-1);
  const typed = useRef("");
  const go = (event, to) => {
    if (to < -1 || to >= history.value.length) return;
    event.preventDefault();
    if (at.current === -1) typed.current = socket.draft;
    at.current = to;
    socket.change({ draft: to === -1 ? typed.current : history.value[to] });
  };
  return {
    older: (event) => go(event, at.current + 1),
    newer: (event) => at.current >= 0 && go(event, at.current - 1),
    forget: () => { at.current = -1; },
  };
}

function Templates({ own, ideas, fill }) {
  return html`
    <div class="drawer" role="group" aria-label="Templates">
      ${own.length > 0 && html`<h3>Saved</h3><ul>${own.map((one) => html`
        <li key=${one.name}><button type="button" class="pick" onClick=${() => fill(one.text)}><strong>${one.name}</strong> <code>${shortened(one.text, SHOWN_MAX)}</code></button>
          <button type="button" class="small" aria-label=${`Forget ${one.name}`} onClick=${() => forgetTemplate(one)}>Forget</button></li>`)}</ul>`}
      ${ideas.length > 0 && html`<h3>For the API’s routes</h3><ul>${ideas.map(({ name, text }) => html`
        <li key=${name}><button type="button" class="pick" onClick=${() => fill(text)}><strong>${shortened(name, SHOWN_MAX)}</strong> <code>${shortened(text, SHOWN_MAX)}</code></button></li>`)}</ul>`}
      ${own.length + ideas.length === 0 && html`<p class="soft">None yet. Type a message and save it under a name; it stays in this browser.</p>`}
    </div>
  `;
}

function History({ fill, send }) {
  const texts = history.value;
  return html`
    <div class="drawer" role="group" aria-label="History">
      ${texts.length === 0
        ? html`<p class="soft">Nothing was sent yet. What you send stands here until this tab is closed.</p>`
        : html`
          <h3>${count(texts.length, "message")}, the newest first <button type="button" class="small" onClick=${() => history.set([])}>Forget all</button></h3>
          <ul>${texts.map((text) => html`
            <li key=${text}><button type="button" class="pick" onClick=${() => fill(text)}><code>${shortened(text, SHOWN_MAX)}</code></button>
              <button type="button" class="small" aria-label=${`Send again: ${shortened(text, SHOWN_MAX)}`} onClick=${() => send(text)}>Send again</button></li>`)}</ul>`}
    </div>
  `;
}

function Save({ socket, done, say }) {
  const [name, setName] = useState("");
  const field = useRef(null);
  useLayoutEffect(() => field.current.focus(), []);
  const save = () => {
    const wrong = keepTemplate(socket.api, name.trim(), socket.draft);
    say(wrong);
    if (wrong === "") done();
  };
  const pressed = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    save();
  };
  return html`
    <div class="drawer save" role="group" aria-label="Save as template">
      <label class="field grows">Name of the template<input ref=${field} id="template-name" value=${name} maxlength=${NAME_MAX} autocomplete="off" onInput=${(event) => setName(event.target.value)} onKeyDown=${pressed} /></label>
      <button type="button" class="primary" onClick=${save}>Save</button>
    </div>
  `;
}
