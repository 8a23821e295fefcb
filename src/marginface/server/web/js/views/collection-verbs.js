// What can be done with a collection as a whole: make, rename, erase.

import { ask } from "../dialogs.js";
import { h } from "../elements.js";
import { LONGEST, textField } from "../fields.js";
import { note } from "../notes.js";
import { again, to } from "../router.js";
import { call, path } from "../service.js";
import { many } from "../words.js";
import { showReceipt } from "./receipt.js";

/** Ask for the name of a new collection, make it and go there. */
export async function addCollection() {
  const made = await ask({
    title: "A new collection",
    body: textField("Name", {
      name: "name",
      required: true,
      maxlength: LONGEST.name,
      autofocus: true,
      hint: "People in it are searched apart from those of other collections.",
    }),
    action: "Make it",
    act: (form) => call("POST", "/v1/collections", { json: { name: form.get("name") }, once: true }),
  });
  if (made) to("people", made.name);
}

/** Ask for another name of a collection. */
export async function rename(current) {
  const renamed = await ask({
    title: `Rename ${current.name}`,
    body: textField("New name", {
      name: "name",
      required: true,
      maxlength: LONGEST.name,
      value: current.name,
      autofocus: true,
      hint: "The keys that are for it follow.",
    }),
    action: "Rename",
    act: (form) => call("PATCH", path("collections", current.uid), { json: { name: form.get("name") } }),
  });
  if (renamed) to("people", renamed.name);
}

/** Erase a collection with everyone in it, and show the receipt. */
export async function erase(current) {
  const receipt = await ask({
    title: `Erase ${current.name} with everyone in it?`,
    body: h(
      "div",
      { class: "stack" },
      note(
        "bad",
        `${many(current.people, "person", "people")} and ${many(current.faces, "face")} will be gone for good.`,
      ),
      textField(`Write “${current.name}” to confirm`, {
        required: true,
        pattern: literally(current.name),
        autofocus: true,
      }),
    ),
    action: "Erase for good",
    danger: true,
    act: () => call("DELETE", path("collections", current.uid), { once: true }),
  });
  if (!receipt) return;
  await showReceipt(receipt, `Collection ${current.name}`);
  if (location.hash === "#/people") again();
  else to("people");
}

/** A text as a pattern of an input; the browser takes none in which a sign is escaped that needs it not. */
function literally(text) {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
