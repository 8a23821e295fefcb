// Compare: two photos, a decision in words, and where it lies between people and strangers.

import { calibration } from "../calibration.js";
import { h, put } from "../elements.js";
import { choice, controlOf } from "../fields.js";
import { filling, reasonList, say } from "../notes.js";
import { markedPhoto } from "../photo/marked.js";
import { picker } from "../photo/picker.js";
import { ratesPlot } from "../plots/rates.js";
import { viewHead } from "../router.js";
import { call, formOf } from "../service.js";
import { percent } from "../words.js";
import { fmrChoices, laxerChoices } from "./rates.js";
import { verdictOf, whatItMeans } from "./verdict.js";

export const title = "Compare two photos";

export async function show(place, { signal }) {
  const photos = [null, null];
  const pickers = ["first", "second"].map((which, at) =>
    picker({
      title: `Drop the ${which} photo here`,
      words: "The largest face is compared.",
      use: ([file]) => chosen(at, file),
    }),
  );
  const result = h("section", { class: "stack", "aria-label": "The decision" });
  const settings = h("div", { class: "toolbar" });
  put(
    place,
    viewHead(
      "Compare two photos",
      "Do they show the same person? The answer names the rate at which two different people would be called the same.",
    ),
    h(
      "div",
      { class: "stack" },
      h(
        "div",
        { class: "pair" },
        pickers.map((one) => one.element),
      ),
      settings,
      result,
    ),
  );
  let rate = null; // until the thresholds are known
  let laxer = null;
  const known = await thresholds(signal);
  if (signal.aborted) return;
  rate = choice("Wrong matches accepted (FMR)", fmrChoices(known), {
    value: "0.001",
    change: () => rateChanged(),
  });
  laxer = choice("“Cannot tell” below the threshold", [], {
    hint: "A range in which the answer is left open.",
    change: () => compare(),
  });
  put(settings, rate, laxer);
  rateChanged();

  function chosen(at, file) {
    photos[at] = file;
    pickers[at].fill(markedPhoto(file, [], { words: `Photo ${at + 1}`, isSmall: true }).element);
    compare();
  }

  function rateChanged() {
    offerLaxer();
    compare();
  }

  function offerLaxer() {
    const options = laxerChoices(known, Number(controlOf(rate).value));
    put(
      controlOf(laxer),
      options.map(([value, words]) => h("option", { value }, words)),
    );
  }

  function compare() {
    if (!rate || !photos.every(Boolean)) return undefined;
    return filling(result, "Comparing…", async (isLast) => {
      const values = { fmr: controlOf(rate).value, uncertain_fmr: controlOf(laxer).value, crops: true };
      const form = formOf(values, [
        ["image_a", photos[0]],
        ["image_b", photos[1]],
      ]);
      const answer = await call("POST", "/v1/verify", { form, signal });
      if (!isLast()) return undefined;
      answer.faces.forEach((face, at) => showFace(at, face));
      say(`${answer.decision}. ${whatItMeans(answer)}`);
      return decided(answer, known);
    });
  }

  function showFace(at, face) {
    const marks = face ? [{ ...face, tag: "compared" }] : [];
    pickers[at].fill(
      markedPhoto(photos[at], marks, {
        words: face ? `Photo ${at + 1} with the compared face marked` : `Photo ${at + 1}, no face found`,
        isSmall: true,
      }).element,
    );
  }
}

/** Return the calibration, or one without rungs where this key may not see it: the decision needs it not, the plot does. */
async function thresholds(signal) {
  try {
    return await calibration(signal);
  } catch {
    return { rungs: [] };
  }
}

function decided(answer, known) {
  const marks = { similarity: answer.similarity, threshold: answer.threshold, uncertain: answer.uncertain_threshold };
  const reasons = reasonList(answer.reasons);
  return [
    verdictOf(answer, known),
    reasons ? h("div", { class: "card stack" }, h("h2", {}, "What to know about these photos"), reasons) : null,
    answer.similarity === null
      ? null
      : h(
          "div",
          { class: "card stack" },
          h("h2", {}, "Where this pair lies"),
          known.rungs.length
            ? ratesPlot(known.rungs, marks)
            : h("p", { class: "soft" }, "The curves need a key with scope stats."),
        ),
    h(
      "p",
      { class: "small soft" },
      `Threshold set on ${answer.threshold_data}, ${answer.threshold_impostor_pairs.toLocaleString("en")} pairs of different people${boundsWords(answer)}. Contract `,
      h("code", {}, answer.contract),
      ".",
    ),
  ];
}

function boundsWords({ fmr_bounds: bounds }) {
  return bounds
    ? `; of people like these the true rate lies between ${percent(bounds[0])} and ${percent(bounds[1])} (95 %)`
    : "";
}
