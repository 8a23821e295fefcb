// A photo with boxes, landmarks and names on it.

import { h, put, s } from "../elements.js";

const EDGE = 28; // pixels on the screen below the upper edge, where a name goes into the box
const ROOM = 1.9; // widths of a box that a name may take before it is broken
const LEAST = 84; // pixels on the screen below which numbers stand alone; the names are in the table

/**
 * Return { element, choose(place) }.
 * Marks are { box: [x1, y1, x2, y2], landmarks, number, tag, kind } in pixels of the photo; kind is "", good, bad or unsure.
 */
export function markedPhoto(file, marks, { words, isSmall = false } = {}) {
  const image = h("img", { alt: words });
  const element = h("div", { class: isSmall ? "photo small" : "photo" }, image);
  let frames = [];
  image.addEventListener("load", () => {
    URL.revokeObjectURL(image.src);
    const size = [image.naturalWidth, image.naturalHeight];
    const drawing = s("svg", {
      viewBox: `0 0 ${size[0]} ${size[1]}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    });
    frames = marks.map((mark) => drawn(drawing, mark, size));
    const tags = marks.map((mark) => tagOf(mark, size));
    element.append(drawing, ...tags.filter(Boolean));
    new ResizeObserver(() => fitTags(element, marks, tags, element.clientWidth / size[0])).observe(element);
    element.classList.add("drawn");
  });
  image.addEventListener("error", () => {
    URL.revokeObjectURL(image.src);
    element.classList.add("drawn");
    put(element, h("p", { class: "no-preview" }, "This browser cannot show this file."));
  });
  image.src = URL.createObjectURL(file);
  return {
    element,
    /** Draw one box bolder than the others; none with −1. */
    choose(place) {
      frames.forEach((frame, at) => frame.classList.toggle("chosen", at === place));
    },
  };
}

function drawn(drawing, mark, [width]) {
  const [x1, y1, x2, y2] = mark.box;
  const shape = { x: x1, y: y1, width: x2 - x1, height: y2 - y1, rx: (x2 - x1) * 0.06 };
  const frame = s("rect", { ...shape, class: `mark ${mark.kind ?? ""}` });
  drawing.append(s("rect", { ...shape, class: "mark-under" }), frame);
  const radius = Math.max(width / 400, (x2 - x1) / 45);
  for (const [x, y] of mark.landmarks ?? []) drawing.append(s("circle", { cx: x, cy: y, r: radius, class: "point" }));
  return frame;
}

function tagOf(mark, [width, height]) {
  if (!mark.tag && !mark.number) return null;
  const [x1, y1, x2] = mark.box;
  const room = ROOM * (x2 - x1);
  const center = Math.max(room / 2, Math.min(width - room / 2, (x1 + x2) / 2));
  const tag = h(
    "div",
    { class: `tag ${mark.kind ?? ""}`, "aria-hidden": "true" },
    h(
      "span",
      {},
      mark.number ? `${mark.number} ` : "",
      h("span", { class: mark.number ? "tag-name" : null }, mark.tag),
    ),
  );
  tag.style.left = `${share(center, width)}%`;
  tag.style.top = `${share(y1, height)}%`;
  tag.style.setProperty("--room", `${share(room, width)}%`);
  return tag;
}

/** Leave the names out where faces are too narrow for them, and set tags into their boxes below the upper edge. */
function fitTags(element, marks, tags, scale) {
  const narrowest = Math.min(...marks.map(({ box }) => ROOM * (box[2] - box[0]) * scale));
  element.classList.toggle("brief", narrowest < LEAST);
  tags.forEach((tag, at) => tag?.classList.toggle("inside", marks[at].box[1] * scale < EDGE));
}

function share(value, whole) {
  return Math.min(100, Math.max(0, (100 * value) / whole));
}

/** Return a small picture of a part of a photo, with some room around; empty where the browser cannot read the photo. */
export function cutOut(file, box) {
  const canvas = h("canvas", { class: "cut-out", width: 96, height: 96, "aria-hidden": "true" });
  const [x1, y1, x2, y2] = box;
  const side = Math.max(x2 - x1, y2 - y1) * 1.2;
  createImageBitmap(file).then(
    (picture) =>
      canvas.getContext("2d").drawImage(picture, (x1 + x2 - side) / 2, (y1 + y2 - side) / 2, side, side, 0, 0, 96, 96),
    () => canvas.remove(),
  );
  return canvas;
}
