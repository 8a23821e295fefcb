// The key of this session: kept in sessionStorage, which ends with the tab. Nothing else is kept anywhere.

const PLACE = "marginface-key";

/** Return the key, or "" where none was given. */
export function key() {
  return sessionStorage.getItem(PLACE) ?? "";
}

/** Keep a key until the tab is closed. */
export function keepKey(value) {
  sessionStorage.setItem(PLACE, value.trim());
}

/** Forget the key. */
export function forgetKey() {
  sessionStorage.removeItem(PLACE);
}
