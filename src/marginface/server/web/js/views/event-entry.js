// One entry of the record of events, whole, in a dialog.

import { show as showDialog } from "../dialogs.js";
import { h } from "../elements.js";
import { facts } from "../tables.js";
import { count, moment, oneIn, percent } from "../words.js";

export function showEntry(event) {
  const { details: told, private: whom } = event;
  return showDialog({
    title: `Entry no. ${count(event.seq)}`,
    body: facts([
      ["When", moment(event.time)],
      ["Event", h("code", {}, event.id)],
      ["Search", told.search ? h("code", {}, told.search) : null],
      ["From, to", told.started ? `${moment(told.started)}, ${moment(told.ended)}` : null],
      ["Compared with", told.comparisons === undefined ? null : `${count(told.comparisons)} faces`],
      ["FPIR", told.fpir ? `${percent(told.fpir)}: ${oneIn(told.fpir)} searches of strangers` : null],
      ["FMR of the threshold", told.fmr ? percent(told.fmr) : null],
      ["Contract", told.contract ? h("code", {}, told.contract) : null],
      ["Face", whom?.face ? h("code", {}, whom.face) : null],
      ["Keyed hash of the photo", whom?.photo ? h("code", {}, whom.photo) : null],
      ["Hash of the entry", h("code", {}, event.hash)],
    ]),
  });
}
