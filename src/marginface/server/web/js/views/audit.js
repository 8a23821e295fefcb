// The audit: who did what and when, in a chain of hashes; names nobody.

import { h } from "../elements.js";
import { textField } from "../fields.js";
import { filling, note, say } from "../notes.js";
import { call, query } from "../service.js";
import { table } from "../tables.js";
import { count, many, moment, readable } from "../words.js";
import { listed } from "./listed.js";

/** Return the section of the audit; it asks only when it is opened. */
export function auditSection(signal) {
  const entries = h("div", { class: "stack" });
  const result = h("div", {});
  const hash = textField("Hash of a receipt, if you have one", {
    name: "head",
    pattern: "[0-9a-f]{64}",
    spellcheck: "false",
    hint: "Then it is seen whether entries were cut off after it was written.",
  });
  const form = h(
    "form",
    { class: "toolbar" },
    hash,
    h("button", { type: "submit", class: "button" }, "Check the chain"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    filling(result, "Walking the chain…", async () =>
      checked(await call("GET", query("/v1/audit/check", { head: new FormData(form).get("head").trim() }), { signal })),
    );
  });
  const details = h("details", { class: "card" }, h("summary", {}, "Who did what"), entries);
  details.addEventListener("toggle", () => details.open && !entries.hasChildNodes() && list(entries, signal));
  return h(
    "section",
    { class: "stack", "aria-labelledby": "audit" },
    h("h2", { id: "audit" }, "Audit"),
    h("p", { class: "soft" }, "Every change of the gallery is in a chain in which each entry covers the one before."),
    form,
    result,
    details,
  );
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

function list(place, signal) {
  const columns = [
    { name: "No.", cell: (entry) => count(entry.seq) },
    { name: "When", cell: (entry) => moment(entry.time) },
    { name: "Who", cell: (entry) => entry.actor },
    { name: "What", cell: (entry) => readable(entry.action) },
    { name: "About", cell: (entry) => h("code", {}, subjectOf(entry.subject)) },
  ];
  return listed(place, {
    signal,
    address: (cursor) => query("/v1/audit", { cursor, limit: 25 }),
    draw: (items) => table("Entries, the newest first", columns, items, { stacked: true }),
    nothing: () => note("info", "Nothing was done yet."),
  });
}

function subjectOf(subject) {
  return Object.entries(subject)
    .map(
      ([name, value]) =>
        `${name} ${Array.isArray(value) ? value.slice(0, 3).join(" ") + (value.length > 3 ? ` and ${value.length - 3} more` : "") : value}`,
    )
    .join(", ");
}
