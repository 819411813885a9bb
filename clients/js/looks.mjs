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
  const seen = new Map();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || element.closest("[hidden], option, noscript, .skip, .unseen, :disabled") || !element.checkVisibility()) continue;
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
