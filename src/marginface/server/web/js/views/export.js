// Export: people of a collection as one file, sealed by a passphrase that nobody but the user knows.

import { h, put } from "../elements.js";
import { controlOf, LONGEST, textField } from "../fields.js";
import { icon } from "../icons.js";
import { errorNote, filling, note, say, waiting } from "../notes.js";
import { crumbs, linkTo, viewHead } from "../router.js";
import { call, fetched, path } from "../service.js";
import { save } from "../saving.js";
import { bytes } from "../words.js";
import { collections } from "./collections.js";
import { peopleChoice } from "./people-choice.js";

export const title = "Export people";

const LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"; // none that looks like another
const GROUPS = 6;
const IN_A_GROUP = 4;

export async function show(place, { collection, person, signal }) {
  await filling(place, "Loading…", async () => {
    const known = (await collections(signal)).find((one) => [one.name, one.uid].includes(collection));
    const given = person ? await call("GET", path("collections", collection, "persons", person), { signal }) : null;
    return [
      crumbs([["People", linkTo("people")], [collection, linkTo("people", collection)], "Export"]),
      viewHead(
        "Export people",
        `One sealed file with names, consent, faces and kept crops, which “marginface gallery import” reads elsewhere.`,
      ),
      form(collection, known, given, signal),
    ];
  });
  place.querySelector("h1")?.focus({ preventScroll: true });
}

function form(collection, known, given, signal) {
  const who = peopleChoice(collection, known, given, signal);
  const secret = passphrase();
  const result = h("div", { class: "stack", "aria-live": "polite" });
  const go = h("button", { type: "submit", class: "button first" }, icon("save"), "Make and save the archive");
  const made = h(
    "form",
    { class: "stack loose" },
    who.element,
    secret.element,
    h("div", { class: "buttons" }, go, h("a", { class: "button", href: linkTo("people", collection) }, "Cancel")),
    result,
  );
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = who.wrong() ?? secret.wrong();
    if (wrong) return put(result, note("unsure", wrong));
    go.disabled = true;
    put(result, waiting("Making the archive…"));
    try {
      const json = { persons: who.chosen(), passphrase: secret.value() };
      const archive = await fetched(path("collections", collection, "export"), { method: "POST", json, signal });
      const name = fileName(collection);
      save(archive, name);
      put(result, done(name, archive.size, who.words()));
      say("The archive is saved.");
      secret.forget();
    } catch (error) {
      if (error.name !== "AbortError") put(result, errorNote(error));
    } finally {
      go.disabled = false;
    }
  });
  return made;
}

function done(name, size, whom) {
  return note(
    "good",
    `${name} is saved: ${whom}, ${bytes(size)}.`,
    h("p", {}, "It opens with the passphrase alone, which is kept nowhere. To read it elsewhere:"),
    h("p", {}, h("code", {}, `marginface gallery import people.db ${name}`)),
  );
}

/** A name without the name of the collection: file names end up in lists that others see. */
function fileName(collection) {
  const safe = /^[\w-]{1,40}$/.test(collection) ? `-${collection}` : "";
  return `marginface${safe}-${new Date().toISOString().slice(0, 10)}.archive`;
}

function passphrase() {
  const first = textField("Passphrase", {
    type: "password",
    required: true,
    maxlength: LONGEST.passphrase,
    spellcheck: "false",
    autocomplete: "new-password",
    hint: "Write it down, apart from the file: without it nobody can open the archive.",
  });
  const second = textField("The same again", {
    type: "password",
    required: true,
    maxlength: LONGEST.passphrase,
    spellcheck: "false",
    autocomplete: "new-password",
  });
  const [one, again] = [controlOf(first), controlOf(second)];
  const shown = h("button", { type: "button", class: "button small", "aria-pressed": "false" }, "Show");
  const turn = (isShown) => {
    for (const input of [one, again]) {
      input.type = isShown ? "text" : "password";
      input.classList.toggle("secret", isShown);
    }
    shown.setAttribute("aria-pressed", String(isShown));
    put(shown, isShown ? "Hide" : "Show");
  };
  shown.addEventListener("click", () => turn(one.type === "password"));
  const suggest = h("button", { type: "button", class: "button small" }, "Make one up");
  suggest.addEventListener("click", () => {
    one.value = again.value = madeUp();
    turn(true);
    one.focus();
    one.select();
    say("A passphrase is filled in and shown. Write it down.");
  });
  const element = h(
    "fieldset",
    { class: "card stack" },
    h("legend", { class: "legend" }, "Seal"),
    h("div", { class: "fields two" }, first, second),
    h("div", { class: "buttons" }, suggest, shown),
  );
  return {
    element,
    value: () => one.value,
    wrong: () => (one.value === again.value ? null : "The two passphrases differ. Write the same one twice."),
    forget: () => {
      one.value = again.value = "";
      turn(false);
    },
  };
}

function madeUp() {
  const letters = Array.from({ length: GROUPS * IN_A_GROUP }, letter);
  return Array.from({ length: GROUPS }, (_, at) => letters.slice(at * IN_A_GROUP, (at + 1) * IN_A_GROUP).join("")).join(
    "-",
  );
}

/** A letter by chance, each as likely as any other. */
function letter() {
  const most = 256 - (256 % LETTERS.length);
  for (;;) {
    const [byte] = crypto.getRandomValues(new Uint8Array(1));
    if (byte < most) return LETTERS[byte % LETTERS.length];
  }
}
