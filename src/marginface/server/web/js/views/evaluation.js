// An evaluation: every figure of every protocol with its interval, what it supports, tables to keep, the report.

import { h, put } from "../elements.js";
import { icon } from "../icons.js";
import { errorNote, filling, note, say } from "../notes.js";
import { intervalScale } from "../plots/intervals.js";
import { crumbs, linkTo, viewHead } from "../router.js";
import { call, fetched, path } from "../service.js";
import { save } from "../saving.js";
import { facts, table } from "../tables.js";
import { bytes, count, readable } from "../words.js";
import { intervalWords, kindWords, progressOf, stateBadge, valueWords } from "./evaluation-words.js";
import { reportCard } from "./report.js";
import { while_ } from "./watching.js";

export const title = "An evaluation";

const EVERY = 2000;
const NONE = {
  suite: "It is written when all protocols are done.",
  comparison: "It is written when all trainings have ended.",
  sweep: "It is written when all trainings have ended.",
};
const HOW = "“--report” writes one; give it the same name as the file of “--out”.";

export async function show(place, { evaluation: id, signal }) {
  const here = path("evaluations", id);
  const head = h("div", {});
  const now = h("div", { class: "stack" });
  const parts = h("div", { class: "stack loose" });
  const more = h("div", { class: "stack" });
  put(place, head, h("div", { class: "stack loose" }, now, parts, more));
  let shown = null;
  await filling(head, "Loading…", async () => {
    draw(await call("GET", here, { signal }));
    const name = shown.name || shown.place;
    return [
      crumbs([["Evaluations", linkTo("evaluations")], name]),
      viewHead(name, `${kindWords(shown.kind)}${shown.model ? ` · ${shown.model}` : ""} · ${shown.place}`),
    ];
  });
  head.querySelector("h1")?.focus({ preventScroll: true });
  if (shown) await while_(signal, EVERY, follow);

  function draw(found) {
    const changed = shown?.state !== found.state || shown.done !== found.done;
    shown = found;
    put(now, stateOf(found));
    if (!changed) return;
    put(
      parts,
      found.parts.filter((part) => part.figures.length || part.sentences.length).map((part) => partCard(part, found.kind === "suite")),
      trainings(found),
    );
    put(more, tables(found, here, signal), reportOf(found, here, signal));
  }

  async function follow() {
    if (shown.state !== "running") return false;
    try {
      draw(await call("GET", here, { signal }));
      if (shown.state !== "running") say(`The evaluation is ${shown.state}.`);
    } catch (error) {
      if (error.name !== "AbortError") put(now, errorNote(error));
      return false;
    }
    return true;
  }
}

function stateOf(found) {
  if (found.state === "unreadable") return note("bad", "It cannot be read.", h("p", {}, found.message));
  const open = found.parts.filter((part) => part.state !== "done");
  return [
    h("div", { class: "buttons" }, stateBadge(found.state), found.state === "running" ? null : progressOf(found)),
    found.state === "running" ? h("div", { class: "card stack" }, progressOf(found), waitingParts(open)) : null,
    found.state === "stopped"
      ? note(
          "unsure",
          "It ended before all of it was done.",
          h("p", {}, "The same command goes on where it stopped; what is done is not done again."),
        )
      : null,
  ];
}

function waitingParts(open) {
  if (!open.length) return null;
  return h(
    "ul",
    { class: "waiting-parts" },
    open.map((part) =>
      h(
        "li",
        {},
        h("span", {}, part.name),
        stateBadge(part.state),
        part.images
          ? h("span", { class: "small soft number" }, `${count(part.images_done)} of ${count(part.images)} images`)
          : null,
      ),
    ),
  );
}

function partCard(part, isOfSuite) {
  const shares = part.figures.filter((figure) => !figure.is_difference);
  const differences = part.figures.filter((figure) => figure.is_difference);
  return h(
    "section",
    { class: "stack", "aria-label": part.name },
    h(
      "div",
      { class: "card-head part-head" },
      h("h2", {}, part.name),
      isOfSuite ? h("span", { class: "small soft" }, kindWords(part.kind)) : null,
    ),
    shares.length ? figureTable(`Figures of ${part.name}`, "Figure", shares) : null,
    differences.length ? figureTable(`Differences on ${part.name}`, "Difference", differences) : null,
    part.sentences.length
      ? h(
          "ul",
          { class: "plain-list sentences" },
          part.sentences.map((sentence) => h("li", {}, sentence)),
        )
      : null,
    Object.keys(part.facts).length
      ? h("details", { class: "card" }, h("summary", {}, "How it was measured"), facts(factsOf(part.facts)))
      : null,
  );
}

function figureTable(caption, first, figures) {
  const draw = intervalScale(figures);
  const columns = [
    { name: first, cell: figureName },
    { name: "Value", right: true, cell: (figure) => h("strong", { class: "date" }, valueWords(figure)) },
    { name: "95 % interval", right: true, cell: (figure) => h("span", { class: "date" }, intervalWords(figure)) },
  ];
  if (draw) columns.push({ name: "On one scale", cell: draw });
  if (figures.some((figure) => figure.note)) columns.push({ name: "Test", cell: (figure) => figure.note || "–" });
  return table(caption, columns, figures, { stacked: true, headed: true });
}

/** A figure begins a row; a difference begins with the name of a loss, which stays as it is. */
function figureName({ name, is_difference: isDifference }) {
  return isDifference ? name : name.charAt(0).toUpperCase() + name.slice(1);
}

function factsOf(told) {
  return Object.entries(told).map(([name, value]) => [readable(name), factWords(value)]);
}

function factWords(value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(5)));
  return value;
}

function trainings({ trainings: jobs }) {
  if (!jobs.length) return null;
  const columns = [
    {
      name: "Loss",
      cell: (job) => (job.run ? h("a", { href: linkTo("training", job.run) }, job.variant) : job.variant),
    },
    { name: "Seed", right: true, cell: (job) => job.seed },
    {
      name: "State",
      cell: (job) => [stateBadge(job.state), job.message ? h("p", { class: "small" }, job.message) : null],
    },
  ];
  return table("Trainings", columns, jobs, { stacked: true });
}

function tables({ tables: files }, here, signal) {
  if (!files.length) return null;
  const place = h("div", {});
  const get = ({ table: name, file }) =>
    filling(place, `Fetching ${file}…`, async () => {
      save(await fetched(`${here}/tables/${name}`, { signal }), file);
      say(`${file} is saved.`);
      return null;
    });
  const buttons = files.map((one) =>
    h(
      "button",
      { type: "button", class: "button", click: () => get(one) },
      icon("save"),
      `${one.file}`,
      h("span", { class: "soft small" }, bytes(one.bytes)),
    ),
  );
  return h(
    "section",
    { class: "stack", "aria-label": "Tables" },
    h("h2", {}, "Tables"),
    h("div", { class: "buttons" }, buttons),
    place,
  );
}

function reportOf(found, here, signal) {
  if (found.state === "unreadable") return null;
  return reportCard({
    has: found.has_report,
    here,
    id: found.evaluation,
    of: found.name || found.place,
    none: NONE[found.kind] ?? HOW,
    signal,
  });
}
