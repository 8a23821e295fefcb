// A run: its curves, which grow while it trains; its recipe, events and report.

import { h, put } from "../elements.js";
import { errorNote, filling, note, say } from "../notes.js";
import { accuracyPlot, lossPlot } from "../plots/training.js";
import { crumbs, linkTo, viewHead } from "../router.js";
import { call, path, query } from "../service.js";
import { facts, tiles } from "../tables.js";
import { bytes, count, moment, readable } from "../words.js";
import { reportCard } from "./report.js";
import { heldOutWords, runBadge, stepsWords } from "./training.js";
import { while_ } from "./watching.js";

export const title = "A run";

const EVERY = 2000;
const POINTS = 300;

export async function show(place, { run: id, signal }) {
  const here = path("runs", id);
  const head = h("div", {});
  const now = h("div", { class: "stack" });
  const curves = h("div", { class: "split even" });
  const more = h("div", { class: "stack" });
  put(place, head, h("div", { class: "stack loose" }, now, curves, more));
  let shown = null;
  await filling(head, "Loading…", async () => {
    const [run, curve] = await Promise.all([call("GET", here, { signal }), journal(here, 0, signal)]);
    shown = { run, curve };
    draw();
    put(
      more,
      reportCard({
        has: run.has_report,
        here,
        id,
        of: run.name ?? run.folder,
        none: "It is written when the run finishes.",
        signal,
      }),
      written(run),
    );
    return [
      crumbs([["Training", linkTo("training")], run.name ?? run.folder]),
      viewHead(run.name ?? run.folder, `${run.loss ?? ""} on ${run.backbone ?? ""}, in ${run.folder}.`),
    ];
  });
  head.querySelector("h1")?.focus({ preventScroll: true });
  if (shown) await while_(signal, EVERY, follow);

  function draw() {
    const { run, curve } = shown;
    put(
      now,
      h(
        "div",
        { class: "buttons" },
        runBadge(curve.state),
        curve.state === "running" ? h("span", { class: "small soft" }, "The curves grow while it trains.") : null,
      ),
      run.message ? note("bad", run.message) : null,
      tiles([
        ["Steps", stepsWords(curve)],
        ["Loss", lastOf(curve.points, "loss")?.toPrecision(4) ?? "–"],
        ["Held-out pairs [95 %]", heldOutWords(run)],
      ]),
    );
    const accuracy = accuracyPlot(curve.points, curve.total_steps);
    put(
      curves,
      h("div", { class: "card stack" }, h("h2", {}, "Loss"), lossPlot(curve.points, curve.total_steps)),
      accuracy ? h("div", { class: "card stack" }, h("h2", {}, "Accuracy"), accuracy) : null,
    );
  }

  /** Take what came since; a run that was resumed from an earlier step is read anew. */
  async function follow() {
    if (shown.curve.state !== "running") return false;
    try {
      const next = await journal(here, shown.curve.step, signal);
      const isNew =
        next.step < shown.curve.step
          ? await journal(here, 0, signal)
          : { ...next, points: [...shown.curve.points, ...next.points] };
      const run =
        next.state === "running" && !next.points.some((point) => point.held_out !== null)
          ? shown.run
          : await call("GET", here, { signal });
      shown = { run, curve: isNew };
      draw();
      if (next.state !== "running") say(`The run is ${next.state}.`);
    } catch (error) {
      if (error.name !== "AbortError") put(now, errorNote(error));
      return false;
    }
    return true;
  }
}

function journal(here, after, signal) {
  return call("GET", query(`${here}/journal`, { after, points: after ? 60 : POINTS }), { signal });
}

function lastOf(points, name) {
  return points.findLast((point) => point[name] !== null)?.[name];
}

function written(run) {
  const events = run.events.map((one) => [
    `${readable(one.event)}`,
    `${moment(one.time)}, step ${count(one.step ?? 0)}${one.message ? `: ${one.message}` : ""}`,
  ]);
  const checkpoints = run.checkpoints.map((one) => [one.name, bytes(one.bytes)]);
  return h(
    "div",
    { class: "stack" },
    h(
      "details",
      { class: "card" },
      h("summary", {}, "Recipe"),
      h("pre", { tabindex: "0", "aria-label": "Recipe" }, run.recipe),
    ),
    h(
      "details",
      { class: "card" },
      h("summary", {}, "What happened"),
      facts(events),
      run.notes.length
        ? h(
            "ul",
            { class: "plain-list" },
            run.notes.map((one) => h("li", {}, one)),
          )
        : null,
    ),
    h(
      "details",
      { class: "card" },
      h("summary", {}, "Checkpoints and data"),
      facts([...checkpoints, ["Fingerprint of the data", run.fingerprint ? h("code", {}, run.fingerprint) : null]]),
    ),
  );
}
