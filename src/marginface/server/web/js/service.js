// Calls to the service that serves this page, and to no other.

import { key } from "./session.js";

/** What the service refused, in its own words; `requestId` finds the call in its log. */
export class ServiceError extends Error {
  constructor(status, code, message, requestId = "", details = null) {
    super(message);
    Object.assign(this, { status, code, requestId, details });
  }
}

let askForKey = async () => false;

/** Say who asks the user for a key when a call needs one: a function that resolves to true when there is a new one. */
export function onKeyWanted(asking) {
  askForKey = asking;
}

/** Call the service and return what it answers as JSON; null where it answers nothing. */
export async function call(method, path, { json, form, file, signal, once = false } = {}) {
  const answer = await sent(method, path, { json, form, file, signal, once });
  return answer.status === 204 ? null : answer.json();
}

/** Fetch a picture or a file with the key in the header. */
export async function fetched(path, { signal, method = "GET", json } = {}) {
  return (await sent(method, path, { signal, json })).blob();
}

/** Join parts of a path, each encoded: path("collections", name) → "/v1/collections/…". */
export function path(...parts) {
  return `/v1/${parts.map(encodeURIComponent).join("/")}`;
}

/** Add a query; parts that are empty are left out. */
export function query(address, values) {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `${address}?${new URLSearchParams(given)}` : address;
}

/** Put values and files into a form; empty values are left out. */
export function formOf(values, files) {
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "") form.append(name, String(value));
  }
  for (const [name, file] of files) form.append(name, file, file.name || "photo.jpg");
  return form;
}

async function sent(method, path, options, isSecond = false) {
  const used = key();
  const answer = await reached(method, path, options, used);
  if (answer.ok) return answer;
  const error = await refusal(answer);
  if (answer.status === 401 && !isSecond && (key() !== used || (await askForKey(error)))) {
    return sent(method, path, options, true);
  }
  throw error;
}

async function reached(method, path, { json, form, file, signal, once }, used) {
  const headers = new Headers({ Accept: "application/json, image/*;q=0.9, */*;q=0.8" });
  if (used) headers.set("Authorization", `Bearer ${used}`);
  if (json !== undefined) headers.set("Content-Type", "application/json");
  if (file) headers.set("Content-Type", "application/octet-stream");
  if (once) headers.set("Idempotency-Key", once === true ? randomWord() : once);
  try {
    return await fetch(path, {
      method,
      headers,
      signal,
      body: file ?? form ?? (json === undefined ? undefined : JSON.stringify(json)),
      cache: "no-store",
      credentials: "omit",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError(
      0,
      "not_reached",
      "The service does not answer. See whether “marginface serve” is running and the network is there, then try again.",
    );
  }
}

async function refusal(answer) {
  const wait = answer.headers.get("Retry-After");
  const later = wait ? ` Try again in ${wait} s.` : "";
  try {
    const { error, request_id: requestId } = await answer.json();
    return new ServiceError(answer.status, error.code, error.message + later, requestId, error.details);
  } catch {
    const said = `The service answered ${answer.status} without a reason.${later}`;
    return new ServiceError(answer.status, "unexplained", said, answer.headers.get("X-Request-ID") ?? "");
  }
}

function randomWord() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
