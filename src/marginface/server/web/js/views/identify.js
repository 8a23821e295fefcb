// Identify: who of the known people a photo shows, with names on the picture.

import { h, put } from "../elements.js";
import { choice, controlOf } from "../fields.js";
import { badge, filling, note, reasonList, say } from "../notes.js";
import { cutOut, markedPhoto } from "../photo/marked.js";
import { picker } from "../photo/picker.js";
import { linkTo, viewHead } from "../router.js";
import { call, formOf, path } from "../service.js";
import { table } from "../tables.js";
import { many, percent, similarity } from "../words.js";
import { collectionChoice, collections, rememberCollection } from "./collections.js";
import { fpirChoices } from "./rates.js";

export const title = "Identify";

const KINDS = { match: "good", "no match": "", "cannot tell": "unsure" };

export async function show(place, { signal }) {
  const found = h("section", { class: "stack", "aria-label": "Who was found" });
  const settings = h("div", { class: "toolbar" });
  const photo = picker({
    title: "Drop a photo here",
    words: "One person or a group. It is searched and not kept.",
    paste: true,
    signal,
    use: ([file]) => searched(file),
  });
  put(
    place,
    viewHead(
      "Identify",
      "Who of the people in a collection does a photo show? Nobody is made up: below the threshold a face has no name.",
    ),
    settings,
    h("div", { class: "stack" }, photo.element, found),
  );
  let asked = null;
  let where = null; // until the collections are known
  const rate = choice("Strangers who may be given a name", fpirChoices(), { value: "0.01", change: () => again() });
  await filling(settings, "Loading the collections…", async () => {
    const known = await collections(signal);
    if (!known.length) return noCollection();
    where = collectionChoice(known, { change: () => again() });
    if (asked) searched(asked);
    return [where, rate];
  });

  function again() {
    rememberCollection(controlOf(where).value);
    if (asked) searched(asked);
  }

  function searched(file) {
    asked = file;
    photo.fill(markedPhoto(file, [], { words: "Your photo" }).element);
    if (!where) return undefined;
    return filling(found, "Searching…", async (isLast) => {
      const collection = controlOf(where).value;
      const form = formOf({ fpir: controlOf(rate).value, faces: "all" }, [["image", file]]);
      const answer = await call("POST", path("collections", collection, "identify"), { form, signal });
      if (!isLast()) return undefined;
      const shown = markedPhoto(file, answer.faces.map(markOf), { words: `Your photo: ${inWords(answer)}` });
      photo.fill(shown.element);
      say(inWords(answer));
      return answered(answer, collection, file);
    });
  }
}

function noCollection() {
  const advice = h("p", {}, "Make one and enrol people: ", h("a", { href: "#/people" }, "People"), ".");
  return note("info", "There is no collection yet.", advice);
}

function markOf(face, at) {
  return {
    ...face,
    number: at + 1,
    tag: face.person ?? (face.decision === "no match" ? "unknown" : face.decision),
    kind: KINDS[face.decision],
  };
}

function inWords(answer) {
  const names = answer.faces.map((face) => face.person).filter(Boolean);
  if (!answer.faces.length) return "no face was found.";
  return `${many(answer.faces.length, "face")}, ${names.length ? `found ${names.join(", ")}` : "nobody found"}.`;
}

function answered(answer, collection, file) {
  if (!answer.faces.length) return note("unsure", "No face was found in this photo.", reasonList(answer.reasons));
  const basis = `Threshold ${similarity(answer.threshold)}: among ${many(answer.comparisons, "face")} at most ${percent(answer.fpir)} of strangers would be given a name (FMR ${percent(answer.fmr)} of each comparison). Set on ${answer.threshold_data}.`;
  const columns = [
    {
      name: "Face",
      cell: ({ face, at }) => h("div", { class: "numbered" }, cutOut(file, face.box), h("span", {}, String(at + 1))),
    },
    { name: "Answer", cell: ({ face }) => answerOf(face, collection) },
    { name: "Most alike, best first", cell: ({ face }) => candidates(face, answer, collection) },
  ];
  return [
    h(
      "h2",
      {},
      inWords(answer).replace(/^./, (letter) => letter.toUpperCase()),
    ),
    reasonList(answer.reasons),
    table(
      "Candidates for each face",
      columns,
      answer.faces.map((face, at) => ({ face, at })),
      { hint: basis, stacked: true },
    ),
  ];
}

function answerOf(face, collection) {
  const said =
    face.decision === "match"
      ? personLink(face.person, face.uid, collection)
      : face.decision === "no match"
        ? "Nobody known"
        : "Cannot tell";
  return h("div", { class: "stack-small" }, badge(KINDS[face.decision], said), reasonList(face.reasons));
}

function candidates(face, answer, collection) {
  if (!face.candidates.length) return "–";
  const reaches = (one) => (one.similarity >= answer.threshold ? "reaches the threshold" : "below the threshold");
  return h(
    "ol",
    { class: "candidates" },
    face.candidates.map((one) =>
      h(
        "li",
        {},
        personLink(one.person, one.uid, collection),
        h("span", { class: "number" }, ` ${similarity(one.similarity)} `),
        h("span", { class: "soft small" }, reaches(one)),
      ),
    ),
  );
}

function personLink(name, uid, collection) {
  if (!name) return "somebody (your key may not see names)";
  return uid ? h("a", { href: linkTo("people", collection, "person", uid) }, name) : name;
}
