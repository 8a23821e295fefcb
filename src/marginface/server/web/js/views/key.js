// The key: entering one, forgetting it, and what it is for.

import { about, askAgain } from "../about.js";
import { h, put } from "../elements.js";
import { textField } from "../fields.js";
import { badge, filling, note, say } from "../notes.js";
import { viewHead } from "../router.js";
import { forgetKey, keepKey, key } from "../session.js";
import { facts } from "../tables.js";
import { bytes, count } from "../words.js";
import { secondWords } from "./second-words.js";

export const title = "Key";

const SCOPES = [
  ["detect", "Look", "find faces in a photo, with their quality"],
  ["verify", "Compare", "compare photos with one another"],
  ["identify", "Identify", "say who of a collection is in a photo"],
  ["people", "People", "list people and see their faces and crops"],
  ["enrol", "Enrol", "add people, their faces and their consent"],
  ["manage", "Manage", "make and rename collections; rename, merge, move and delete people and faces; embed anew"],
  ["erase", "Erase", "erase people and collections, with a receipt"],
  ["export", "Export", "take a sealed archive of people out"],
  ["cluster", "Group", "group the faces of many photos, as a job"],
  ["jobs", "Jobs", "start, follow and cancel long work, besides the scope of the work itself"],
  ["stats", "Health", "see counts, calibration, and whether a gallery is whole"],
  ["audit", "Audit", "read who did what, and check that record"],
  ["runs", "Training", "see training runs, evaluations and their reports"],
  ["confirm", "Second word", "give the word of a second key about a match, an erasure or an export"],
  ["templates", "Vectors", "see vectors; they are biometric data"],
  ["metrics", "Metrics", "read the figures for monitoring"],
];

export function show(place, { signal }) {
  const rights = h("div", { class: "stack" });
  const words = h("div", {}); // that others wait for
  const card = keyCard(() => look(rights, words, signal));
  const both = h("div", { class: "split" }, rights, card);
  put(place, viewHead("Key", "Who asks, and what they may do."), h("div", { class: "stack" }, words, both));
  return look(rights, words, signal);
}

function look(rights, words, signal) {
  return filling(rights, "Asking…", async () => {
    const answer = await about();
    if (signal.aborted) return undefined;
    const { caller } = answer;
    const who =
      caller.key === null
        ? note(
            "info",
            "No key was ever made: this machine alone may ask, and needs none.",
            h("p", {}, h("code", {}, "marginface keys create --scope all"), " closes that."),
          )
        : note("good", `Key ${caller.key} is in use.`);
    const waits = answer.options.two_person.length && caller.scopes.includes("confirm");
    put(words, waits ? secondWords(signal) : null);
    return [who, allowed(caller), limits(answer)];
  });
}

function allowed(caller) {
  const line = ([scope, words, what]) => {
    const has = caller.scopes.includes(scope);
    return h(
      "li",
      { class: "granted" },
      badge(has ? "good" : "", has ? "Yes" : "No"),
      h("div", {}, h("strong", {}, words), h("span", { class: "soft" }, ` · ${what}`)),
    );
  };
  return h(
    "section",
    { class: "card stack", "aria-label": "What it is for" },
    h("h2", {}, "What it is for"),
    h(
      "p",
      {},
      caller.collections.length ? `Collections: ${caller.collections.join(", ")}, and no other.` : "All collections.",
    ),
    h("ul", { class: "rights" }, SCOPES.map(line)),
  );
}

function limits({ limits: most, name, version, model, contract, embedding_size: size }) {
  return h(
    "section",
    { class: "card stack", "aria-label": "This service" },
    h("h2", {}, "This service"),
    facts([
      ["Version", `${name} ${version}`],
      ["Model", `${model}, ${count(size)} numbers a face`],
      ["Contract", h("code", {}, contract)],
      ["A photo", `up to ${bytes(most.photo_bytes)} and ${count(most.pixels / 1e6)} megapixels`],
      ["A request", `up to ${bytes(most.body_bytes)} and ${count(most.photos)} photos`],
      ["Calls a minute", count(most.per_minute)],
    ]),
    h("p", { class: "small" }, h("a", { href: "/openapi.json" }, "The API as OpenAPI")),
  );
}

function keyCard(changed) {
  const state = h("p", { class: "soft", "aria-live": "polite" });
  const tell = () => put(state, key() ? "A key is kept in this tab until it is closed." : "No key is kept.");
  const done = (words) => {
    askAgain();
    tell();
    say(words);
    dispatchEvent(new Event("key-changed"));
    changed();
  };
  const form = h(
    "form",
    { class: "card stack" },
    h("h2", {}, "Enter a key"),
    textField("API key", {
      name: "key",
      type: "password",
      spellcheck: "false",
      required: true,
      hint: "It begins with mf_. It is kept in this tab alone, and sent to this service alone.",
    }),
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "submit", class: "button first" }, "Use this key"),
      h(
        "button",
        { type: "button", class: "button", click: () => (forgetKey(), done("The key is forgotten.")) },
        "Forget the key",
      ),
    ),
    state,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keepKey(new FormData(form).get("key"));
    form.reset();
    done("The key is in use.");
  });
  tell();
  return form;
}
