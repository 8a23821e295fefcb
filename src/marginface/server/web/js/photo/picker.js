// A place for a photo: dropped, chosen, pasted or taken by the camera.

import { h, put } from "../elements.js";
import { icon } from "../icons.js";
import { canFilm, takePhoto } from "./camera.js";

const ACCEPTED = "image/*,.heic,.heif,.avif";

/**
 * Return a picker. `use(files)` gets an array of files.
 * `title`: what is wanted; `several`: more than one; `signal` ends the listening for pasted pictures (only with `paste`).
 */
export function picker({ title, words, several = false, paste = false, signal, use }) {
  const inside = h("div", { class: "photo-inside" });
  const chooser = h("input", {
    type: "file",
    accept: ACCEPTED,
    multiple: several,
    hidden: true,
    "aria-hidden": "true",
    tabindex: "-1",
  });
  chooser.addEventListener("change", () => hand([...chooser.files], () => (chooser.value = "")));
  const place = h(
    "div",
    { class: "picker", role: "group", "aria-label": title },
    icon("photo"),
    h(
      "div",
      { class: "picker-words" },
      h("p", { class: "picker-title" }, title),
      words ? h("p", { class: "hint" }, words) : null,
    ),
    inside,
    h(
      "div",
      { class: "buttons" },
      chooseButton(chooser, title, several),
      cameraButton(title, (file) => use([file])),
    ),
    chooser,
  );
  function hand(files, then) {
    const photos = several ? files : files.slice(0, 1);
    then?.();
    if (photos.length) use(photos);
  }
  listenForDrops(place, hand);
  if (paste) listenForPastes(signal, hand);
  return {
    element: place,
    /** Show what came of the photo in the place of the words. */
    fill(...children) {
      put(inside, ...children);
      place.classList.toggle("full", children.length > 0);
    },
  };
}

function chooseButton(chooser, title, several) {
  const words = several ? "Choose photos" : "Choose a photo";
  return h(
    "button",
    { type: "button", class: "button", "aria-label": `${words}: ${title}`, click: () => chooser.click() },
    icon("photo"),
    words,
  );
}

function cameraButton(title, use) {
  const taking = h("input", {
    type: "file",
    accept: "image/*",
    capture: "user",
    hidden: true,
    "aria-hidden": "true",
    tabindex: "-1",
  });
  taking.addEventListener("change", () => taking.files.length && use(taking.files[0]));
  const press = async () => {
    if (!canFilm()) return taking.click();
    const file = await takePhoto();
    if (file) use(file);
  };
  return h(
    "span",
    {},
    h(
      "button",
      { type: "button", class: "button", "aria-label": `Use the camera: ${title}`, click: press },
      icon("camera"),
      "Use the camera",
    ),
    taking,
  );
}

function listenForDrops(place, hand) {
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("over");
  });
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    hand([...event.dataTransfer.files]);
  });
}

function listenForPastes(signal, hand) {
  const listen = (event) => {
    const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
    if (files.length) hand(files);
  };
  addEventListener("paste", listen, { signal });
}
