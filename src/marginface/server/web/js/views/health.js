// Health: by which thresholds it is decided, what the gallery holds, whether it is whole, who did what.

import { calibration } from "../calibration.js";
import { h, put } from "../elements.js";
import { filling, note, say } from "../notes.js";
import { detPlot } from "../plots/det.js";
import { ratesPlot } from "../plots/rates.js";
import { viewHead } from "../router.js";
import { call, path } from "../service.js";
import { facts, table, tiles } from "../tables.js";
import { bytes, count, many, oneIn, percent, similarity } from "../words.js";
import { auditSection } from "./audit.js";
import { collections } from "./collections.js";

export const title = "Health";

export async function show(place, { signal }) {
  const thresholds = h("div", { class: "stack" });
  const gallery = h("div", { class: "stack" });
  put(
    place,
    viewHead("Health", "By which thresholds this service decides, and whether its gallery is whole."),
    h(
      "div",
      { class: "stack loose" },
      h(
        "section",
        { class: "stack", "aria-labelledby": "calibration" },
        h("h2", { id: "calibration" }, "Calibration"),
        thresholds,
      ),
      h("section", { class: "stack", "aria-labelledby": "gallery" }, h("h2", { id: "gallery" }, "Gallery"), gallery),
      auditSection(signal),
    ),
  );
  await Promise.all([
    filling(thresholds, "Loading the thresholds…", async () => shownCalibration(await calibration(signal))),
    filling(gallery, "Counting…", async () => shownCollections(await collections(signal), signal)),
  ]);
}

function shownCalibration(known) {
  const det = detPlot(known.rungs);
  const columns = [
    {
      name: "FMR",
      cell: (rung) =>
        h("span", { class: "date" }, oneIn(rung.fmr), h("span", { class: "soft" }, `  ${percent(rung.fmr)}`)),
    },
    { name: "Threshold", right: true, cell: (rung) => similarity(rung.similarity) },
    { name: "True FMR, 95 %", right: true, cell: (rung) => between(rung.fmr_low, rung.fmr_high) },
    { name: "FNMR", right: true, cell: (rung) => percent(rung.fnmr) },
    { name: "True FNMR, 95 %", right: true, cell: (rung) => between(rung.fnmr_low, rung.fnmr_high) },
  ];
  return [
    h(
      "p",
      { class: "soft" },
      `Model ${known.model}, set on ${known.data}: ${count(known.impostorPairs)} pairs of different people. It holds for contract `,
      h("code", {}, known.contract),
      " and for people and photos like these; calibrate on your own for yours.",
    ),
    h(
      "div",
      { class: "split even" },
      det
        ? h("div", { class: "card stack" }, h("h3", {}, "Detection error trade-off"), det)
        : note("info", "Without genuine pairs there is no trade-off to draw."),
      h("div", { class: "card stack" }, h("h3", {}, "Error rates over similarity"), ratesPlot(known.rungs)),
    ),
    table("Thresholds", columns, known.rungs, {
      hint: "FMR: different people called the same. FNMR: one person called different.",
    }),
  ];
}

function between(low, high) {
  return low === null || high === null ? "–" : `${percent(low)} – ${percent(high)}`;
}

async function shownCollections(known, signal) {
  if (!known.length) return note("info", "There is no collection yet.");
  const sums = (name) => known.reduce((sum, one) => sum + one[name], 0);
  return [
    tiles([
      ["Collections", count(known.length)],
      ["People", count(sums("people"))],
      ["Faces", count(sums("faces"))],
      ["Kept crops", count(sums("crops"))],
    ]),
    ...(await Promise.all(known.map((one) => collectionCard(one, signal)))),
  ];
}

async function collectionCard(one, signal) {
  const stats = await call("GET", path("collections", one.uid, "stats"), { signal });
  const { least, median, most } = stats.faces_per_person;
  const result = h("div", {});
  const check = () =>
    filling(result, "Opening every record…", async () => {
      const report = await call("GET", path("collections", one.uid, "check"), { signal });
      say(report.ok ? `${one.name} is whole.` : `${one.name}: ${many(report.findings.length, "finding")}.`);
      if (report.ok)
        return note(
          "good",
          "All is well: every record opens and fits.",
          h("p", {}, `${many(report.people, "person", "people")} and ${many(report.faces, "face")} were looked at.`),
        );
      return note(
        "bad",
        `${many(report.findings.length, "finding")}:`,
        h(
          "ul",
          { class: "plain-list" },
          report.findings.map((finding) => h("li", {}, finding)),
        ),
      );
    });
  return h(
    "article",
    { class: "card stack", "aria-label": `Collection ${one.name}` },
    h(
      "div",
      { class: "card-head" },
      h("h3", {}, one.name),
      h(
        "button",
        { type: "button", class: "button small", "aria-label": `Check ${one.name}`, click: check },
        "Check every record",
      ),
    ),
    stats.due
      ? note(
          "unsure",
          `${many(stats.due, "person is", "people are")} past their last day.`,
          h("p", {}, "Start a purge: ", h("a", { href: "#/jobs" }, "Jobs"), "."),
        )
      : null,
    facts([
      [
        "People",
        `${count(stats.people)}${stats.people_without_faces ? `, ${count(stats.people_without_faces)} without a face` : ""}`,
      ],
      ["Faces", `${count(stats.faces)}${stats.faces ? `: ${least} to ${most} a person, median ${median}` : ""}`],
      ["Vectors", bytes(stats.vector_bytes)],
      ["Search", stats.search],
      [
        "Sealed",
        stats.sealed_by === "open"
          ? "no: who has the file can read it"
          : `by key ${stats.sealed_by}${stats.rotated ? ", and rotated" : ""}`,
      ],
      ["Contract", h("code", {}, stats.contract)],
    ]),
    result,
  );
}
