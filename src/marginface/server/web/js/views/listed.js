// A listing a page at a time: what is there, and a button for more.

import { h, put } from "../elements.js";
import { filling } from "../notes.js";
import { call } from "../service.js";

/**
 * Show a listing in a place: `address(cursor)` is asked, `draw(items)` gives the element, `nothing()` what an empty one shows.
 */
export function listed(place, { address, draw, nothing, signal, told }) {
  return filling(place, "Loading…", async (isLast) => {
    const first = await call("GET", address(""), { signal });
    if (!isLast()) return undefined;
    told?.(first.items);
    if (!first.items.length) return nothing();
    return grown(first, { address, draw, signal });
  });
}

function grown({ items, next_cursor: next }, { address, draw, signal }) {
  const shown = h("div", {}, draw(items));
  const foot = h("div", { class: "buttons" });
  const offer = (cursor) =>
    put(foot, cursor ? h("button", { type: "button", class: "button", click: () => more(cursor) }, "Show more") : null);
  const more = (cursor) =>
    filling(foot, "Loading more…", async () => {
      const page = await call("GET", address(cursor), { signal });
      items = [...items, ...page.items];
      put(shown, draw(items));
      offer(page.next_cursor);
    });
  offer(next);
  return h("div", { class: "stack" }, shown, foot);
}
