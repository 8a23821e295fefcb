// Tables that scroll by themselves on a narrow screen, or turn into rows of labeled values.

import { h } from "./elements.js";

/**
 * Return a table. Columns are { name, cell: (row) => text or element, right }; the first names the row.
 * `stacked`: on a phone each row is a block with its labels; `headed`: a heading above says what the caption says.
 */
export function table(caption, columns, rows, { hint, stacked = false, headed = false } = {}) {
  const head = h(
    "tr",
    {},
    columns.map((column) => h("th", { scope: "col", class: column.right ? "right" : null }, column.name)),
  );
  const body = rows.map((row) =>
    h(
      "tr",
      {},
      columns.map((column, place) => cell(column, row, place === 0)),
    ),
  );
  const made = h(
    "table",
    { class: stacked ? "rows" : null },
    h("caption", { class: headed ? "unseen" : null }, caption, hint ? h("span", { class: "hint" }, hint) : null),
    h("thead", {}, head),
    h("tbody", {}, body),
  );
  return h("div", { class: "table-place", tabindex: "0", role: "region", "aria-label": caption }, made);
}

function cell(column, row, isFirst) {
  const made = column.cell(row);
  const inside = Array.isArray(made) ? h("div", {}, made) : made; // on a phone a cell is a label and one thing beside
  if (isFirst) return h("th", { scope: "row" }, inside);
  return h("td", { class: column.right ? "right" : null, "data-label": column.name }, inside);
}

/** Return facts as a list of terms: [[term, value], …]; those without a value are left out. */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h(
    "dl",
    { class: "facts" },
    known.map(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]),
  );
}

/** Return a few large figures: [[what, figure], …]. */
export function tiles(pairs) {
  return h(
    "dl",
    { class: "tiles" },
    pairs.map(([what, figure]) => h("div", { class: "tile" }, h("dt", {}, what), h("dd", {}, figure))),
  );
}
