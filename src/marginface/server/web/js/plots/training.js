// The curves of a run: mean loss, and the accuracies in percent, over steps.

import { h, s } from "../elements.js";
import { count } from "../words.js";
import { frame, keys, line, plotPlace, ticks } from "./frame.js";

const HEIGHT = 280;
const MOST_DOTS = 30; // with more points the line says enough

/** Return the loss over steps; points are those of GET /v1/runs/{run}/journal. */
export function lossPlot(points, total) {
  const known = points.filter((point) => typeof point.loss === "number");
  if (known.length < 2) return h("p", { class: "soft" }, "The curve begins with the second point.");
  const highest = Math.max(...known.map((point) => point.loss));
  const lowest = Math.min(...known.map((point) => point.loss));
  const room = Math.max((highest - lowest) * 0.06, 1e-6);
  return curve(
    known,
    total,
    [lowest - room, highest + room],
    "Loss",
    [["genuine", "loss", "Loss, mean since the point before"]],
    (value) => String(value),
  );
}

/** Return the accuracies over steps; null where none was measured. */
export function accuracyPlot(points, total) {
  const lines = [
    ["impostor", "train_accuracy", "Training images, right class"],
    ["genuine", "held_out", "Held-out pairs, right decision"],
  ].filter(([, name]) => points.some((point) => typeof point[name] === "number"));
  if (!lines.length) return null;
  const values = points
    .flatMap((point) => lines.map(([, name]) => point[name]))
    .filter((value) => typeof value === "number");
  const lowest = Math.min(...values);
  return curve(
    points,
    total,
    [lowest > 0.5 ? 0.5 : 0, 1],
    "Accuracy",
    lines,
    (value) => `${Math.round(100 * value)} %`,
  );
}

function curve(points, total, range, name, lines, words) {
  const last = Math.max(total ?? 0, points.at(-1).step);
  const said = lines.map(([, of, what]) => {
    const known = points.filter((point) => typeof point[of] === "number");
    return `${what}: ${known.at(-1)[of].toPrecision(3)} at step ${count(known.at(-1).step)}`;
  });
  const draw = (width) => {
    const plot = frame(
      width,
      HEIGHT,
      { range: [0, last], ticks: ticks(0, last, width < 420 ? 3 : 6), words: count, name: "Step" },
      { range, ticks: ticks(...range, 5), words, name },
      `${name} over steps. ${said.join(". ")}.`,
    );
    for (const [kind, of] of lines) {
      const known = points
        .filter((point) => typeof point[of] === "number")
        .map((point) => [plot.x(point.step), plot.y(point[of])]);
      plot.svg.append(line(known, kind));
      if (known.length <= MOST_DOTS)
        plot.svg.append(...known.map(([cx, cy]) => s("circle", { class: `dot ${kind}`, cx, cy, r: 4 })));
    }
    return plot.svg;
  };
  return h("div", { class: "stack" }, plotPlace(draw, HEIGHT), keys(lines.map(([kind, , what]) => [kind, what])));
}
