// How alike pairs of the same person and of different people are: the calibration's two error rates over similarity.
//
// A calibration keeps rungs and no histogram: for each threshold the share of pairs of different people that reach it
// (FMR) and the share of pairs of one person that do not (FNMR), with 95 % bounds. These are the tails of the two
// distributions, and nothing is drawn where no rung was measured.

import { h, s } from "../elements.js";
import { similarity as shown, superscript } from "../words.js";
import { band, decades, frame, keys, line, plotPlace, ticks } from "./frame.js";

const HEIGHT = 340;

/**
 * Return the plot. `rungs` are those of GET /v1/calibration; `marks`: { similarity, threshold, uncertain }, each may be null.
 */
export function ratesPlot(rungs, marks = {}) {
  const genuine = rungs.filter((rung) => rung.fnmr > 0);
  const lines = [["impostor", "Pairs of different people that are this similar or more"]];
  if (genuine.length) lines.push(["genuine", "Pairs of the same person that are less similar than this"]);
  if (marks.threshold) lines.push(["threshold", "Threshold"]);
  if (marks.threshold && marks.uncertain) lines.push(["open", "Range in which the answer is left open"]);
  const about = h(
    "p",
    { class: "hint" },
    "Tails of the two distributions, as far as the calibration measured them; bands are 95 % bounds.",
  );
  return h(
    "div",
    { class: "stack" },
    plotPlace((width) => drawn(width, rungs, genuine, marks), HEIGHT),
    keys(lines),
    about,
  );
}

function drawn(width, rungs, genuine, marks) {
  const lowest = Math.min(
    -0.1,
    marks.similarity === null || marks.similarity === undefined ? 0 : marks.similarity - 0.05,
  );
  const least = Math.min(...rungs.map((rung) => rung.fmr), ...genuine.map((rung) => rung.fnmr));
  const rates = [10 ** Math.floor(Math.log10(least) + 1e-9), 1];
  const every = decades(...rates);
  const plot = frame(
    width,
    HEIGHT,
    {
      range: [lowest, 1],
      ticks: ticks(lowest, 1, width < 420 ? 5 : 10),
      words: (tick) => String(tick).replace("-", "−"),
      name: "Similarity",
    },
    {
      range: rates,
      log: true,
      ticks: every.filter((_, at) => every.length < 7 || (every.length - 1 - at) % 2 === 0),
      words: inWords,
      name: "Share of pairs",
    },
    sentence(marks),
  );
  const inside = ([value, rate]) => [plot.x(value), plot.y(Math.min(1, Math.max(rates[0], rate)))];
  if (marks.uncertain && marks.threshold) plot.svg.append(range(plot, marks.uncertain, marks.threshold));
  for (const [kind, of, rate] of [
    ["impostor", rungs, "fmr"],
    ["genuine", genuine, "fnmr"],
  ]) {
    if (!of.length) continue;
    const edge = (end) =>
      of
        .filter((rung) => rung[`${rate}_${end}`] !== null && rung[`${rate}_${end}`] !== undefined)
        .map((rung) => inside([rung.similarity, rung[`${rate}_${end}`]]));
    plot.svg.append(
      band(edge("high"), edge("low"), kind),
      line(
        of.map((rung) => inside([rung.similarity, rung[rate]])),
        kind,
      ),
    );
  }
  if (marks.threshold) plot.svg.append(upright(plot, marks.threshold, "threshold"));
  if (marks.similarity !== null && marks.similarity !== undefined) plot.svg.append(...here(plot, marks));
  return plot.svg;
}

function inWords(rate) {
  return rate === 1
    ? "all"
    : `1 in ${rate >= 1e-3 ? Math.round(1 / rate).toLocaleString("en") : `10${superscript(-Math.round(Math.log10(rate)))}`}`;
}

function upright(plot, value, kind) {
  return s("line", { class: kind, x1: plot.x(value), x2: plot.x(value), y1: plot.inner.top, y2: plot.inner.bottom });
}

function range(plot, from, to) {
  return s("rect", {
    class: "range",
    x: plot.x(from),
    width: Math.max(1, plot.x(to) - plot.x(from)),
    y: plot.inner.top,
    height: plot.inner.bottom - plot.inner.top,
  });
}

function here(plot, { similarity }) {
  const x = plot.x(similarity);
  const isFar = x > (plot.inner.left + plot.inner.right) / 2;
  return [
    upright(plot, similarity, "here"),
    s("circle", { class: "here-dot", cx: x, cy: plot.inner.top, r: 6 }),
    s(
      "text",
      { class: "said", x: x + (isFar ? -12 : 12), y: plot.inner.top + 5, "text-anchor": isFar ? "end" : "start" },
      `this pair: ${shown(similarity)}`,
    ),
  ];
}

function sentence({ similarity, threshold }) {
  const known = [
    threshold ? `the threshold at ${shown(threshold)}` : "",
    similarity === null || similarity === undefined ? "" : `this pair at ${shown(similarity)}`,
  ].filter(Boolean);
  return `Error rates over similarity${known.length ? `, with ${known.join(" and ")}` : ""}. The numbers are in the table of the calibration.`;
}
