// Form fields: a label, a control, a hint that the control names.

import { freshId, h } from "./elements.js";

/** How many characters the service takes at most: of a name, of what else is recorded, of a passphrase. */
export const LONGEST = { name: 200, text: 2000, passphrase: 1000 };

/** Return a field of text; `input` takes any attributes of an <input>, or { rows } for more lines. */
export function textField(label, { hint, wide = false, rows, ...input } = {}) {
  const tag = rows ? "textarea" : "input";
  const kept = { autocomplete: "off" }; // the browser remembers no names
  return field(label, hint, wide, (attributes) => h(tag, { class: "input", rows, ...kept, ...attributes, ...input }));
}

/** Return a choice; options are [value, words]. */
export function choice(label, options, { hint, value, wide = false, ...select } = {}) {
  const inside = options.map(([one, words]) => h("option", { value: one, selected: one === value }, words));
  return field(label, hint, wide, (attributes) => h("select", { class: "input", ...attributes, ...select }, inside));
}

/** Return a box to tick. */
export function tick(label, { hint, ...input } = {}) {
  const id = freshId("tick");
  const about = hint ? freshId("hint") : null;
  return h(
    "div",
    { class: "check" },
    h("input", { type: "checkbox", id, "aria-describedby": about, ...input }),
    h("div", {}, h("label", { for: id }, label), hint ? h("p", { class: "hint", id: about }, hint) : null),
  );
}

/** Return the control within a field. */
export function controlOf(element) {
  return element.querySelector("input, select, textarea");
}

function field(label, hint, wide, make) {
  const id = freshId("field");
  const about = hint ? freshId("hint") : null;
  return h(
    "div",
    { class: wide ? "field wide" : "field" },
    h("label", { for: id }, label),
    make({ id, "aria-describedby": about }),
    hint ? h("p", { class: "hint", id: about }, hint) : null,
  );
}
