// The audit: who did what and when, in a chain of hashes; names nobody.

import { h } from "../elements.js";
import { note } from "../notes.js";
import { query } from "../service.js";
import { table } from "../tables.js";
import { count, moment, readable } from "../words.js";
import { chainCheck } from "./chain.js";
import { listed } from "./listed.js";

/** Return the section of the audit; it asks only when it is opened. */
export function auditSection(signal) {
  const entries = h("div", { class: "stack" });
  const details = h("details", { class: "card" }, h("summary", {}, "Who did what"), entries);
  details.addEventListener("toggle", () => details.open && !entries.hasChildNodes() && list(entries, signal));
  return h(
    "section",
    { class: "stack", "aria-labelledby": "audit" },
    h("h2", { id: "audit" }, "Audit"),
    h("p", { class: "soft" }, "Every change of the gallery is in a chain in which each entry covers the one before."),
    chainCheck({
      address: "/v1/audit/check",
      label: "Hash of a receipt, if you have one",
      hint: "Then it is seen whether entries were cut off after it was written.",
      signal,
    }),
    details,
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
