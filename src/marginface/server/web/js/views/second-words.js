// What waits for the word of a second key: matches, erasures and exports that another key has asked for.

import { ask } from "../dialogs.js";
import { h } from "../elements.js";
import { filling, say } from "../notes.js";
import { call, path } from "../service.js";
import { table } from "../tables.js";
import { moment, similarity } from "../words.js";
import { collections } from "./collections.js";
import { whom } from "./whom.js";

const VERBS = { erase: "Erase a person", export: "Export", identify: "A match" };

/** Return the section; it asks the service at once. */
export function secondWords(signal) {
  const place = h("div", { class: "stack" });
  const look = () =>
    filling(place, "Looking for what waits…", async () => {
      const [{ items }, known] = await Promise.all([
        call("GET", "/v1/events/waiting", { signal }),
        collections(signal),
      ]);
      if (!items.length) return h("p", { class: "soft" }, "Nothing waits for a word.");
      const names = new Map(known.map((one) => [one.uid, one.name]));
      return table("Waiting", columns(look, names), items, { stacked: true, headed: true });
    });
  look();
  const about = "What was asked for by one key is done when another one agrees. Look at it before you do.";
  return h(
    "section",
    { class: "stack", "aria-label": "Waiting for a second word" },
    h("h2", {}, "Waiting for a second word"),
    h("p", { class: "soft" }, about),
    place,
  );
}

function columns(again, names) {
  return [
    { name: "What", cell: whatIsAsked },
    { name: "About", cell: (event) => whom(event, names) },
    { name: "Asked", cell: (event) => [moment(event.time), " by key ", h("code", {}, event.key)] },
    { name: "Your word", cell: (event) => buttons(event, again) },
  ];
}

function whatIsAsked({ action, details, private: told }) {
  if (action === "identification") return `A match, similarity ${similarity(details.similarity)}`;
  const [, face, to] = told?.subject?.split(" ") ?? [];
  if (face?.startsWith("f-")) return to ? "Give a face to who is kept for a shorter time" : "Delete a face";
  return VERBS[details.verb] ?? details.verb;
}

function buttons(event, again) {
  const speak = async (agree) => {
    const action = agree ? "Agree" : "Disagree";
    const done = await ask({
      title: `${action}: ${whatIsAsked(event)}?`,
      body: h("p", {}, "A word cannot be taken back."),
      action,
      danger: !agree,
      act: () => call("POST", path("events", event.id, "confirm"), { json: { agree } }),
    });
    if (!done) return;
    say(`Your word: ${action}.`);
    again();
  };
  const button = (words, agree) =>
    h("button", { type: "button", class: "button small", click: () => speak(agree) }, words);
  return h("div", { class: "buttons side-by-side" }, button("Agree", true), button("Disagree", false));
}
