// Look: what is seen in a photo: boxes, landmarks, the aligned crop, quality with reasons.

import { h, put } from "../elements.js";
import { filling, note, say } from "../notes.js";
import { faceCard } from "../photo/faces.js";
import { markedPhoto } from "../photo/marked.js";
import { picker } from "../photo/picker.js";
import { viewHead } from "../router.js";
import { call, formOf } from "../service.js";
import { many } from "../words.js";

export const title = "Look at a face";

export function show(place, { signal }) {
  const found = h("section", { class: "stack", "aria-label": "Faces found" });
  const photo = picker({
    title: "Drop a photo here",
    words: "or choose one, paste one, or use the camera. It is looked at and not kept.",
    paste: true,
    signal,
    use: ([file]) => look(file),
  });
  put(
    place,
    viewHead(
      "Look at a face",
      "See what the detector sees: each face with its landmarks, the crop that is embedded, and how good it is for recognition.",
    ),
    h("div", { class: "split" }, photo.element, found),
  );
  put(found, intro());

  function look(file) {
    photo.fill(markedPhoto(file, [], { words: "Your photo" }).element);
    return filling(found, "Looking for faces…", async (isLast) => {
      const form = formOf({ quality: "standard", crops: true }, [["image", file]]);
      const answer = await call("POST", "/v1/detect", { form, signal });
      if (!isLast()) return undefined;
      const { faces } = answer;
      const marks = faces.map((face, at) => ({
        ...face,
        number: at + 1,
        tag: "",
        kind: face.usable ? "good" : "unsure",
      }));
      const shown = markedPhoto(file, marks, { words: `Your photo with ${many(faces.length, "face")} marked` });
      photo.fill(shown.element);
      const said = faces.length ? `${many(faces.length, "face")} found.` : "No face was found.";
      say(said);
      if (!faces.length) return nothing();
      return [h("h2", {}, said), ...faces.map((face, at) => faceCard(face, at + 1, shown.choose))];
    });
  }
}

function intro() {
  return h(
    "div",
    { class: "card stack" },
    h("h2", {}, "What you will see"),
    h(
      "ul",
      { class: "plain-list" },
      h("li", {}, "A box and five landmarks for each face: eyes, nose, corners of the mouth."),
      h("li", {}, "The aligned crop: the very pixels that a comparison or an enrolment uses."),
      h("li", {}, "Quality by cue, and in words what would speak against enrolling it."),
    ),
  );
}

function nothing() {
  const advice = "Try a photo in which the face is larger, lit from the front and not turned away.";
  return note("unsure", "No face was found in this photo.", h("p", {}, advice));
}
