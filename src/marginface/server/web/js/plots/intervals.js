// A figure with its interval as a dot and a line, on one scale for all figures of a table; the numbers stand beside it.

import { s } from "../elements.js";

const WIDTH = 150;
const HEIGHT = 18;
const EDGE = 6;

/** Return draw(figure) for figures of one kind; null where none has an interval to draw. */
export function intervalScale(figures) {
  const ends = figures.flatMap(({ value, low, high }) => [value, low, high]).filter((end) => end !== null);
  if (figures.every(({ low }) => low === null)) return null;
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  const room = most > least ? most - least : 1;
  const x = (value) => EDGE + ((value - least) / room) * (WIDTH - 2 * EDGE);
  return (figure) => drawn(figure, x, least <= 0 && most >= 0 && figure.is_difference);
}

function drawn({ value, low, high }, x, hasZero) {
  const middle = HEIGHT / 2;
  return s(
    "svg",
    { class: "plot interval", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true" },
    s("line", { class: "grid", x1: EDGE, x2: WIDTH - EDGE, y1: middle, y2: middle }),
    hasZero ? s("line", { class: "axis", x1: x(0), x2: x(0), y1: 1, y2: HEIGHT - 1 }) : null,
    low === null ? null : s("line", { class: "whisker", x1: x(low), x2: x(high), y1: middle, y2: middle }),
    s("circle", { class: "dot genuine", cx: x(value), cy: middle, r: 4.5 }),
  );
}
