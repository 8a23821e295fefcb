// Jobs: long work, what is running and what came of what ran.

import { ask } from "../dialogs.js";
import { h, put } from "../elements.js";
import { choice, LONGEST, textField, tick } from "../fields.js";
import { note } from "../notes.js";
import { linkTo, to, viewHead } from "../router.js";
import { query } from "../service.js";
import { table } from "../tables.js";
import { moment } from "../words.js";
import { collectionChoice, collections } from "./collections.js";
import { reviewChoice } from "./enrol.js";
import { jobBadge, jobProgress, whatItIs } from "./job-words.js";
import { listed } from "./listed.js";
import { startJob } from "./job-start.js";
import { while_ } from "./watching.js";

export const title = "Jobs";

const EVERY = 2000; // milliseconds between two looks at the list

export async function show(place, { signal }) {
  const list = h("div", { class: "stack" });
  const start = (words, act) => h("button", { type: "button", class: "button", click: act }, words);
  put(
    place,
    viewHead("Jobs", "Long work goes on when you leave this page, and survives a restart of the service."),
    h(
      "div",
      { class: "stack loose" },
      h(
        "section",
        { class: "card stack", "aria-label": "Start a job" },
        h("h2", {}, "Start a job"),
        h(
          "div",
          { class: "buttons" },
          start("Import people", importPeople),
          start("Group photos by person", group),
          start("Embed anew by another model", migrate),
          start("Purge who is due", purge),
        ),
      ),
      h("section", { class: "stack", "aria-label": "Jobs" }, list),
    ),
  );
  await look(list, signal);
  await while_(signal, EVERY, () => list.querySelector("progress") && look(list, signal, true));
}

async function look(list, signal, isAgain = false) {
  const address = (cursor) => query("/v1/jobs", { cursor, limit: 30 });
  const fresh = isAgain ? h("div", {}) : list;
  await listed(fresh, { signal, address, draw: jobTable, nothing });
  if (isAgain && fresh.querySelector("table") && !list.contains(document.activeElement)) put(list, ...fresh.childNodes);
}

function jobTable(items) {
  const columns = [
    { name: "Job", cell: (job) => h("a", { href: linkTo("jobs", job.id) }, whatItIs(job)) },
    { name: "State", cell: (job) => jobBadge(job) },
    { name: "Progress", cell: (job) => jobProgress(job) },
    { name: "Begun", cell: (job) => moment(job.started ?? job.created) },
  ];
  return table("Jobs, the newest first", columns, items, { stacked: true });
}

function nothing() {
  return h(
    "div",
    { class: "empty" },
    h("h2", {}, "No job yet"),
    h("p", {}, "Import a folder of people, or group the photos of an archive by who is in them."),
  );
}

async function importPeople() {
  const known = await collections();
  await begun({
    title: "Import people",
    words:
      "A .zip or .tar with a folder for each person, photos in it. The name of the folder is the name of the person.",
    fields: [
      fileField(),
      collectionChoice(known, { name: "collection" }),
      textField("Consent of all of them", { name: "consent", required: true, maxlength: LONGEST.text }),
      textField("Purpose", { name: "purpose", required: true, maxlength: LONGEST.text }),
      textField("Kept until", { name: "retain_until", type: "date", hint: "Empty: until erased by hand." }),
      reviewChoice(),
      h("div", { class: "wide" }, tick("Keep the aligned crops, sealed", { name: "keep_crops" })),
    ],
    action: "Upload and start",
    wish: (form) => ({
      kind: "enrol",
      collection: form.get("collection"),
      consent: form.get("consent"),
      purpose: form.get("purpose"),
      keep_crops: form.has("keep_crops"),
      review: form.get("review"),
      ...(form.get("retain_until") ? { retain_until: form.get("retain_until") } : {}),
    }),
  });
}

async function group() {
  await begun({
    title: "Group photos by person",
    words: "A .zip or .tar of photos. The groups have no names; nobody is enrolled.",
    fields: [
      fileField(),
      choice(
        "Quality",
        [
          ["usable", "Usable faces"],
          ["standard", "Only good faces"],
          ["off", "Every face"],
        ],
        { name: "quality", hint: "Poorer faces are left out." },
      ),
    ],
    action: "Upload and start",
    wish: (form) => ({ kind: "cluster", quality: form.get("quality") }),
  });
}

async function migrate() {
  const known = await collections();
  await begun({
    title: "Embed anew by another model",
    words:
      "The kept crops of a collection are embedded by another model, beside the old ones, which are searched meanwhile.",
    fields: [
      collectionChoice(known, { name: "collection" }),
      textField("Model", {
        name: "model",
        maxlength: LONGEST.name,
        hint: "A registered name; empty: the model of this service.",
      }),
      h("div", { class: "wide" }, tick("Erase the old embeddings at the end", { name: "erase_old" })),
    ],
    action: "Start",
    wish: (form) => ({
      kind: "migrate",
      collection: form.get("collection"),
      model: form.get("model"),
      erase_old: form.has("erase_old"),
    }),
  });
}

async function purge() {
  await begun({
    title: "Erase everyone whose last day has passed?",
    words: "In all collections. The result is a receipt for each.",
    fields: [],
    action: "Erase who is due",
    danger: true,
    wish: () => ({ kind: "purge" }),
  });
}

async function begun({ title, words, fields, action, danger = false, wish }) {
  const progress = h("div", {});
  const job = await ask({
    title,
    body: h(
      "div",
      { class: "stack" },
      h("p", { class: "soft" }, words),
      h("div", { class: "fields" }, fields),
      progress,
    ),
    action,
    danger,
    act: (form) => startJob(wish(form), form.get("archive"), (text) => put(progress, note("info", text))),
  });
  if (job) to("jobs", job.id);
}

function fileField() {
  return textField("Archive", {
    name: "archive",
    type: "file",
    required: true,
    accept: ".zip,.tar,.tgz,.tar.gz",
    wide: true,
  });
}
