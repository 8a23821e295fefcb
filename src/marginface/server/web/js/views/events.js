// Events: how the service was used, and who confirmed what; the newest first.

import { about, scopesOf } from "../about.js";
import { h, put } from "../elements.js";
import { choice } from "../fields.js";
import { badge, filling, note } from "../notes.js";
import { linkTo, viewHead } from "../router.js";
import { query } from "../service.js";
import { table } from "../tables.js";
import { count, moment, readable, similarity } from "../words.js";
import { chainCheck } from "./chain.js";
import { collections } from "./collections.js";
import { showEntry } from "./event-entry.js";
import { listed } from "./listed.js";
import { whom } from "./whom.js";

export const title = "Events";

const KINDS = [
  ["", "All kinds"],
  ["identification", "Identifications"],
  ["request", "Requests for a second key"],
  ["confirmation", "Words of second keys"],
  ["use", "Uses of a word"],
  ["erasure", "Erasures from this record"],
  ["let-go", "Old entries let go"],
];
const VERBS = { erase: "an erasure", export: "an export", identify: "a match" };
const DECISIONS = { match: "good", "no match": "", "cannot tell": "unsure" };
const STATES = {
  unconfirmed: ["unsure", "Waits for a word"],
  confirmed: ["good", "Confirmed"],
  rejected: ["bad", "Rejected"],
  used: ["good", "Done"],
};
const AT_ONCE = 25;

export async function show(place, { signal }) {
  const inside = h("div", { class: "stack loose" });
  put(place, viewHead("Events", "How the service was used, when, by which key, and who confirmed it."), inside);
  await filling(inside, "Loading…", async () => {
    const [told, known] = await Promise.all([about(), collections(signal)]);
    const world = {
      names: new Map(known.map((one) => [one.uid, one.name])),
      maySee: scopesOf(told).includes("people"),
      mayConfirm: scopesOf(told).includes("confirm"),
    };
    return [whatIsKept(told.options), record(world, signal), check(told, signal)];
  });
}

function whatIsKept({ events, two_person: verbs }) {
  const also = verbs.length ? `Two keys are needed for ${list(verbs.map((verb) => VERBS[verb] ?? verb))}.` : "";
  if (events) return also ? h("p", { class: "soft" }, also) : null;
  return note(
    "info",
    "Identifications are not recorded.",
    h("p", {}, "Start the service with ", h("code", {}, "--events"), " to keep a record of each. ", also),
  );
}

function list(words) {
  return words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1)}` : words[0];
}

function record(world, signal) {
  const entries = h("div", { class: "stack" });
  let action = "";
  const look = () =>
    listed(entries, {
      signal,
      address: (cursor) => query("/v1/events", { action, cursor, limit: AT_ONCE }),
      draw: (items) => table("Entries, the newest first", columns(world), items, { stacked: true }),
      nothing: () => nothing(action),
    });
  const kinds = choice("Kind", KINDS, {
    change: (event) => {
      action = event.target.value;
      look();
    },
  });
  look();
  return h(
    "section",
    { class: "stack record", "aria-label": "Record" },
    h("div", { class: "toolbar" }, kinds),
    entries,
  );
}

function nothing(action) {
  if (action) return note("info", "There is no entry of this kind.");
  return h(
    "div",
    { class: "empty" },
    h("h2", {}, "Nothing is on record yet"),
    h("p", {}, "With “--events” each search is written here, with “--two-person” each request and each word."),
  );
}

function check(told, signal) {
  const part = told.caller.collections.length
    ? note("info", "To check the chain takes a key for all collections.")
    : chainCheck({
        address: "/v1/events/check",
        label: "Head of an earlier check, if you kept one",
        hint: "Then it is seen whether entries were cut off after it.",
        signal,
      });
  return h(
    "section",
    { class: "stack", "aria-labelledby": "chain" },
    h("h2", { id: "chain" }, "Is the record whole?"),
    h(
      "p",
      { class: "soft" },
      "Each entry covers the one before; what tells of a person can be erased without a break.",
    ),
    part,
  );
}

function columns(world) {
  return [
    { name: "When", cell: (event) => h("span", { class: "date" }, moment(event.time)) },
    { name: "What", cell: (event) => h("div", { class: "stack-small" }, what(event)) },
    { name: "About", cell: (event) => aboutWhom(event, world) },
    { name: "By key", cell: (event) => h("code", { class: "id" }, event.key) },
    { name: "Second keys", cell: (event) => confirmation(event, world) },
    {
      name: "All of it",
      cell: (event) =>
        h(
          "button",
          {
            type: "button",
            class: "button small plain",
            "aria-label": `Details of entry ${event.seq}`,
            click: () => showEntry(event),
          },
          "Details",
        ),
    },
  ];
}

function what({ action, details }) {
  if (action === "identification")
    return [
      h("strong", {}, "Identification"),
      badge(DECISIONS[details.decision] ?? "", readable(details.decision)),
      details.similarity === null
        ? null
        : h(
            "span",
            { class: "small soft number" },
            `similarity ${similarity(details.similarity)}, threshold ${similarity(details.threshold)}`,
          ),
    ];
  if (action === "confirmation")
    return [
      h("strong", {}, "Word of a second key"),
      badge(details.agree ? "good" : "bad", details.agree ? "Agrees" : "Does not agree"),
    ];
  if (action === "request") return h("strong", {}, `Request of ${VERBS[details.verb] ?? details.verb}`);
  if (action === "use") return h("strong", {}, `${readable(VERBS[details.verb] ?? details.verb)} was carried out`);
  if (action === "erasure")
    return [
      h("strong", {}, "Erasure from this record"),
      h("span", { class: "small soft" }, `${count(details.entries)} entries tell of nobody now`),
    ];
  if (action === "let-go")
    return [
      h("strong", {}, "Old entries let go"),
      h("span", { class: "small soft" }, `through no. ${count(details.through)}`),
    ];
  return h("strong", {}, readable(action));
}

function aboutWhom(event, { names, maySee }) {
  const { about: other, erased } = event;
  return h(
    "div",
    { class: "stack-small" },
    event.collection || !other ? whom(event, names, maySee) : null,
    other ? h("span", { class: "small soft" }, "about event ", h("code", { class: "id" }, other)) : null,
    erased ? h("span", { class: "small soft" }, "The person is erased.") : null,
  );
}

function confirmation({ state, confirmations }, { mayConfirm }) {
  if (!state) return "–";
  return h(
    "div",
    { class: "stack-small" },
    badge(...(STATES[state] ?? ["", state])),
    confirmations.length
      ? h(
          "ul",
          { class: "words-said" },
          confirmations.map((word) =>
            h("li", {}, h("code", {}, word.key), word.agree ? " agreed, " : " did not agree, ", moment(word.time)),
          ),
        )
      : null,
    state === "unconfirmed" && mayConfirm ? h("a", { class: "small", href: linkTo("key") }, "Give your word") : null,
  );
}
