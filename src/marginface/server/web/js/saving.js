// A file that came with the key in a header, handed to the browser to keep.

import { h } from "./elements.js";

const KEPT = 60_000; // milliseconds that the browser has to begin to save

/** Let the browser save a blob under a name. */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = h("a", { href: address, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), KEPT);
}
