// A question for a person of a collection: search, choose one of those found.

import { ask } from "../dialogs.js";
import { freshId, h } from "../elements.js";
import { textField } from "../fields.js";
import { filling } from "../notes.js";
import { call, path, query, ServiceError } from "../service.js";
import { many } from "../words.js";

const SHOWN = 8;

/** Ask for a person and resolve to what `act(uid)` gave; null where the user left. */
export function choosePerson({ title, words, action, collection, without, act }) {
  const group = freshId("person");
  const found = h("div", { class: "stack-small", role: "radiogroup", "aria-label": "People found" });
  const search = textField("Search by name", {
    type: "search",
    autofocus: true,
    input: (event) => look(event.target.value),
  });
  function look(named) {
    return filling(found, "Looking…", async () => {
      const address = query(path("collections", collection, "persons"), { q: named.trim(), limit: SHOWN + 1 });
      const { items } = await call("GET", address);
      const others = items.filter((person) => person.uid !== without).slice(0, SHOWN);
      if (!others.length) return h("p", { class: "soft" }, "Nobody else is found.");
      return others.map((person) => option(group, person));
    });
  }
  look("");
  return ask({
    title,
    body: h("div", { class: "stack" }, h("p", {}, words), search, found),
    action,
    act: (form) => {
      const uid = form.get(group);
      if (!uid) throw new ServiceError(422, "nobody", "Choose a person of the list first.");
      return act(uid);
    },
  });
}

function option(group, person) {
  const id = freshId("option");
  return h(
    "div",
    { class: "check" },
    h("input", { type: "radio", name: group, value: person.uid, id }),
    h("label", { for: id }, person.name, h("span", { class: "soft" }, ` · ${many(person.faces, "face")}`)),
  );
}
