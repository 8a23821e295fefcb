// What came of a job: its summary, and its items a page at a time.

import { h } from "../elements.js";
import { badge, reasonList, sentenceOf } from "../notes.js";
import { path, query } from "../service.js";
import { facts, table, tiles } from "../tables.js";
import { count, readable } from "../words.js";
import { listed } from "./listed.js";

const SHOWN = 50; // of a list within a value

/** Return the result of a job that is over. */
export async function resultOf(job, signal) {
  const items = h("div", { class: "stack" });
  listed(items, {
    signal,
    address: (cursor) => query(path("jobs", job.id, "result"), { cursor, limit: 100 }),
    draw: (found) => drawn(job, found),
    nothing: () => h("p", { class: "soft" }, "There are no items."),
  });
  const told = Object.entries(job.summary ?? {});
  const figures = told
    .filter(([, value]) => Number.isInteger(value))
    .map(([name, value]) => [readable(name), count(value)]);
  const rest = told
    .filter(([, value]) => !Number.isInteger(value) && !isEmpty(value))
    .map(([name, value]) => [readable(name), plain(value)]);
  return h(
    "div",
    { class: "stack" },
    h("h2", {}, "Result"),
    figures.length ? tiles(figures) : null,
    rest.length ? h("div", { class: "card" }, facts(rest)) : null,
    items,
  );
}

function isEmpty(value) {
  return value === null || value === "" || (typeof value === "object" && !Object.keys(value).length);
}

function drawn(job, items) {
  if (items.every((item) => item.photo !== undefined && item.outcome !== undefined)) return photoTable(items);
  if (items.every((item) => item.group !== undefined)) return groupTable(items);
  return anyTable(items);
}

function photoTable(items) {
  const kinds = { enrolled: "good", known: "", refused: "bad" };
  const columns = [
    { name: "Photo", cell: (item) => item.photo },
    { name: "Person", cell: (item) => item.person || "–" },
    { name: "Outcome", cell: (item) => badge(kinds[item.outcome] ?? "", readable(item.outcome)) },
    {
      name: "Reasons",
      cell: (item) =>
        reasonList(item.reasons.map((reason) => sentenceOf(reason.replace(`${item.photo}: `, "")))) ?? "–",
    },
  ];
  return table("What came of each photo", columns, items, { stacked: true });
}

function groupTable(items) {
  const columns = [
    { name: "Group", cell: (item) => count(item.group) },
    { name: "Faces", right: true, cell: (item) => count(item.faces.length) },
    { name: "Photos, the most typical first", cell: (item) => item.faces.map((face) => face.photo).join(", ") },
  ];
  return table("Faces that may be one person", columns, items, { stacked: true });
}

function anyTable(items) {
  const names = [...new Set(items.flatMap((item) => Object.keys(item)))];
  const columns = names.map((name) => ({ name: readable(name), cell: (item) => plain(item[name]) }));
  return table("Items", columns, items, { stacked: true });
}

function plain(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "number") return Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(4)));
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value))
    return value.length
      ? h(
          "ul",
          { class: "plain-list" },
          value.slice(0, SHOWN).map((one) => h("li", {}, plain(one))),
          value.length > SHOWN ? h("li", {}, `… and ${count(value.length - SHOWN)} more`) : null,
        )
      : "none";
  if (typeof value === "object") return facts(Object.entries(value).map(([name, one]) => [readable(name), plain(one)]));
  return String(value);
}
