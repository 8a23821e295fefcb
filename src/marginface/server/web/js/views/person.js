// A person: what is recorded, the faces, and everything that can be done with both.

import { ask } from "../dialogs.js";
import { h, put } from "../elements.js";
import { choice, LONGEST, textField } from "../fields.js";
import { icon } from "../icons.js";
import { filling, note, say } from "../notes.js";
import { again, crumbs, linkTo, to, viewHead } from "../router.js";
import { call, path, query } from "../service.js";
import { facts } from "../tables.js";
import { day, many, moment } from "../words.js";
import { collections } from "./collections.js";
import { enrolPhotos, settings } from "./enrol.js";
import { faceGrid } from "./faces.js";
import { listed } from "./listed.js";
import { outcome } from "./outcome.js";
import { choosePerson } from "./persons.js";
import { photoList } from "./photo-list.js";
import { showReceipt } from "./receipt.js";

export const title = "A person";

export async function show(place, { collection, person: uid, signal }) {
  const here = path("collections", collection, "persons", uid);
  await filling(place, "Loading…", async () => {
    const person = await call("GET", here, { signal });
    const faces = h("div", { class: "stack" });
    listed(faces, {
      signal,
      address: (cursor) => query(`${here}/faces`, { cursor, limit: 60 }),
      draw: (items) => faceGrid(items, { collection, person, signal, changed: again }),
      nothing: () =>
        note("info", "No face is enrolled.", h("p", {}, "Nobody can find this person until photos are added.")),
    });
    return [
      crumbs([["People", linkTo("people")], [collection, linkTo("people", collection)], person.name]),
      viewHead(person.name, `${many(person.faces, "face")} in ${collection}.`),
      h(
        "div",
        { class: "stack loose" },
        recorded(person, collection, here),
        h("section", { class: "stack", "aria-label": "Faces" }, h("h2", {}, "Faces"), faces),
        addition(person, collection),
        verbs(person, collection, here),
      ),
    ];
  });
  place.querySelector("h1")?.focus({ preventScroll: true });
}

function recorded(person, collection, here) {
  return h(
    "section",
    { class: "card stack", "aria-label": "What is recorded" },
    h(
      "div",
      { class: "card-head" },
      h("h2", {}, "What is recorded"),
      h(
        "div",
        { class: "buttons" },
        h(
          "a",
          { class: "button small", href: linkTo("people", collection, "export", person.uid) },
          icon("save"),
          "Export",
        ),
        h("button", { type: "button", class: "button small", click: () => edit(person, here) }, "Change"),
      ),
    ),
    facts([
      ["Consent", person.consent || "none recorded"],
      ["Purpose", person.purpose || "none recorded"],
      ["Kept until", person.retain_until ? day(person.retain_until) : "erased by hand"],
      ["Added", moment(person.created)],
      ["Opaque id", h("code", {}, person.uid)],
    ]),
  );
}

async function edit(person, here) {
  const changed = await ask({
    title: `Change ${person.name}`,
    body: h(
      "div",
      { class: "fields two" },
      textField("Name", {
        name: "name",
        required: true,
        maxlength: LONGEST.name,
        value: person.name,
        autofocus: true,
        wide: true,
      }),
      textField("Consent", { name: "consent", maxlength: LONGEST.text, value: person.consent }),
      textField("Purpose", { name: "purpose", maxlength: LONGEST.text, value: person.purpose }),
      textField("Kept until", { name: "retain_until", type: "date", value: person.retain_until ?? "" }),
    ),
    action: "Save",
    act: (form) =>
      call("PATCH", here, {
        json: {
          name: form.get("name").trim(),
          consent: form.get("consent"),
          purpose: form.get("purpose"),
          retain_until: form.get("retain_until") || null,
        },
      }),
  });
  if (changed) finish(`${changed.name} is changed.`);
}

function addition(person, collection) {
  const photos = photoList();
  const result = h("div", { class: "stack" });
  const form = h(
    "form",
    { class: "stack" },
    photos.element,
    settings(),
    h("div", { class: "buttons" }, h("button", { type: "submit", class: "button first" }, "Add these photos")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!photos.files().length) return put(result, note("unsure", "Add at least one photo."));
    return filling(result, "Enrolling…", async () =>
      outcome(
        await enrolPhotos(collection, person, photos.files(), new FormData(form)),
        person,
        collection,
        photos.files(),
      ),
    );
  });
  return h("details", { class: "card" }, h("summary", {}, "Add photos"), form, result);
}

function verbs(person, collection, here) {
  const button = (words, act, kind = "") => h("button", { type: "button", class: `button ${kind}`, click: act }, words);
  return h(
    "section",
    { class: "card stack", "aria-label": "Merge, move, erase" },
    h("h2", {}, "Merge, move, erase"),
    h(
      "p",
      { class: "soft" },
      "Two names of one human being are merged. An erased person is gone from records, index, logs and free pages, and a receipt says how that was seen.",
    ),
    h(
      "div",
      { class: "buttons" },
      button("Merge into another person", () => merge(person, collection, here)),
      button("Move to another collection", () => move(person, collection, here)),
      button("Erase this person", () => erase(person, collection, here), "danger"),
    ),
  );
}

async function merge(person, collection, here) {
  const into = await choosePerson({
    title: `Merge ${person.name} into…`,
    words: `All faces of ${person.name} will belong to whom you choose, and ${person.name} will be no more.`,
    action: "Merge",
    collection,
    without: person.uid,
    act: (uid) => call("POST", `${here}/merge`, { json: { into: uid }, once: true }),
  });
  if (into) to("people", collection, "person", into.uid);
}

async function move(person, collection, here) {
  const others = (await collections()).filter((one) => one.name !== collection);
  const body = others.length
    ? choice(
        "Collection",
        others.map((one) => [one.name, one.name]),
        { name: "to", autofocus: true },
      )
    : note("info", "There is no other collection.");
  const moved = await ask({
    title: `Move ${person.name}`,
    body,
    action: "Move",
    act: (form) => (others.length ? call("POST", `${here}/move`, { json: { to: form.get("to") }, once: true }) : true),
  });
  if (moved?.uid) to("people", moved.collection, "person", moved.uid);
}

async function erase(person, collection, here) {
  const receipt = await ask({
    title: `Erase ${person.name} for good?`,
    body: note(
      "bad",
      `${many(person.faces, "face")} and everything that is recorded will be gone.`,
      h("p", {}, "This cannot be undone, and backups made before are not reached."),
    ),
    action: "Erase for good",
    danger: true,
    act: () => call("DELETE", here, { once: true }),
  });
  if (!receipt) return;
  await showReceipt(receipt, person.name);
  to("people", collection);
}

function finish(words) {
  again().then(() => say(words));
}
