// The receipt of an erasure: what was removed, how it was verified; to be kept, since it names nobody.

import { show } from "../dialogs.js";
import { h } from "../elements.js";
import { note } from "../notes.js";
import { facts } from "../tables.js";
import { bytes, many, moment } from "../words.js";

/** Show a receipt until it is closed, and offer it as a file. */
export function showReceipt(receipt, what) {
  return show({ title: "Receipt of the erasure", body: receiptOf(receipt, what), more: [downloadOf(receipt)] });
}

/** Return a receipt in words. */
function receiptOf(receipt, what) {
  const removed = [
    many(receipt.people.length, "person", "people"),
    many(receipt.faces, "face"),
    many(receipt.crops, "crop"),
  ].join(", ");
  const verdict = receipt.complete
    ? note(
        "good",
        `${what} is erased.`,
        h("p", {}, "The files were searched byte by byte; no piece of the records was found."),
      )
    : note(
        "bad",
        `${what} is erased from all answers, and something is left to do.`,
        h(
          "p",
          {},
          receipt.left_in_index ||
            (receipt.log_emptied
              ? "Pieces were found in the files listed below."
              : "Another program still read the gallery, so its log could not be emptied. Start a purge as a job later."),
        ),
      );
  const files = receipt.files.map((file) =>
    h("li", {}, `${file.name}: ${bytes(file.bytes)} searched, ${many(file.traces, "piece")} found`),
  );
  return h(
    "div",
    { class: "stack" },
    verdict,
    facts([
      ["Removed", removed],
      ["When", moment(receipt.time)],
      [
        "Opaque ids",
        receipt.people.length
          ? h(
              "code",
              {},
              receipt.people.slice(0, 5).join(" ") +
                (receipt.people.length > 5 ? ` and ${receipt.people.length - 5} more` : ""),
            )
          : null,
      ],
      ["Files", files.length ? h("ul", { class: "plain-list" }, files) : "a server; its rows are gone"],
      ["Log", receipt.log_emptied ? "emptied" : "not emptied"],
      ["Audit entry", h("code", {}, receipt.audit_head)],
    ]),
    receipt.notes.length
      ? h(
          "ul",
          { class: "plain-list small" },
          receipt.notes.map((one) => h("li", {}, one)),
        )
      : null,
    h("p", { class: "hint" }, "It names nobody, so you can keep it: as proof, and to check the audit against."),
  );
}

function downloadOf(receipt) {
  const file = new Blob([`${JSON.stringify(receipt, null, 2)}\n`], { type: "application/json" });
  const address = URL.createObjectURL(file);
  return h(
    "a",
    { class: "button", href: address, download: `receipt-${receipt.time.replaceAll(":", "")}.json` },
    "Download the receipt",
  );
}
