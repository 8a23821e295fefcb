// What is said to the user: notes, errors with what to do, and words for screen readers.

import { h, put } from "./elements.js";
import { icon } from "./icons.js";

const ICONS = { info: "info", good: "yes", bad: "warn", unsure: "warn" };

/** Return a note: kind is info, good, bad or unsure. */
export function note(kind, title, ...more) {
  return h(
    "div",
    { class: `note note-${kind}`, role: kind === "bad" ? "alert" : null },
    icon(ICONS[kind]),
    h("strong", {}, title),
    ...more,
  );
}

/** Return an error as the service worded it, with the id of the request and, where it helps, a button to try again. */
export function errorNote(error, again = null) {
  const more = [];
  if (error.status === 403) more.push(h("p", {}, "Use another key: ", h("a", { href: "#/key" }, "Key"), "."));
  if (error.code === "needs_second_key") {
    more.push(
      h("p", {}, "Another key agrees in its view ", h("a", { href: "#/key" }, "Key"), "; then ask again here."),
    );
  }
  if (error.requestId) more.push(h("p", { class: "small-print" }, "Request ", h("code", {}, error.requestId)));
  if (again)
    more.push(
      h("div", { class: "buttons" }, h("button", { type: "button", class: "button small", click: again }, "Try again")),
    );
  return note("bad", sentenceOf(error.message), ...more);
}

/** Return the words of the service as a sentence. */
export function sentenceOf(text) {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?:…]$/.test(text) ? "" : ".");
}

/** Say something to screen readers without moving the focus. */
export function say(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  setTimeout(() => (live.textContent = text), 50);
}

/** Return a line that says that something is on its way. */
export function waiting(text) {
  return h("p", { class: "waiting" }, text);
}

const fillings = new WeakMap(); // place → the last work that was begun for it

/**
 * Show in a place that work goes on, then what it gives or why it failed; errors of a left view are swallowed.
 * Of two works for one place the later counts, whichever ends first: `work(isLast)` may ask whether it is that.
 */
export async function filling(place, text, work) {
  fillings.set(place, work);
  const isLast = () => fillings.get(place) === work;
  put(place, waiting(text));
  place.setAttribute("aria-busy", "true");
  try {
    const made = await work(isLast);
    if (made !== undefined && isLast()) put(place, made);
  } catch (error) {
    if (error.name === "AbortError" || !isLast()) return;
    put(
      place,
      errorNote(error, () => filling(place, text, work)),
    );
    if (!error.status && error.code !== "not_reached") console.error(error);
  } finally {
    if (isLast()) place.removeAttribute("aria-busy");
  }
}

/** Return reasons as a list; null where there are none. */
export function reasonList(reasons, kind = "") {
  if (!reasons?.length) return null;
  const sign = kind === "good" ? "yes" : kind === "bad" ? "no" : "warn";
  return h(
    "ul",
    { class: "reasons" },
    reasons.map((reason) => h("li", { class: kind }, icon(sign), h("span", {}, reason))),
  );
}

/** Return a word with a sign: kind is good, bad, unsure, busy or "". */
export function badge(kind, text) {
  const signs = { good: "yes", bad: "no", unsure: "unsure", busy: "clock" };
  return h("span", { class: `badge ${kind}` }, signs[kind] ? icon(signs[kind]) : null, text);
}
