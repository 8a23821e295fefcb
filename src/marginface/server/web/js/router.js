// The address after # says which view is shown; each view is loaded when it is first wanted.

import { h, put } from "./elements.js";
import { errorNote, waiting } from "./notes.js";

const ROUTES = [
  ["look", "look", () => import("./views/look.js")],
  ["compare", "compare", () => import("./views/compare.js")],
  ["identify", "identify", () => import("./views/identify.js")],
  ["people", "people", () => import("./views/people.js")],
  ["people/:collection", "people", () => import("./views/people.js")],
  ["people/:collection/export", "people", () => import("./views/export.js")],
  ["people/:collection/export/:person", "people", () => import("./views/export.js")],
  ["people/:collection/enrol", "people", () => import("./views/enrol.js")],
  ["people/:collection/person/:person", "people", () => import("./views/person.js")],
  ["jobs", "jobs", () => import("./views/jobs.js")],
  ["jobs/:job", "jobs", () => import("./views/job.js")],
  ["health", "health", () => import("./views/health.js")],
  ["events", "events", () => import("./views/events.js")],
  ["training", "training", () => import("./views/training.js")],
  ["training/:run", "training", () => import("./views/run.js")],
  ["evaluations", "evaluations", () => import("./views/evaluations.js")],
  ["evaluations/:evaluation", "evaluations", () => import("./views/evaluation.js")],
  ["key", "key", () => import("./views/key.js")],
];

let leaving = new AbortController();
let isFirst = true;

/** Show the view of the address now, and whenever it changes. */
export function start() {
  addEventListener("hashchange", go);
  return go();
}

/** Go to an address: to("people", name). */
export function to(...parts) {
  location.hash = `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** Show the same view anew, as after a change of the key. */
export function again() {
  return go();
}

/** Return the link to an address. */
export function linkTo(...parts) {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

async function go() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const found = matched(location.hash.replace(/^#\/?/, "") || "look");
  const main = document.getElementById("main");
  if (!found) return lost(main);
  mark(found.menu);
  put(main, waiting("Loading…"));
  try {
    const view = await found.load();
    if (signal.aborted) return;
    const place = h("div", {});
    put(main, place);
    const shown = view.show(place, { ...found.values, signal });
    arrive(place, view.title);
    await shown;
  } catch (error) {
    if (error.name !== "AbortError") put(main, errorNote(error, again));
  }
}

function matched(address) {
  const parts = decoded(address.split("?")[0].split("/"));
  for (const [pattern, menu, load] of ROUTES) {
    const names = pattern.split("/");
    if (names.length !== parts.length || !names.every((name, at) => name.startsWith(":") || name === parts[at]))
      continue;
    const values = Object.fromEntries(
      names.map((name, at) => [name.slice(1), parts[at]]).filter((_, at) => names[at].startsWith(":")),
    );
    return { menu, load, values };
  }
  return null;
}

/** Return the parts of an address in clear; none where it was cut or mistyped. */
function decoded(parts) {
  try {
    return parts.map(decodeURIComponent);
  } catch {
    return [];
  }
}

function mark(menu) {
  for (const link of document.querySelectorAll("#menu a")) {
    if (link.dataset.view === menu) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** After a change of the view the focus is on its heading, so that a screen reader says where it is. */
function arrive(place, title) {
  document.title = `${title} – marginface`;
  const heading = place.querySelector("h1");
  if (!isFirst) {
    heading?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  isFirst = false;
}

function lost(main) {
  mark("");
  put(
    main,
    h("h1", { tabindex: "-1" }, "There is no such view"),
    h("p", {}, "Take one from the menu, or start at ", h("a", { href: "#/look" }, "Look"), "."),
  );
}

/** Return the head of a view: heading, a sentence, and what can be done there. */
export function viewHead(title, lede, ...actions) {
  const said = h("div", {}, h("h1", { tabindex: "-1" }, title), lede ? h("p", { class: "lede" }, lede) : null);
  return h("div", { class: "view-head" }, said, actions.length ? h("div", { class: "buttons" }, actions) : null);
}

/** Return the way to where one is: [[words, address], …, words]. */
export function crumbs(steps) {
  const inside = steps.flatMap((step, at) => [
    at ? h("span", { "aria-hidden": "true" }, "›") : null,
    Array.isArray(step) ? h("a", { href: step[1] }, step[0]) : h("span", { "aria-current": "page" }, step),
  ]);
  return h("nav", { class: "crumbs", "aria-label": "Where you are" }, inside);
}
