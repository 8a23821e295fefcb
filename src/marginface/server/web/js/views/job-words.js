// A job in words: what it does, where it is, how far.

import { h } from "../elements.js";
import { badge } from "../notes.js";
import { count } from "../words.js";

const KINDS = {
  enrol: (where) => `Import into ${where}`,
  cluster: () => "Group photos",
  migrate: (where) => `Embed ${where} anew`,
  purge: () => "Purge who was due",
};
const STATES = {
  waiting: ["busy", "Waits for its archive"],
  queued: ["busy", "Waits"],
  running: ["busy", "Runs"],
  done: ["good", "Done"],
  failed: ["bad", "Failed"],
  cancelled: ["", "Cancelled"],
};
const OVER = ["done", "failed", "cancelled"];

/** Say whether nothing more comes of a job. */
export function isOver(job) {
  return OVER.includes(job.state);
}

/** Return what a job does, and in which collection. */
export function whatItIs(job) {
  return KINDS[job.kind]?.(job.collection ?? "a collection that is gone") ?? job.kind;
}

/** Return the state of a job. */
export function jobBadge(job) {
  const [kind, words] = STATES[job.state] ?? ["", job.state];
  return badge(kind, job.stopping ? "Is being cancelled" : words);
}

/** Return how far a job is: a bar while it runs, numbers always. */
export function jobProgress(job) {
  const words = job.total ? `${count(job.done)} of ${count(job.total)}` : job.done ? count(job.done) : "–";
  if (isOver(job)) return words;
  const bar = h("progress", { max: job.total || 1, "aria-label": "Progress" });
  if (job.total) bar.value = job.done;
  return h(
    "div",
    { class: "stack-small progress-line" },
    bar,
    h("span", { class: "small number" }, job.total ? words : "not begun yet"),
  );
}
