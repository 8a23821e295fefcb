// The frame of a plot: scales, axes, grid; drawn anew when its width changes, so that text keeps its size.

import { h, s } from "../elements.js";

const EDGES = { left: 64, right: 16, top: 14, bottom: 46 };

/** Return an element that holds a plot: draw(width) gives the SVG. */
export function plotPlace(draw, height = 300) {
  const place = h("div", { class: "plot-place" });
  place.style.minHeight = `${height}px`;
  let width = 0;
  const watcher = new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now < 50 || now === width) return;
    width = now;
    place.replaceChildren(draw(width));
  });
  watcher.observe(place);
  return place;
}

/** Return a scale: a value → pixels, linear or logarithmic. */
function scale([low, high], [from, to], isLog = false) {
  const at = isLog ? Math.log10 : (value) => value;
  const place = (value) => from + ((at(value) - at(low)) / (at(high) - at(low))) * (to - from);
  return Object.assign(place, { low, high });
}

/** Return the powers of ten from one value to another. */
export function decades(low, high) {
  const powers = [];
  for (let power = Math.round(Math.log10(low)); power <= Math.round(Math.log10(high)); power += 1)
    powers.push(10 ** power);
  return powers;
}

/** Return round values within a range, about so many. */
export function ticks(low, high, wanted = 5) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const first = Math.ceil(low / step - 1e-9) * step;
  return Array.from({ length: Math.floor((high - first) / step + 1e-9) + 1 }, (_, at) =>
    Number((first + at * step).toPrecision(12)),
  );
}

/**
 * Return { svg, x, y } of an empty plot.
 * `x`, `y`: { range: [low, high], log, ticks: [...], words: (tick) => text, name }.
 */
export function frame(width, height, x, y, words) {
  const inner = { left: EDGES.left, right: width - EDGES.right, top: EDGES.top + 16, bottom: height - EDGES.bottom };
  const toX = scale(x.range, [inner.left, inner.right], x.log);
  const toY = scale(y.range, [inner.bottom, inner.top], y.log);
  const svg = s("svg", {
    class: "plot",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": words,
  });
  for (const tick of y.ticks) {
    svg.append(s("line", { class: "grid", x1: inner.left, x2: inner.right, y1: toY(tick), y2: toY(tick) }));
    svg.append(s("text", { x: inner.left - 8, y: toY(tick) + 4, "text-anchor": "end" }, y.words(tick)));
  }
  for (const tick of x.ticks) {
    svg.append(s("line", { class: "grid", x1: toX(tick), x2: toX(tick), y1: inner.top, y2: inner.bottom }));
    svg.append(s("text", { x: toX(tick), y: inner.bottom + 18, "text-anchor": "middle" }, x.words(tick)));
  }
  svg.append(s("line", { class: "axis", x1: inner.left, x2: inner.right, y1: inner.bottom, y2: inner.bottom }));
  svg.append(
    s(
      "text",
      { class: "axis-name", x: (inner.left + inner.right) / 2, y: height - 8, "text-anchor": "middle" },
      x.name,
    ),
  );
  svg.append(s("text", { class: "axis-name", x: 2, y: EDGES.top, "text-anchor": "start" }, y.name));
  return { svg, x: toX, y: toY, inner };
}

/** Return a line through points in pixels. */
export function line(points, kind) {
  return s("path", {
    class: `line ${kind}`,
    d: points.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(""),
  });
}

/** Return the area between two lines of points. */
export function band(upper, lower, kind) {
  const corners = [...upper, ...lower.toReversed()].map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`);
  return s("polygon", { class: `band ${kind}`, points: corners.join(" ") });
}

/** Return the key of a plot: [[kind, words], …]. */
export function keys(pairs) {
  const sample = (kind) =>
    s(
      "svg",
      { class: "plot", viewBox: "0 0 28 12", "aria-hidden": "true" },
      s("line", { class: `line ${kind}`, x1: 1, x2: 27, y1: 6, y2: 6 }),
    );
  return h(
    "ul",
    { class: "keys" },
    pairs.map(([kind, words]) => h("li", {}, sample(kind), words)),
  );
}
