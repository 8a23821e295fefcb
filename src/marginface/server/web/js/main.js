// The start of the page: menu, key, first view.

import { about, askAgain, scopesOf } from "./about.js";
import { ask } from "./dialogs.js";
import { h, put } from "./elements.js";
import { textField } from "./fields.js";
import { icon } from "./icons.js";
import { sentenceOf } from "./notes.js";
import { start } from "./router.js";
import { onKeyWanted } from "./service.js";
import { keepKey } from "./session.js";

const NEEDS = {
  look: "detect",
  compare: "verify",
  identify: "identify",
  people: "people",
  jobs: "jobs",
  health: "stats",
  events: "audit",
  training: "runs",
  evaluations: "runs",
};

let asking = null;

function prepareMenu() {
  const button = document.getElementById("menu-button");
  const menu = document.getElementById("menu");
  const turn = (open) => {
    menu.classList.toggle("open", open);
    button.setAttribute("aria-expanded", String(open));
  };
  button.addEventListener("click", () => turn(!menu.classList.contains("open")));
  addEventListener("hashchange", () => turn(false));
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.classList.contains("open")) return;
    turn(false);
    button.focus();
  });
  for (const link of menu.querySelectorAll("a")) link.prepend(icon(link.dataset.view));
}

/** The link to the content moves the focus and not the address, which says what the view is. */
function prepareSkipLink() {
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
}

/** Say in the menu what the key does not allow, and what is running. */
async function markMenu() {
  const answer = await about();
  const scopes = scopesOf(answer);
  for (const link of document.querySelectorAll("#menu a")) {
    link.querySelector(".locked")?.remove();
    const needed = NEEDS[link.dataset.view];
    if (needed && !scopes.includes(needed)) link.append(h("span", { class: "locked" }, "not for this key"));
  }
  put(
    document.getElementById("menu-foot"),
    `${answer.name} ${answer.version}`,
    h("br"),
    "Contract ",
    h("code", {}, answer.contract),
  );
}

/** Ask for a key, once for all calls that want one. */
function askForKey(error) {
  asking ??= ask({
    title: "This service wants a key",
    body: h("div", { class: "stack" }, h("p", {}, sentenceOf(error.message)), keyField()),
    action: "Use this key",
    act: (form) => useKey(form.get("key")),
  }).finally(() => (asking = null));
  return asking;
}

function keyField() {
  return textField("API key", {
    name: "key",
    type: "password",
    spellcheck: "false",
    required: true,
    autofocus: true,
    hint: "It is kept until this tab is closed, and nowhere else.",
  });
}

function useKey(value) {
  keepKey(value);
  askAgain();
  setTimeout(() => markMenu().catch(() => {}));
  return true;
}

prepareMenu();
prepareSkipLink();
onKeyWanted(askForKey);
addEventListener("key-changed", () => markMenu().catch(() => {}));
start(); // a view that follows something goes on until it is left
await markMenu().catch(() => {});
