// Enrol: a person with consent and purpose, and photos, each of which may be taken or refused with reasons.

import { h, put } from "../elements.js";
import { choice, LONGEST, textField, tick } from "../fields.js";
import { errorNote, note, waiting } from "../notes.js";
import { again, crumbs, linkTo, viewHead } from "../router.js";
import { call, formOf, path } from "../service.js";
import { outcome } from "./outcome.js";
import { photoList } from "./photo-list.js";

export const title = "Enrol a person";

const REVIEWS = [
  ["standard", "Standard"],
  ["strict", "Strict"],
  ["off", "Off"],
];
const POLICIES = [
  ["one", "The only one"],
  ["largest", "The largest"],
  ["center", "The one nearest the center"],
];

export function show(place, { collection }) {
  const photos = photoList();
  const result = h("section", { class: "stack", "aria-label": "What came of it" });
  const go = h("button", { type: "submit", class: "button first" }, "Enrol");
  const whom = about();
  const form = h(
    "form",
    { class: "stack loose" },
    whom,
    photos.element,
    settings(),
    h("div", { class: "buttons" }, go, h("a", { class: "button", href: linkTo("people", collection) }, "Cancel")),
  );
  let person = null; // made by a first try whose photos were all refused
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!photos.files().length) return put(result, note("unsure", "Add at least one photo."));
    go.disabled = true;
    put(result, waiting("Enrolling…"));
    try {
      const values = new FormData(form);
      person ??= await call("POST", path("collections", collection, "persons"), { json: personOf(values), once: true });
      whom.disabled = true; // what is written there now would change nothing: the photos go to who was made
      const answer = await enrolPhotos(collection, person, photos.files(), values);
      put(result, outcome(answer, person, collection, photos.files()));
      if (answer.faces.length) form.replaceWith(another());
    } catch (error) {
      put(result, errorNote(error));
    } finally {
      go.disabled = false;
    }
  });
  put(
    place,
    crumbs([["People", linkTo("people")], [collection, linkTo("people", collection)], "Enrol"]),
    viewHead("Enrol a person", `Into ${collection}. Vectors are sealed; photos are not kept.`),
    h("div", { class: "stack loose" }, form, result),
  );
}

function another() {
  const button = h("button", { type: "button", class: "button", click: again }, "Enrol another person");
  return h("div", { class: "buttons" }, button);
}

/** Send photos of a person who is there; values are those of the form. */
export function enrolPhotos(collection, person, files, values) {
  const settings = {
    review: values.get("review"),
    faces: values.get("faces"),
    keep_crops: values.get("keep_crops") === "on",
  };
  const form = formOf(
    settings,
    files.map((file) => ["images", file]),
  );
  return call("POST", path("collections", collection, "persons", person.uid, "faces"), { form, once: true });
}

function about() {
  return h(
    "fieldset",
    { class: "card" },
    h(
      "div",
      { class: "fields two" },
      textField("Name", { name: "name", required: true, maxlength: LONGEST.name }),
      textField("Kept until", {
        name: "retain_until",
        type: "date",
        hint: "The last day. Then a purge erases them; empty: until erased by hand.",
      }),
      textField("Consent", {
        name: "consent",
        required: true,
        maxlength: LONGEST.text,
        hint: "What was agreed, when and how: “signed 2026-03-01”.",
      }),
      textField("Purpose", {
        name: "purpose",
        required: true,
        maxlength: LONGEST.text,
        hint: "What they are recognized for: “door of the lab”.",
      }),
    ),
  );
}

/** Return the choice of how strictly photos are looked at. */
export function reviewChoice() {
  return choice("Review", REVIEWS, {
    name: "review",
    value: "standard",
    hint: "Standard refuses faces too poor to enrol and tells look-alikes; strict wants more, and refuses look-alikes; off takes any face.",
  });
}

/** Return the settings of an enrolment as fields. */
export function settings() {
  return h(
    "fieldset",
    { class: "card" },
    h(
      "div",
      { class: "fields two" },
      reviewChoice(),
      choice("Which face of a photo", POLICIES, {
        name: "faces",
        value: "one",
        hint: "“The only one” refuses photos with several faces.",
      }),
      h(
        "div",
        { class: "wide" },
        tick("Keep the aligned crops, sealed", {
          name: "keep_crops",
          hint: "So that a later model can embed these faces anew without the photos.",
        }),
      ),
    ),
  );
}

function personOf(values) {
  const person = {
    name: values.get("name").trim(),
    consent: values.get("consent").trim(),
    purpose: values.get("purpose").trim(),
  };
  return values.get("retain_until") ? { ...person, retain_until: values.get("retain_until") } : person;
}
