// Training: the runs below the folder that this service shows.

import { h, put } from "../elements.js";
import { badge } from "../notes.js";
import { linkTo, viewHead } from "../router.js";
import { query } from "../service.js";
import { table } from "../tables.js";
import { age, count } from "../words.js";
import { listed } from "./listed.js";

export const title = "Training";

const STATES = {
  running: "busy",
  finished: "good",
  interrupted: "unsure",
  diverged: "bad",
  failed: "bad",
  killed: "bad",
  unreadable: "bad",
};

export async function show(place, { signal }) {
  const runs = h("div", { class: "stack" });
  put(place, viewHead("Training", "Runs with their curves, live while they train, and their reports."), runs);
  await listed(runs, { signal, address: (cursor) => query("/v1/runs", { cursor }), draw, nothing });
}

/** Return the state of a run as a word with a sign. */
export function runBadge(state) {
  return badge(STATES[state] ?? "", state.charAt(0).toUpperCase() + state.slice(1));
}

/** Return the held-out accuracy of a run with its interval. */
export function heldOutWords(run) {
  if (run.held_out_accuracy === null || run.held_out_accuracy === undefined) return "not measured";
  const { held_out_interval: ends } = run;
  return `${(100 * run.held_out_accuracy).toFixed(1)} %${ends ? ` [${(100 * ends[0]).toFixed(1)}, ${(100 * ends[1]).toFixed(1)}]` : ""}`;
}

/** Return how far a run is. */
export function stepsWords(run) {
  return run.total_steps ? `${count(run.step)} of ${count(run.total_steps)}` : count(run.step);
}

function draw(items) {
  const columns = [
    {
      name: "Run",
      cell: (run) =>
        h(
          "div",
          { class: "stack-small" },
          h("a", { href: linkTo("training", run.run) }, run.name ?? run.folder),
          run.folder === run.name ? null : h("span", { class: "small soft" }, run.folder),
        ),
    },
    { name: "State", cell: (run) => runBadge(run.state) },
    {
      name: "Loss, backbone",
      cell: (run) => [run.loss, run.backbone].filter(Boolean).join(", ") || run.message || "–",
    },
    { name: "Steps", right: true, cell: stepsWords },
    { name: "Held-out pairs [95 %]", right: true, cell: heldOutWords },
    {
      name: "Last moved",
      right: true,
      cell: (run) => (run.age_seconds === null ? "–" : `${age(run.age_seconds)} ago`),
    },
  ];
  return table("Runs", columns, items, { stacked: true });
}

function nothing() {
  return h(
    "div",
    { class: "empty" },
    h("h2", {}, "No run yet"),
    h("p", {}, "A run is a folder that “marginface train” made, below the folder of “marginface serve --runs”."),
  );
}
