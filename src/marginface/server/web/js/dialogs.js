// Questions in a <dialog>: the focus stays in it, Escape leaves it, and it goes back to where it was.

import { freshId, h, put } from "./elements.js";
import { errorNote } from "./notes.js";

/**
 * Ask something and resolve to what `act` gave, or to null where the user left.
 * `act` may throw a ServiceError: it is shown, and the dialog stays open.
 */
export function ask({ title, body, action, act, danger = false, leave = "Cancel" }) {
  return new Promise((resolve) => {
    let given = null;
    const name = freshId("dialog");
    const errors = h("div", {});
    const go = h("button", { type: "submit", class: `button first ${danger ? "danger" : ""}` }, action);
    const form = h(
      "form",
      { class: "dialog-body", novalidate: false },
      h("h2", { id: name, tabindex: "-1" }, title),
      body,
      errors,
      h(
        "div",
        { class: "dialog-foot" },
        h("button", { type: "button", class: "button", click: () => dialog.close() }, leave),
        go,
      ),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      go.disabled = true;
      try {
        given = (await act(new FormData(form))) ?? true;
        dialog.close();
      } catch (error) {
        put(errors, errorNote(error));
      } finally {
        go.disabled = false;
      }
    });
    const dialog = opened(h("dialog", { "aria-labelledby": name }, form), () => resolve(given));
  });
}

/** Show something until it is closed. */
export function show({ title, body, leave = "Close", more = [] }) {
  return new Promise((resolve) => {
    const name = freshId("dialog");
    const close = h("button", { type: "button", class: "button first", click: () => dialog.close() }, leave);
    const inside = h(
      "div",
      { class: "dialog-body" },
      h("h2", { id: name, tabindex: "-1" }, title),
      body,
      h("div", { class: "dialog-foot" }, more, close),
    );
    const dialog = opened(h("dialog", { "aria-labelledby": name }, inside), resolve);
  });
}

/** Open a dialog that goes when it is closed, or when the address changes; the focus goes back to where it was. */
export function opened(dialog, whenClosed) {
  const before = document.activeElement;
  const close = () => dialog.close();
  addEventListener("hashchange", close, { once: true });
  dialog.addEventListener("close", () => {
    removeEventListener("hashchange", close);
    dialog.remove();
    if (before?.isConnected) before.focus();
    whenClosed();
  });
  document.body.append(dialog);
  dialog.showModal();
  (dialog.querySelector("[autofocus]") ?? dialog.querySelector("h2")).focus();
  return dialog;
}
