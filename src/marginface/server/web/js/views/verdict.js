// A decision in words, with what it rests on.

import { h } from "../elements.js";
import { icon } from "../icons.js";
import { oneIn, percent, similarity } from "../words.js";

const KINDS = {
  same: ["good", "yes", "The same person"],
  different: ["bad", "no", "Different people"],
  "cannot tell": ["unsure", "unsure", "Cannot tell"],
};

/** Return the decision of a comparison as a large card. */
export function verdictOf(answer, calibration) {
  const [kind, sign, words] = KINDS[answer.decision];
  return h(
    "div",
    { class: `verdict ${kind}` },
    icon(sign),
    h(
      "div",
      { class: "stack-small" },
      h("h2", {}, words),
      h("p", {}, whatItMeans(answer)),
      h("p", { class: "small" }, howOften(answer, calibration)),
    ),
  );
}

/** Say the decision in a sentence or two: similarity, threshold, and why where it is left open. */
export function whatItMeans(answer) {
  const { decision, similarity: value, threshold, uncertain_threshold: lower } = answer;
  if (value === null) return "There is no face to compare in one of the photos. The reasons are below.";
  const limit = `the threshold ${similarity(threshold)}`;
  if (decision === "same") return `Similarity ${similarity(value)} reaches ${limit}.`;
  if (decision === "different")
    return `Similarity ${similarity(value)} is below ${lower === null ? limit : `${similarity(lower)}, where the open range begins`}.`;
  if (lower !== null && value >= lower && value < threshold) {
    return `Similarity ${similarity(value)} lies between ${similarity(lower)} and ${limit}: too like for strangers, not like enough to be sure. Take better photos, or let a person decide.`;
  }
  return `Similarity ${similarity(value)}, but a photo is too poor for it to mean much. The reasons are below; try a better photo.`;
}

/** Say how rare a similarity is among pairs of different people, by the strictest rung that it reaches. */
function howOften(answer, calibration) {
  const set = `The threshold is set so that at most ${oneIn(answer.fmr)} pairs of different people would be called the same.`;
  if (answer.similarity === null || !calibration.rungs.length) return set;
  const reached = calibration.rungs.filter((rung) => rung.similarity <= answer.similarity).at(-1);
  if (!reached)
    return `${set} More than ${percent(calibration.rungs[0].fmr)} of pairs of different people are as similar as this pair.`;
  return `${set} At most ${oneIn(reached.fmr)} are as similar as this pair.`;
}
