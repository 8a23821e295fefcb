// The detection error trade-off: how often one person is refused, for each rate at which others are accepted.

import { h, s } from "../elements.js";
import { percent } from "../words.js";
import { band, decades, frame, keys, line, plotPlace } from "./frame.js";

const HEIGHT = 340;

/** Return the DET plot of a calibration's rungs; null where no genuine pairs were measured. */
export function detPlot(rungs) {
  const known = rungs.filter((rung) => rung.fnmr > 0);
  if (!known.length) return null;
  return h(
    "div",
    { class: "stack" },
    plotPlace((width) => drawn(width, known), HEIGHT),
    keys([["genuine", "FNMR at each FMR; the band is 95 % bounds of both"]]),
  );
}

function drawn(width, rungs) {
  const values = (names) => rungs.flatMap((rung) => names.map((name) => rung[name])).filter((value) => value > 0);
  const x = axis(values(["fmr", "fmr_low", "fmr_high"]));
  const y = axis(values(["fnmr", "fnmr_low", "fnmr_high"]));
  const few = width < 480 ? 2 : 1;
  const plot = frame(
    width,
    HEIGHT,
    {
      range: x,
      log: true,
      ticks: decades(...x).filter((_, at) => at % few === 0),
      words: (tick) => percent(tick),
      name: "False-match rate (FMR)",
    },
    { range: y, log: true, ticks: decades(...y), words: (tick) => percent(tick), name: "False-non-match rate (FNMR)" },
    `Detection error trade-off: at FMR ${percent(rungs[0].fmr)} the FNMR is ${percent(rungs[0].fnmr)}, at FMR ${percent(rungs.at(-1).fmr)} it is ${percent(rungs.at(-1).fnmr)}. The numbers are in the table.`,
  );
  const point = (one, two) => (rung) => [
    plot.x(Math.max(x[0], rung[one] ?? rung.fmr)),
    plot.y(Math.max(y[0], rung[two] ?? rung.fnmr)),
  ];
  plot.svg.append(band(rungs.map(point("fmr_high", "fnmr_high")), rungs.map(point("fmr_low", "fnmr_low")), "genuine"));
  plot.svg.append(line(rungs.map(point("fmr", "fnmr")), "genuine"));
  for (const rung of rungs) {
    const [cx, cy] = point("fmr", "fnmr")(rung);
    plot.svg.append(
      s(
        "circle",
        { class: "dot genuine", cx, cy, r: 4 },
        s("title", {}, `FMR ${percent(rung.fmr)}, FNMR ${percent(rung.fnmr)}`),
      ),
    );
  }
  return plot.svg;
}

function axis(values) {
  return [
    10 ** Math.floor(Math.log10(Math.min(...values)) + 1e-9),
    10 ** Math.ceil(Math.log10(Math.max(...values)) - 1e-9),
  ];
}
