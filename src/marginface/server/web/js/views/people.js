// People: the collections, and who is in one of them.

import { h, put } from "../elements.js";
import { textField } from "../fields.js";
import { icon } from "../icons.js";
import { errorNote, filling, note, say } from "../notes.js";
import { linkTo, viewHead } from "../router.js";
import { path, query } from "../service.js";
import { table } from "../tables.js";
import { count, day, many } from "../words.js";
import { addCollection, erase, rename } from "./collection-verbs.js";
import { collections, rememberCollection, rightCollection } from "./collections.js";
import { listed } from "./listed.js";

export const title = "People";

const PAUSE = 250; // milliseconds after the last key before a search

export async function show(place, { collection, signal }) {
  const inside = h("div", { class: "stack" });
  put(place, viewHead("People", "Who is known, with consent and the last day they are kept."), inside);
  await filling(inside, "Loading the collections…", async () => {
    const known = await collections(signal);
    if (!known.length) return noCollection();
    const current =
      known.find((one) => [one.name, one.uid].includes(collection)) ??
      known.find((one) => one.name === rightCollection(known));
    if (collection && ![current.name, current.uid].includes(collection)) return gone(collection);
    rememberCollection(current.name);
    return [chooser(known, current), people(current, signal)];
  });
}

function chooser(known, current) {
  const links = known.map((one) =>
    h(
      "li",
      {},
      h(
        "a",
        { href: linkTo("people", one.name), "aria-current": one === current ? "true" : null },
        one.name,
        h("span", { class: "count" }, ` ${count(one.people)}`),
      ),
    ),
  );
  return h(
    "nav",
    { "aria-label": "Collections", class: "card-head" },
    h("ul", { class: "tabs" }, links),
    h("button", { type: "button", class: "button plain small", click: addCollection }, icon("add"), "New collection"),
  );
}

function people(current, signal) {
  const found = h("div", { class: "stack", "aria-live": "off" });
  const search = textField("Search by name", { type: "search", input: () => later(() => look()) });
  let timer = 0;
  const later = (work) => {
    clearTimeout(timer);
    timer = setTimeout(work, PAUSE);
  };
  const look = () => {
    const named = search.querySelector("input").value.trim();
    const address = (cursor) => query(path("collections", current.name, "persons"), { q: named, cursor, limit: 50 });
    return listed(found, {
      signal,
      address,
      draw: (items) => personTable(items, current, named),
      nothing: () => (named ? note("info", `Nobody in ${current.name} has “${named}” in the name.`) : nobody(current)),
      told: (items) => named && say(`${many(items.length, "person", "people")} found.`),
    });
  };
  look();
  const enrol = h(
    "a",
    { class: "button first", href: linkTo("people", current.name, "enrol") },
    icon("add"),
    "Enrol a person",
  );
  const out = h("a", { class: "button", href: linkTo("people", current.name, "export") }, icon("save"), "Export");
  const more = h("details", { class: "card" }, h("summary", {}, `About ${current.name}`), aboutCollection(current));
  return h(
    "section",
    { class: "stack", "aria-label": `People in ${current.name}` },
    h("div", { class: "toolbar" }, search, enrol, out),
    found,
    more,
  );
}

function personTable(items, current, named) {
  const columns = [
    {
      name: "Name",
      cell: (person) => h("a", { href: linkTo("people", current.name, "person", person.uid) }, person.name),
    },
    { name: "Faces", right: true, cell: (person) => count(person.faces) },
    { name: "Purpose", cell: (person) => h("div", { class: "words" }, person.purpose || "–") },
    { name: "Consent", cell: (person) => h("div", { class: "words" }, person.consent || "none recorded") },
    {
      name: "Kept until",
      cell: (person) =>
        person.retain_until ? h("span", { class: "date" }, day(person.retain_until)) : "erased by hand",
    },
  ];
  return table(named ? `Names with “${named}”` : `Everyone in ${current.name}`, columns, items, { stacked: true });
}

function aboutCollection(current) {
  const facts = `${many(current.people, "person", "people")}, ${many(current.faces, "face")}, ${many(current.crops, "kept crop")}. Contract ${current.contract}, ${current.sealed_by === "open" ? "not sealed by a key" : `sealed by key ${current.sealed_by}`}.`;
  return h(
    "div",
    { class: "stack" },
    h("p", {}, facts),
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", class: "button small", click: () => rename(current) }, "Rename the collection"),
      h(
        "button",
        { type: "button", class: "button small danger", click: () => erase(current) },
        "Erase the collection",
      ),
    ),
  );
}

function noCollection() {
  return h(
    "div",
    { class: "empty" },
    h("h2", {}, "No collection yet"),
    h(
      "p",
      {},
      "A collection holds people whose faces are compared under one model. Make the first one, then enrol people.",
    ),
    h("button", { type: "button", class: "button first", click: addCollection }, icon("add"), "New collection"),
  );
}

function nobody(current) {
  return h(
    "div",
    { class: "empty" },
    h("h2", {}, "Nobody here yet"),
    h("p", {}, `Enrol a person from one or more photos, or start an import of a folder as a job.`),
    h("a", { class: "button", href: linkTo("people", current.name, "enrol") }, "Enrol a person"),
  );
}

function gone(name) {
  return errorNote({
    message: `There is no collection ${name}, or it is not for this key. The menu “People” shows those that are.`,
  });
}
