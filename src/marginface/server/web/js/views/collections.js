// The collections of the gallery, and which of them was used last on this page.

import { choice } from "../fields.js";
import { call } from "../service.js";
import { count } from "../words.js";

let last = ""; // of this page alone: names are kept nowhere

/** Return the collections that this caller may see. */
export async function collections(signal) {
  return (await call("GET", "/v1/collections", { signal })).items;
}

/** Return a choice of a collection. */
export function collectionChoice(known, attributes = {}) {
  const options = known.map((one) => [
    one.name,
    `${one.name} (${count(one.people)} people, ${count(one.faces)} faces)`,
  ]);
  return choice("Collection", options, { value: rightCollection(known), ...attributes });
}

/** Use this collection where none is named. */
export function rememberCollection(name) {
  last = name;
}

/** Return the collection that was used last, or the one with the most people. */
export function rightCollection(known) {
  if (known.some((one) => one.name === last)) return last;
  return known.toSorted((one, other) => other.people - one.people)[0]?.name ?? "";
}
