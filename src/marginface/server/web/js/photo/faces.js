// A face in words: its crop, its quality by cue, what speaks against it.

import { h } from "../elements.js";
import { badge, reasonList } from "../notes.js";

// How each cue is said: words, unit, digits; "%" shows a share in percent.
const CUES = {
  detector_score: ["Detector's certainty", "", 2],
  inter_eye_distance: ["Distance of the eyes", "px", 0],
  sharpness: ["Sharpness", "", 3],
  head_pose_yaw: ["Turned to the side", "°", 0],
  head_pose_pitch: ["Bent up or down", "°", 0],
  head_pose_roll: ["Tilted", "°", 0],
  luminance_mean: ["Brightness", "", 2],
  luminance_variance: ["Variance of brightness", "", 3],
  contrast: ["Contrast", "", 2],
  dynamic_range: ["Shades", "bits", 1],
  under_exposure_prevention: ["Dark pixels", "%", 0],
  over_exposure_prevention: ["White pixels", "%", 0],
  illumination_uniformity: ["Evenness of the light", "", 2],
  feature_norm: ["Feature's length, of the usual", "%", 0],
};

/** Return the picture of a crop: a data: or blob: address, or words where there is none. */
export function cropPicture(address, words) {
  if (!address) return h("div", { class: "crop blank" }, "No crop");
  return h("img", { class: "crop", src: address, alt: words, width: 112, height: 112 });
}

/** Return a card of a detected face; `chosen(place)` is called when it is pointed at or focused. */
export function faceCard(face, number, chosen = null) {
  const title = `Face ${number}`;
  const said = face.usable ? badge("good", "Good enough to enrol") : badge("unsure", "Better not enrolled");
  const top = h(
    "div",
    { class: "face-top" },
    cropPicture(face.crop, `${title}, aligned`),
    h("div", {}, h("h3", {}, title), said, h("p", { class: "small soft number" }, boxWords(face.box))),
  );
  const cues = cueList(face.quality);
  const card = h(
    "article",
    { class: "card face", "aria-label": title },
    top,
    reasonList(face.reasons),
    cues ? h("details", { open: number === 1 }, h("summary", {}, "Quality by cue"), cues) : null,
  );
  if (chosen) {
    for (const event of ["pointerenter", "focusin"]) card.addEventListener(event, () => chosen(number - 1));
    for (const event of ["pointerleave", "focusout"]) card.addEventListener(event, () => chosen(-1));
  }
  return card;
}

/** Return the size and place of a box in words. */
function boxWords([x1, y1, x2, y2]) {
  return `${Math.round(x2 - x1)} × ${Math.round(y2 - y1)} px at ${Math.round(x1)}, ${Math.round(y1)}`;
}

/** Return the quality of a face, a line for each cue; null where there is none. */
function cueList(quality) {
  if (!quality) return null;
  return h(
    "ul",
    { class: "cues" },
    Object.entries(quality).map(([name, { value, score }]) => cueLine(name, value, score)),
  );
}

function cueLine(name, value, score) {
  const [words, unit, digits] = CUES[name] ?? [name.replaceAll("_", " "), "", 2];
  const shown = (unit === "%" ? 100 * value : value).toFixed(digits).replace("-", "−");
  const figure = unit === "°" ? `${shown}°` : `${shown} ${unit}`.trim();
  const line = h(
    "li",
    { class: "cue" },
    h("span", {}, words.charAt(0).toUpperCase() + words.slice(1)),
    h(
      "span",
      { class: "number" },
      figure,
      score === null || score === undefined ? "" : h("span", { class: "soft" }, ` · ${score} of 100`),
    ),
  );
  if (typeof score === "number") line.append(bar(score));
  return line;
}

function bar(score) {
  const filled = h("span");
  filled.style.width = `${score}%`;
  return h("div", { class: "bar", "aria-hidden": "true" }, filled);
}
