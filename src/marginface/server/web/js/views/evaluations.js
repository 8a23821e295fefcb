// Evaluations: suites, comparisons and files of numbers below the folder that this service shows, by kind.

import { h, put } from "../elements.js";
import { choice } from "../fields.js";
import { note } from "../notes.js";
import { linkTo, viewHead } from "../router.js";
import { query } from "../service.js";
import { table } from "../tables.js";
import { age, count } from "../words.js";
import { intervalWords, KINDS, kindWords, progressOf, stateBadge, valueWords } from "./evaluation-words.js";
import { listed } from "./listed.js";
import { while_ } from "./watching.js";

export const title = "Evaluations";

const EVERY = 3000; // milliseconds between two looks while something runs
const SHOWN = 4; // figures in a row

let chosen = ""; // kind, of this page alone

export async function show(place, { signal }) {
  const list = h("div", { class: "stack loose evaluation-list" });
  const options = KINDS.map(([kind, words]) => [kind, words]);
  const kinds = choice("Kind", [["", "All kinds"], ...options], {
    value: chosen,
    change: (event) => {
      chosen = event.target.value;
      look(list, signal);
    },
  });
  put(
    place,
    viewHead("Evaluations", "What was measured, every figure with its 95 % interval; live while a suite runs."),
    h("div", { class: "toolbar" }, kinds),
    list,
  );
  await look(list, signal);
  await while_(signal, EVERY, () => list.querySelector("progress") && look(list, signal, true));
}

async function look(list, signal, isAgain = false) {
  const kind = chosen;
  const address = (cursor) => query("/v1/evaluations", { kind, cursor, limit: 100 });
  const fresh = isAgain ? h("div", {}) : list;
  await listed(fresh, { signal, address, draw, nothing: () => nothing(kind) });
  if (isAgain && fresh.querySelector("table") && !list.contains(document.activeElement)) put(list, ...fresh.childNodes);
}

function draw(items) {
  const tables = KINDS.map(([kind, words]) => [words, items.filter((one) => one.kind === kind)])
    .filter(([, rows]) => rows.length)
    .map(([words, rows]) => table(words, columns(), rows, { stacked: true }));
  return h("div", { class: "stack loose" }, tables);
}

function columns() {
  return [
    {
      name: "Evaluation",
      cell: (one) =>
        h(
          "div",
          { class: "stack-small" },
          h("a", { href: linkTo("evaluations", one.evaluation) }, one.name || one.place),
          h("span", { class: "small soft code" }, one.place),
        ),
    },
    { name: "Model", cell: (one) => one.model || "–" },
    { name: "Figures [95 %]", cell: figures },
    { name: "State", cell: (one) => h("div", { class: "stack-small" }, stateBadge(one.state), progressOf(one)) },
    {
      name: "Written",
      right: true,
      cell: (one) => h("span", { class: "date" }, one.age_seconds === null ? "–" : `${age(one.age_seconds)} ago`),
    },
  ];
}

function figures({ headline, message, state }) {
  if (state === "unreadable") return h("span", { class: "small" }, message);
  if (!headline.length) return h("span", { class: "soft" }, state === "finished" ? "–" : "none yet");
  const protocols = new Set(headline.map((one) => one.protocol));
  const rows = headline
    .slice(0, SHOWN)
    .map((one) => [
      h("dt", {}, protocols.size > 1 ? `${one.protocol}, ${one.name}` : one.name),
      h("dd", {}, h("strong", {}, valueWords(one)), " ", h("span", { class: "soft date" }, intervalWords(one))),
    ]);
  const more = headline.length - SHOWN;
  return h(
    "div",
    { class: "stack-small" },
    h("dl", { class: "figure-list" }, rows),
    more > 0 ? h("span", { class: "small soft" }, `and ${count(more)} more`) : null,
  );
}

function nothing(kind) {
  if (kind) return note("info", `There is none of this kind: ${kindWords(kind)}.`);
  return h(
    "div",
    { class: "empty" },
    h("h2", {}, "Nothing measured yet"),
    h("p", {}, "What these write below the folder of “marginface serve --runs” is shown here:"),
    h(
      "pre",
      { tabindex: "0", "aria-label": "Commands" },
      [
        "marginface evaluate suite MODEL suite.toml --out RUNS/suite",
        "marginface evaluate pairs MODEL lfw --pairs pairs.txt --out RUNS/lfw.json --report RUNS/lfw.html",
        "marginface compare recipe.toml --losses arcface,cosface --out RUNS/two",
        "marginface calibrate MODEL PHOTOS --out RUNS/door.toml --report RUNS/door.html",
        "marginface data audit CROPS --out RUNS/crops.json --report RUNS/crops.html",
      ].join("\n"),
    ),
  );
}
