// Whom an event is about: a person by opaque id, several people, or everyone of a collection.

import { h } from "../elements.js";
import { linkTo } from "../router.js";
import { many } from "../words.js";

const IN_CLEAR = " in clear";

/**
 * Return an element for whom an event is about, and in which collection; "–" where it is about nobody.
 * `names`: opaque id → name of the collections; `maySee`: whether the person may be looked at.
 */
export function whom({ collection, private: told }, names, maySee = true) {
  if (!collection) return "–";
  const where = names.get(collection) ?? collection;
  const subject = told?.person ?? told?.subject ?? "";
  const clear = subject.endsWith(IN_CLEAR) ? `,${IN_CLEAR}` : "";
  const people = subject.replace(IN_CLEAR, "").split(",");
  if (people[0] === "*") return `Everyone in ${where}${clear}`;
  if (!people[0].startsWith("p-")) return where;
  if (people.length > 1) return `${many(people.length, "person", "people")} in ${where}${clear}`;
  const id = h("code", { class: "id" }, people[0]);
  const link = maySee && names.has(collection);
  return h(
    "div",
    { class: "stack-small" },
    link ? h("a", { class: "id", href: linkTo("people", where, "person", people[0]) }, id) : id,
    h("span", { class: "small soft" }, `in ${where}${clear}`),
  );
}
