// What is other in a text than in the one before, line by line.

/** How many pairs of lines are compared at most; beyond it everything between the first and the last difference counts as changed. */
const PAIRS_MAX = 250_000;

/**
 * The lines of both texts in order, each [sign, line]: "-" only before, "+" only after, " " in both.
 *
 * The longest common run of lines stays, as in `diff`.
 */
export function diff(before, after) {
  const [a, b] = [before.split("\n"), after.split("\n")];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const same = (lines) => lines.map((line) => [" ", line]);
  return [
    ...same(b.slice(0, head)),
    ...between(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...same(b.slice(b.length - tail)),
  ];
}

function between(a, b) {
  if (a.length * b.length > PAIRS_MAX) return [...a.map((line) => ["-", line]), ...b.map((line) => ["+", line])];
  // longest[i][j]: the longest common run of a from i and b from j.
  const longest = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i][j] = a[i] === b[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push([" ", a[i]]);
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && longest[i + 1][j] >= longest[i][j + 1])) {
      lines.push(["-", a[i]]);
      i += 1;
    } else {
      lines.push(["+", b[j]]);
      j += 1;
    }
  }
  return lines;
}
