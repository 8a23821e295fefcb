// A photo from the camera of this machine. The picture stays here until it is used.

import { opened } from "../dialogs.js";
import { freshId, h, put } from "../elements.js";
import { note } from "../notes.js";

const WANTED = { video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } }, audio: false };
const REFUSED = {
  NotAllowedError:
    "The browser does not let this page use the camera. Allow it in the settings of this address, or choose a photo instead.",
  NotFoundError: "No camera was found. Choose a photo instead.",
  NotReadableError: "Another program uses the camera. Close it, or choose a photo instead.",
};

/** Say whether the camera can be used here: browsers allow it on https and on this machine alone. */
export function canFilm() {
  return Boolean(navigator.mediaDevices?.getUserMedia);
}

/** Open the camera and resolve to a photo as a File; null where the user left. */
export function takePhoto() {
  return new Promise((resolve) => {
    const name = freshId("camera");
    let film = null;
    let photo = null;
    const video = h("video", { autoplay: true, muted: true, playsinline: true, "aria-label": "What the camera sees" });
    const trouble = h("div", {});
    const take = h("button", { type: "button", class: "button first", disabled: true }, "Take the photo");
    const leave = h("button", { type: "button", class: "button", click: () => dialog.close() }, "Cancel");
    const dialog = h(
      "dialog",
      { class: "camera", "aria-labelledby": name },
      h(
        "div",
        { class: "dialog-body" },
        h("h2", { id: name, tabindex: "-1" }, "Camera"),
        video,
        trouble,
        h("div", { class: "dialog-foot" }, leave, take),
      ),
    );
    take.addEventListener("click", async () => {
      photo = await frameOf(video);
      dialog.close();
    });
    opened(dialog, () => {
      film?.getTracks().forEach((track) => track.stop());
      resolve(photo);
    });
    navigator.mediaDevices.getUserMedia(WANTED).then(
      async (stream) => {
        film = stream;
        if (!dialog.isConnected) return film.getTracks().forEach((track) => track.stop());
        video.srcObject = film;
        await video.play().catch(() => {});
        take.disabled = false;
        take.focus();
      },
      (error) => put(trouble, note("bad", REFUSED[error.name] ?? `The camera cannot be used: ${error.message}`)),
    );
  });
}

function frameOf(video) {
  const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => {
    canvas.toBlob((blob) => resolve(new File([blob], "camera.jpg", { type: "image/jpeg" })), "image/jpeg", 0.95);
  });
}
