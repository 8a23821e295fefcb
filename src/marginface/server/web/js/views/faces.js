// The enrolled faces of a person: kept crops, fetched with the key, and what can be done with one.

import { ask } from "../dialogs.js";
import { h, put } from "../elements.js";
import { cropPicture } from "../photo/faces.js";
import { call, fetched, path } from "../service.js";
import { day } from "../words.js";
import { choosePerson } from "./persons.js";

/** Return faces as a list of crops; `changed()` is called after one was moved or deleted. */
export function faceGrid(items, { collection, person, signal, changed }) {
  return h(
    "ul",
    { class: "faces" },
    items.map((face, at) =>
      h(
        "li",
        { class: "card" },
        pictureOf(face, at, collection, signal),
        h("p", { class: "small soft" }, `Added ${day(face.created)}`),
        verbs(face, at, { collection, person, changed }),
      ),
    ),
  );
}

function pictureOf(face, at, collection, signal) {
  const place = h("div", {}, h("div", { class: "crop blank" }, face.has_crop ? "Loading…" : "No crop was kept"));
  if (!face.has_crop) return place;
  fetched(path("collections", collection, "faces", face.uid, "crop"), { signal }).then(
    (blob) => {
      const address = URL.createObjectURL(blob);
      const picture = cropPicture(address, `Face ${at + 1}`);
      picture.addEventListener("load", () => URL.revokeObjectURL(address));
      put(place, picture);
    },
    (error) => error.name === "AbortError" || put(place, h("div", { class: "crop blank" }, "The crop cannot be shown")),
  );
  return place;
}

function verbs(face, at, { collection, person, changed }) {
  const here = path("collections", collection, "faces", face.uid);
  const move = async () => {
    const done = await choosePerson({
      title: `Face ${at + 1} belongs to…`,
      words: `It is taken from ${person.name} and given to whom you choose.`,
      action: "Give it",
      collection,
      without: person.uid,
      act: (uid) => call("POST", `${here}/move`, { json: { person: uid }, once: true }),
    });
    if (done) changed();
  };
  const remove = async () => {
    const done = await ask({
      title: `Delete face ${at + 1} of ${person.name}?`,
      body: h("p", {}, "No search finds it from now on. To clean the disk too, erase the person."),
      action: "Delete the face",
      danger: true,
      act: () => call("DELETE", here, { once: true }),
    });
    if (done) changed();
  };
  return h(
    "div",
    { class: "buttons" },
    h(
      "button",
      { type: "button", class: "button small", "aria-label": `Give face ${at + 1} to another person`, click: move },
      "Move",
    ),
    h(
      "button",
      { type: "button", class: "button small danger", "aria-label": `Delete face ${at + 1}`, click: remove },
      "Delete",
    ),
  );
}
