// A chain in which each entry covers the one before: walked on demand, and looked through for a hash that was kept.

import { h } from "../elements.js";
import { textField } from "../fields.js";
import { filling, note, say } from "../notes.js";
import { call, query } from "../service.js";
import { many } from "../words.js";

/** Return a form that checks a chain at an address, and shows what was found. */
export function chainCheck({ address, label, hint, signal }) {
  const result = h("div", {});
  const hash = textField(label, { name: "head", pattern: "[0-9a-f]{64}", spellcheck: "false", hint });
  const form = h(
    "form",
    { class: "toolbar" },
    hash,
    h("button", { type: "submit", class: "button" }, "Check the chain"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    filling(result, "Walking the chain…", async () =>
      checked(await call("GET", query(address, { head: new FormData(form).get("head").trim() }), { signal })),
    );
  });
  return h("div", { class: "stack" }, form, result);
}

function checked(report) {
  say(report.ok ? "The chain holds." : "The chain is broken.");
  const head = h("p", { class: "small-print" }, "Head ", h("code", {}, report.head));
  if (report.ok) return note("good", `The chain holds: ${many(report.entries, "entry", "entries")}.`, head);
  return note(
    "bad",
    "The chain does not hold.",
    h(
      "ul",
      { class: "plain-list" },
      report.findings.map((finding) => h("li", {}, finding)),
    ),
    head,
  );
}
