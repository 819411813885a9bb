// What can be measured of a page's looks. Each function runs inside the page, so it uses nothing from here.

/** Elements that make the page wider than its window; the page itself, where it scrolls sideways. */
export function sticksOut() {
  const out = document.documentElement.scrollWidth > innerWidth ? ["the page"] : [];
  for (const element of document.querySelectorAll("body *")) {
    if (element.closest("[hidden], .skip, .lane, .unseen")) continue;
    if (element.getBoundingClientRect().right > innerWidth + 1) out.push(`${element.tagName} ${element.className} #${element.id}`);
  }
  return out.slice(0, 5);
}

/** Labels and controls that are cut off: by themselves, or by the panel that they stand in. */
export function cutOff() {
  const cut = [];
  for (const element of document.querySelectorAll("button, a, input, select, textarea, h1, h2, h3, strong, small, label, .state, .hint, .caption, .badge, .empty p")) {
    if (element.closest("[hidden], .skip, .unseen, noscript") || !element.checkVisibility()) continue;
    const name = `${element.tagName} ${element.className} #${element.id} “${element.textContent.trim().slice(0, 40)}”`;
    const { overflowX, textOverflow } = getComputedStyle(element);
    // A route's key may be as long as it likes; its button shows the beginning.
    const mayBeLong = element.closest(".ideas, .drawer, select, input, textarea");
    if (overflowX === "hidden" && textOverflow === "ellipsis" && element.scrollWidth > element.clientWidth + 1 && !mayBeLong) cut.push(`${name}: its text`);
    const panel = element.closest(".panel");
    const scrolls = element.closest(".lines, .drawer");
    if (!panel || scrolls) continue;
    const [inner, outer] = [element.getBoundingClientRect(), panel.getBoundingClientRect()];
    if (inner.bottom > outer.bottom + 1 || inner.right > outer.right + 1 || inner.left < outer.left - 1) cut.push(`${name}: by its panel`);
  }
  return cut.slice(0, 5);
}

/** Texts on the strip and in the heads of the panels that lie on each other. */
export function overlaps() {
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.closest(".top, .strip, .panel > header, .settings, .guide, .composer > label, .composer-row")) continue;
    if (element.closest("[hidden], option, .lane, .skip, .unseen") || !element.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    for (const box of range.getClientRects()) texts.push({ text: walker.currentNode.data.trim().slice(0, 40), box });
  }
  const lie = ({ box: a }, { box: b }) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2;
  const found = texts.flatMap((one, at) => texts.slice(at + 1).filter((other) => lie(one, other)).map((other) => `“${one.text}” and “${other.text}”`));
  return found.slice(0, 5);
}

/** Every visible text with its contrast to what is painted behind it. Source of the formula: WCAG 2.2, "contrast ratio". */
export function contrasts() {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const pixel = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const linear = (part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const [seen, ways] = [new Map(), new Set()];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || element.closest("[hidden], option, noscript, .skip, .unseen, :disabled") || !element.checkVisibility()) continue;
    // What stands in the same classes all the way up looks the same: one of each is enough.
    let way = "";
    for (let at = element; at; at = at.parentElement) way += `${at.tagName}.${at.className} ${at.dataset.kind} ${at.dataset.state} ${at.dataset.lit} `;
    if (ways.has(way)) continue;
    ways.add(way);
    const grounds = [];
    let opacity = 1;
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      grounds.unshift(style.backgroundColor);
      opacity *= Number(style.opacity);
    }
    const style = getComputedStyle(element);
    const ground = pixel(["white", ...grounds]);
    const text = pixel([`rgb(${ground[0]} ${ground[1]} ${ground[2]})`, style.color]);
    const [light, dark] = [luminance(text), luminance(ground)].sort((a, b) => b - a);
    const ratio = ((light + 0.05) / (dark + 0.05)) * (opacity < 1 ? opacity : 1);
    const what = `${element.tagName} ${element.className} in ${element.parentElement?.className}`;
    if (!seen.has(what) || seen.get(what).ratio > ratio) seen.set(what, { what, ratio: Math.round(ratio * 100) / 100 });
  }
  return [...seen.values()];
}
