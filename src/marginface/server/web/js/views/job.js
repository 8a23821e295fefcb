// A job: progress while it runs, its result when it is over.

import { ask } from "../dialogs.js";
import { h, put } from "../elements.js";
import { errorNote, filling, note, say } from "../notes.js";
import { crumbs, linkTo, to, viewHead } from "../router.js";
import { call, path } from "../service.js";
import { facts } from "../tables.js";
import { moment } from "../words.js";
import { isOver, jobBadge, jobProgress, whatItIs } from "./job-words.js";
import { resultOf } from "./job-result.js";
import { while_ } from "./watching.js";

export const title = "A job";

const EVERY = 1000;

export async function show(place, { job: id, signal }) {
  const head = h("div", {});
  const state = h("section", { class: "card stack", "aria-label": "State" });
  const result = h("section", { class: "stack", "aria-label": "Result" });
  put(place, head, h("div", { class: "stack" }, state, result));
  await filling(head, "Loading…", async () => {
    const job = await call("GET", path("jobs", id), { signal });
    draw(job);
    return [crumbs([["Jobs", linkTo("jobs")], whatItIs(job)]), viewHead(whatItIs(job), `Made ${moment(job.created)}.`)];
  });
  head.querySelector("h1")?.focus({ preventScroll: true });
  let drawn = false;
  await while_(signal, EVERY, async () => {
    if (drawn) return false;
    try {
      draw(await call("GET", path("jobs", id), { signal }));
    } catch (error) {
      if (error.name !== "AbortError") put(result, errorNote(error));
      return false;
    }
    return !drawn;
  });

  function draw(job) {
    const cancel = h("button", { type: "button", class: "button", click: () => stop(job) }, "Cancel the job");
    const active = document.activeElement === state.querySelector("button");
    put(
      state,
      h("div", { class: "card-head" }, jobBadge(job), isOver(job) || job.stopping ? null : cancel),
      jobProgress(job),
      job.message ? note("bad", job.message) : null,
      facts([
        ["Begun", moment(job.started)],
        ["Ended", job.finished ? moment(job.finished) : null],
        ["Result kept until", job.expires ? moment(job.expires) : null],
        ["Id", h("code", {}, job.id)],
      ]),
    );
    if (active) state.querySelector("button")?.focus();
    if (!isOver(job) || drawn) return;
    drawn = true;
    say(`The job is ${job.state}.`);
    filling(result, "Loading the result…", async () => [await resultOf(job, signal), deletion(job)]);
  }

  async function stop(job) {
    await ask({
      title: "Cancel this job?",
      body: h("p", {}, "What it has done is kept."),
      action: "Cancel the job",
      leave: "Let it run",
      act: async () => draw((await call("DELETE", path("jobs", job.id), { once: true })) ?? { ...job, stopping: true }),
    });
  }

  function deletion(job) {
    const remove = async () => {
      const gone = await ask({
        title: "Delete this job and its result?",
        body: h("p", {}, "What it did to the gallery stays."),
        action: "Delete",
        danger: true,
        act: () => call("DELETE", path("jobs", job.id), { once: true }),
      });
      if (gone) to("jobs");
    };
    return h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", class: "button small", click: remove }, "Delete this job and its result"),
    );
  }
}
