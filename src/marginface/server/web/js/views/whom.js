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
  const [person, face, to] = people[0].split(" ");
  if (people.length > 1) return `${many(people.length, "person", "people")} in ${where}${clear}`;
  const id = h("code", { class: "id" }, person);
  const link = maySee && names.has(collection);
  return h(
    "div",
    { class: "stack-small" },
    link ? h("a", { class: "id", href: linkTo("people", where, "person", person) }, id) : id,
    face ? h("span", { class: "small soft" }, "face ", h("code", { class: "id" }, face)) : null,
    to ? h("span", { class: "small soft" }, "to ", h("code", { class: "id" }, to)) : null,
    h("span", { class: "small soft" }, `in ${where}${clear}`),
  );
}
