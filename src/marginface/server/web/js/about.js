// What the service is and what this caller may do: GET /v1, asked once and again after another key.

import { call } from "./service.js";

let known = null;

/** Return what GET /v1 says. */
export function about() {
  known ??= call("GET", "/v1").catch((error) => {
    known = null;
    throw error;
  });
  return known;
}

/** Ask again the next time: the key is another one. */
export function askAgain() {
  known = null;
}

/** Return the scopes of an answer of GET /v1. */
export function scopesOf(answer) {
  return answer.caller?.scopes ?? [];
}
