// Evaluations in words: kinds, states, figures with their intervals.

import { h } from "../elements.js";
import { badge } from "../notes.js";
import { count } from "../words.js";

/** The kinds in the order in which they are listed: [name in the API, words for several, for one if others]. */
export const KINDS = [
  ["suite", "Suites of protocols", "Suite of protocols"],
  ["comparison", "Comparisons of losses", "Comparison of losses"],
  ["sweep", "Sweeps over settings", "Sweep over settings"],
  ["two-models", "Two models on the same pairs"],
  ["pairs", "Verification of pairs"],
  ["templates", "Templates (IJB)"],
  ["identify", "Open-set identification"],
  ["distractors", "Among distractors (MegaFace)"],
  ["tinyface", "Small faces (TinyFace)"],
  ["groups", "By group (RFW, BFW)"],
  ["all-pairs", "All pairs (MFR)"],
  ["scores", "Scores of any system"],
  ["calibration", "Calibrations", "Calibration"],
  ["audit", "Audits of data sets", "Audit of a data set"],
  ["unreadable", "Cannot be read"],
];

const STATES = {
  running: ["busy", "Running"],
  finished: ["good", "Finished"],
  stopped: ["unsure", "Stopped"],
  unreadable: ["bad", "Unreadable"],
  waiting: ["", "Waiting"],
  done: ["good", "Done"],
  interrupted: ["unsure", "Interrupted"],
  diverged: ["bad", "Diverged"],
  failed: ["bad", "Failed"],
};

const PARTS = { comparison: ["training"], sweep: ["training"] };

/** Return a state as a word with a sign. */
export function stateBadge(state) {
  return badge(...(STATES[state] ?? ["", state]));
}

/** Return a kind in words, of one evaluation. */
export function kindWords(kind) {
  const [, several, one] = KINDS.find(([name]) => name === kind) ?? [kind, kind];
  return one ?? several;
}

/** Return how far an evaluation is: a bar while it runs, and words. */
export function progressOf({ kind, done, total, state, name }) {
  if (total < 2 && state !== "running") return null;
  const [what] = PARTS[kind] ?? ["protocol"];
  const words = h("span", { class: "small soft number" }, `${count(done)} of ${count(total)} ${what}s`);
  if (state !== "running") return words;
  const bar = h("progress", { max: total || 1, value: done, "aria-label": `Progress of ${name}` });
  bar.value = done;
  return h("div", { class: "stack-small progress-line" }, bar, words);
}

/** A share in percent with two digits, a difference in points with its sign: 0.9943 → "99.43 %". */
export function valueWords({ value, is_difference: isDifference }) {
  return isDifference ? `${signed(value)} points` : `${(100 * value).toFixed(2)} %`;
}

/** The interval beside it: "[99.20, 99.60]"; a dash where none is known. */
export function intervalWords({ low, high, is_difference: isDifference }) {
  if (low === null || high === null) return "–";
  const end = isDifference ? signed : (share) => (100 * share).toFixed(2);
  return `[${end(low)}, ${end(high)}]`;
}

function signed(share) {
  const text = (100 * share).toFixed(2);
  return share < 0 ? text.replace("-", "−") : `+${text}`;
}
