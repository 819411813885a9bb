// Elements made in code. What others send is only ever set as text, never as markup: messages and logs are input.

export const $ = (id) => document.getElementById(id);

/** An element with properties and children; strings become text, and what is missing or empty is left out. */
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "data") Object.assign(element.dataset, value);
    else if (key.startsWith("aria-")) element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** A button that does `does` when it is pressed. */
export function button(text, does, properties = {}) {
  const made = el("button", { type: "button", ...properties }, text);
  made.addEventListener("click", does);
  return made;
}

/** How long a button says what it did, in milliseconds. */
const SAID = 1500;

/** A line to take away: the text and a button that copies it. */
export function copyable(text, label) {
  const code = el("code", {}, text);
  const copy = button("Copy", async () => {
    let copied = true;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // Without a secure context there is no clipboard; a selection and the old command do it too.
      getSelection().selectAllChildren(code);
      copied = document.execCommand("copy");
    }
    copy.textContent = copied ? "Copied" : "Selected";
    setTimeout(() => (copy.textContent = "Copy"), SAID);
  }, { "aria-label": `Copy ${label}` });
  return el("div", { className: "copy" }, code, copy);
}
