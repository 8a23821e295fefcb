// A job is made, and its archive sent.

import { call, path } from "../service.js";
import { bytes } from "../words.js";

/** Start a job and return it; `told(text)` is called while its archive is sent. */
export async function startJob(wish, archive, told) {
  if (archive?.size) told(`Sending ${bytes(archive.size)}…`);
  const job = await call("POST", "/v1/jobs", { json: wish, once: true });
  return archive?.size ? call("PUT", path("jobs", job.id, "archive"), { file: archive }) : job;
}
