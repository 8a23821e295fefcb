// What came of photos that were to be enrolled: taken, known already, or refused with reasons.

import { h } from "../elements.js";
import { badge, note, reasonList, say, sentenceOf } from "../notes.js";
import { linkTo } from "../router.js";
import { many, similarity } from "../words.js";
import { thumbOf } from "./photo-list.js";

/** Return what came of each photo: taken, known already, or refused with reasons. */
export function outcome(answer, person, collection, files) {
  const taken = answer.faces.filter((face) => face.is_new).length;
  const link = h("a", { href: linkTo("people", collection, "person", person.uid) }, person.name);
  const said = taken ? `${many(taken, "face")} of ${many(files.length, "photo")} enrolled.` : "No face was enrolled.";
  say(said);
  const kind = taken ? (answer.complete ? "good" : "unsure") : "bad";
  const advice = taken
    ? h(
        "p",
        {},
        "See ",
        link,
        ", or ",
        h("a", { href: linkTo("people", collection) }, `everyone in ${collection}`),
        ".",
      )
    : h("p", {}, link, " is there without a face, so nobody finds them yet: add other photos above, or erase them.");
  const rows = [
    ...answer.faces.map((face) => [face, face.is_new ? badge("good", "Enrolled") : badge("", "Was there already")]),
    ...answer.rejected.map((photo) => [photo, badge("bad", "Refused")]),
  ];
  const ordered = rows.toSorted(([one], [other]) => one.index - other.index);
  return [
    note(kind, said, advice),
    h(
      "ul",
      { class: "outcomes", "aria-label": "What came of each photo" },
      ordered.map(([photo, sign]) =>
        h(
          "li",
          { class: "card outcome" },
          thumbOf(files[photo.index], ""),
          h(
            "div",
            { class: "stack-small" },
            h("div", { class: "buttons" }, h("strong", {}, files[photo.index].name), sign),
            reasonList(reasonsOf(photo)),
            lookalikes(photo, collection),
          ),
        ),
      ),
    ),
  ];
}

/** Return the reasons without the number of the photo, which stands beside its picture, and without what is told below. */
function reasonsOf({ reasons, lookalikes: alike }) {
  const words = reasons.map((reason) => reason.replace(/^images\[\d+\]: /, ""));
  return words.filter((reason) => !(alike?.length && reason.startsWith("looks like"))).map(sentenceOf);
}

function lookalikes({ lookalikes: alike }, collection) {
  if (!alike?.length) return null;
  return h(
    "p",
    { class: "small" },
    "Looks like ",
    alike.map((one, at) => [
      at ? ", " : "",
      one.uid && one.person
        ? h("a", { href: linkTo("people", collection, "person", one.uid) }, one.person)
        : "somebody",
      ` (${similarity(one.similarity)})`,
    ]),
    ". Is it the same human being? Then merge them.",
  );
}
