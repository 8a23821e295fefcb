// A report in a frame of its own: without scripts, without the key, by a ticket that is good for a minute.

import { h } from "../elements.js";
import { filling, note } from "../notes.js";
import { call, path, query } from "../service.js";

/**
 * Return a report that is opened on demand.
 * `here`: the path of the run or evaluation, `id`: its opaque id, `of`: its name, `none`: why there may be none yet.
 */
export function reportCard({ has, here, id, of, none, signal }) {
  if (!has) return note("info", "There is no report yet.", h("p", {}, none));
  const place = h("div", {});
  const open = () =>
    filling(place, "Opening…", async () => {
      const { ticket } = await call("POST", `${here}/ticket`, { signal });
      return h("iframe", {
        class: "report",
        sandbox: "",
        title: `Report of ${of}`,
        src: query(path("reports", id), { ticket }),
      });
    });
  const details = h("details", { class: "card" }, h("summary", {}, "Report"), place);
  details.addEventListener("toggle", () => details.open && !place.hasChildNodes() && open());
  return details;
}
