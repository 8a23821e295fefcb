"""A copy of a video or photo with a box and a name at each face."""

from __future__ import annotations

import bisect
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from marginface.errors import InputError, VideoError
from marginface.files import write_whole
from marginface.images import bgr_from_rgb, read_image
from marginface.pipeline import Identification, SearchDecision
from marginface.registry import Registry
from marginface.values import Box, ImageArray
from marginface.video.results import IdentifiedTrack, Place
from marginface.video.sources import VideoFile

CODECS: Registry[str] = Registry("suffix of an annotated video")
CODECS.add(".avi", "MJPG")
CODECS.add(".mp4", "mp4v")

PICTURES: Registry[str] = Registry("suffix of an annotated photo")
PICTURES.add(".png", "PNG")
PICTURES.add(".jpg", "JPEG")
PICTURES.add(".jpeg", "JPEG")

_COLORS = {
    SearchDecision.MATCH: (40, 170, 60),
    SearchDecision.NO_MATCH: (210, 60, 40),
    SearchDecision.CANNOT_TELL: (130, 130, 130),
}
_LONGEST_GAP = 2.0  # seconds: over a longer one no box is drawn


@dataclass(frozen=True, slots=True)
class Label:
    """What is drawn at a face."""

    box: Box
    text: str
    decision: SearchDecision


def annotate_video(source: Path, out: Path, tracks: Sequence[IdentifiedTrack]) -> int:
    """Write a video again, all frames, with the boxes of its tracks; between two sightings a box moves evenly.

    Returns:
        How many frames were written.

    Raises:
        UnknownName: The suffix is neither .avi nor .mp4.
        InputError: ``out`` is the source.
        VideoError: A video cannot be read or written.
    """
    codec = codec_for(source, out)
    video = VideoFile(source)
    part = out.with_name(f".{out.stem}.part{out.suffix}")
    try:
        written = _write(video, part, codec, tracks)
        part.replace(out)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    return written


def codec_for(source: Path, out: Path) -> str:
    """Return the codec of an annotated video; the errors are those of annotate_video, before any work is done."""
    codec = CODECS[out.suffix.lower()]
    if out.exists() and out.samefile(source):
        raise InputError(f"{out}: is the video itself; write the annotated one to another file")
    return codec


def format_for(photo: Path, out: Path) -> str:
    """Return the format of an annotated photo; the errors are those of annotate_photo, before any work is done."""
    kind = PICTURES[out.suffix.lower()]
    if out.exists() and photo.exists() and out.samefile(photo):
        raise InputError(f"{out}: is the photo itself; write the annotated one to another file")
    return kind


def annotate_photo(photo: Path, out: Path, answer: Identification) -> None:
    """Write a photo again with the boxes of its faces.

    Raises:
        UnknownName: The suffix is no picture's.
        InputError: ``out`` is the photo.
        OSError: It cannot be written.
    """
    kind, drawn = format_for(photo, out), draw_labels(read_image(photo), labels_of(answer))
    write_whole(out, lambda stream: Image.fromarray(drawn).save(stream, kind))


def _write(video: VideoFile, out: Path, codec: str, tracks: Sequence[IdentifiedTrack]) -> int:
    writer, written = cv2.VideoWriter(), 0
    code = cv2.VideoWriter.fourcc(*codec)
    try:
        for frame in video:
            height, width = frame.image.shape[:2]
            if not written and not writer.open(str(out), code, video.rate, (width, height)):
                raise VideoError(f"{out}: cannot write a video here in {codec}. Is the folder there and writable?")
            writer.write(bgr_from_rgb(draw_labels(frame.image, labels_at(tracks, frame.seconds))))
            written += 1
    finally:
        writer.release()
    return written


def labels_at(tracks: Sequence[IdentifiedTrack], seconds: float) -> list[Label]:
    """Return what is to be drawn at a time of a video."""
    boxes = [(track, box_at(track.places, seconds)) for track in tracks]
    return [Label(box, _text(track.number, track.person), track.decision) for track, box in boxes if box is not None]


def labels_of(photo: Identification) -> list[Label]:
    """Return what is to be drawn on a photo."""
    return [
        Label(face.used.face.box, _text(number, face.person), face.decision)
        for number, face in enumerate(photo.faces, start=1)
    ]


def box_at(places: Sequence[Place], seconds: float) -> Box | None:
    """Return where a face is at a time: between the sightings before and after; None where it was not seen."""
    after = bisect.bisect_left([place.seconds for place in places], seconds - 1e-6)
    if after == len(places) or (after == 0 and places[0].seconds - seconds > 1e-3):
        return None
    if after == 0 or places[after].seconds - seconds <= 1e-3:
        return places[after].box
    before, later = places[after - 1], places[after]
    gap = later.seconds - before.seconds
    if gap > _LONGEST_GAP:
        return None
    share = (seconds - before.seconds) / gap
    mixed = (1 - share) * _corners(before.box) + share * _corners(later.box)
    return Box(*mixed.tolist())


def draw_labels(image: ImageArray, labels: Sequence[Label]) -> ImageArray:
    """Return a copy of an image with boxes and names."""
    drawn = image.copy()
    thickness = max(1, round(min(image.shape[:2]) / 250))
    for label in labels:
        color = _COLORS[label.decision]
        x1, y1, x2, y2 = (round(value) for value in _corners(label.box).tolist())
        cv2.rectangle(drawn, (x1, y1), (x2, y2), color, thickness)
        place = (x1, max(y1 - 2 * thickness - 2, 12))
        cv2.putText(drawn, label.text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5 * thickness, color, thickness, cv2.LINE_AA)
    return drawn


def _text(number: int, person: str | None) -> str:
    """Return number and name in the letters that OpenCV's font has."""
    plain = unicodedata.normalize("NFKD", person or "").encode("ascii", "ignore").decode()
    return f"{number} {plain}".strip()


def _corners(box: Box) -> np.ndarray:
    return np.array([box.x1, box.y1, box.x2, box.y2])
