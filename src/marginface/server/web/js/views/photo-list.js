// Photos that are gathered before they are sent, each with a small picture.

import { h, put } from "../elements.js";
import { say } from "../notes.js";
import { picker } from "../photo/picker.js";
import { many } from "../words.js";

/** Return a picker that gathers photos: { element, files() }. */
export function photoList() {
  let files = [];
  const thumbs = h("ul", { class: "thumbs", "aria-label": "Photos to enrol" });
  const photos = picker({
    title: "Drop photos of this person here",
    words: "Several help: other light, other days. Each is judged by itself.",
    several: true,
    use: (more) => add(more),
  });
  const element = h("div", { class: "stack" }, photos.element, thumbs);
  function add(more) {
    files = [...files, ...more];
    draw();
    say(`${many(files.length, "photo")} to enrol.`);
  }
  function draw() {
    put(
      thumbs,
      files.map((file, at) =>
        h(
          "li",
          {},
          thumbOf(file),
          h("span", {}, file.name),
          h(
            "button",
            {
              type: "button",
              class: "button small",
              "aria-label": `Remove photo ${at + 1}, ${file.name}`,
              click: () => remove(at),
            },
            "Remove",
          ),
        ),
      ),
    );
  }
  function remove(at) {
    files = files.filter((_, place) => place !== at);
    draw();
  }
  return { element, files: () => files };
}

/** Return a small picture of a file. */
export function thumbOf(file, words = "") {
  const image = h("img", { alt: words, src: URL.createObjectURL(file) });
  image.addEventListener("load", () => URL.revokeObjectURL(image.src));
  return image;
}
