// Everyone of a collection, or some of them: found by name, ticked, and listed as chosen.

import { freshId, h, put } from "../elements.js";
import { textField, tick } from "../fields.js";
import { filling, say } from "../notes.js";
import { call, path, query } from "../service.js";
import { many } from "../words.js";

const SHOWN = 24; // people at once
const PAUSE = 250; // milliseconds after the last key before a search

/**
 * Return { element, chosen, words, wrong }: chosen() gives opaque ids, or null for everyone.
 * `known`: the collection with its counts, or undefined; `given`: a person who is chosen from the start, or null.
 */
export function peopleChoice(collection, known, given, signal) {
  const picked = new Map(given ? [[given.uid, given.name]] : []);
  const group = freshId("who");
  const everyone = radio(
    group,
    "all",
    `Everyone in ${collection}`,
    known && `${many(known.people, "person", "people")}, ${many(known.faces, "face")}`,
    !given,
  );
  const some = radio(group, "some", "Only some", "Found by name", Boolean(given));
  const list = h("div", { class: "stack" });
  const chips = h("ul", { class: "chosen", "aria-label": "Chosen" });
  const search = textField("Find people by name", { type: "search", input: () => later() });
  const picker = h("div", { class: "stack", hidden: !given }, chips, search, list);
  let timer = 0;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(find, PAUSE);
  };
  const isAll = () => everyone.querySelector("input").checked;

  function find() {
    const named = search.querySelector("input").value.trim();
    return filling(list, "Looking…", async () => {
      const { items } = await call(
        "GET",
        query(path("collections", collection, "persons"), { q: named, limit: SHOWN }),
        {
          signal,
        },
      );
      if (!items.length)
        return h("p", { class: "soft" }, named ? `Nobody has “${named}” in the name.` : "Nobody is here yet.");
      const more =
        items.length === SHOWN ? h("p", { class: "hint" }, "There may be more: write a part of the name.") : null;
      return [
        h(
          "ul",
          { class: "found-people" },
          items.map((one) => h("li", {}, box(one))),
        ),
        more,
      ];
    });
  }

  function box(person) {
    const turn = (event) => {
      if (event.target.checked) picked.set(person.uid, person.name);
      else picked.delete(person.uid);
      drawChips();
      say(`${many(picked.size, "person", "people")} chosen.`);
    };
    return tick(person.name, { checked: picked.has(person.uid), value: person.uid, change: turn });
  }

  function drawChips() {
    put(
      chips,
      [...picked].map(([uid, name]) => h("li", {}, chip(uid, name))),
    );
    chips.hidden = !picked.size;
  }

  function chip(uid, name) {
    const leave = () => {
      picked.delete(uid);
      const shown = list.querySelector(`input[value="${uid}"]`);
      if (shown) shown.checked = false;
      drawChips();
      search.querySelector("input").focus();
    };
    return h(
      "button",
      { type: "button", class: "button small", "aria-label": `Leave out ${name}`, click: leave },
      name,
      h("span", { "aria-hidden": "true" }, "✕"),
    );
  }

  function turn() {
    picker.hidden = isAll();
    if (!picker.hidden && !list.hasChildNodes()) find();
  }

  everyone.addEventListener("change", turn);
  some.addEventListener("change", turn);
  drawChips();
  if (given) find();
  return {
    element: h(
      "fieldset",
      { class: "card stack" },
      h("legend", { class: "legend" }, "Who"),
      h("div", {}, everyone, some),
      picker,
    ),
    chosen: () => (isAll() ? null : [...picked.keys()]),
    words: () => (isAll() ? `everyone in ${collection}` : many(picked.size, "person", "people")),
    wrong: () => (isAll() || picked.size ? null : "Choose at least one person, or everyone."),
  };
}

function radio(name, value, label, hint, checked) {
  const id = freshId("radio");
  const about = hint ? freshId("hint") : null;
  return h(
    "div",
    { class: "check" },
    h("input", { type: "radio", id, name, value, checked, "aria-describedby": about }),
    h("div", {}, h("label", { for: id }, label), hint ? h("p", { class: "hint", id: about }, hint) : null),
  );
}
