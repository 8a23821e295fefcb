"""``marginface identify``: who of the known people is in a video, before a camera, or in a photo?"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from marginface.cli.gallery.options import InCollection, KeyFile, opened
from marginface.cli.options import (
    CalibrationFile,
    Fpir,
    Gate,
    JsonFlag,
    MinScore,
    Mirror,
    Model,
    Runtime,
    UncertainFpir,
    checked_place,
    json_text,
    print_json,
)
from marginface.cli.recognizing import recognizer_for
from marginface.defaults import DEFAULT_ENGINE, DEFAULT_FPIR, DEFAULT_GATE, DEFAULT_MIN_SCORE, DEFAULT_MODEL
from marginface.words import plural

if TYPE_CHECKING:
    from marginface.pipeline import Recognizer, Searchable
    from marginface.video import Frames, IdentifiedTrack, VideoSettings

app = typer.Typer()

_INTERRUPTED = 130
_PICTURES_IN_A_ROW = (".mjpeg", ".mjpg")  # videos that begin as a JPEG does


@app.command()
def identify(
    source: Annotated[
        str,
        typer.Argument(
            metavar="VIDEO|CAMERA|PHOTO",
            show_default=False,
            help="A video file; the number of a camera (0) or rtsp://…; or a photo.",
        ),
    ],
    people: Annotated[
        Path | None,
        typer.Option("--people", metavar="DIR", show_default=False, help="A folder for each person, with photos."),
    ] = None,
    gallery: Annotated[
        str, typer.Option("--gallery", metavar="GALLERY", show_default=False, help="Or a gallery: a file or server.")
    ] = "",
    collection: InCollection = "",
    key_file: KeyFile = None,
    fpir: Fpir = DEFAULT_FPIR,
    uncertain_fpir: UncertainFpir = None,
    every: Annotated[float, typer.Option(help="Seconds from one frame that is looked at to the next; 0: all.")] = 0.2,
    quality: Gate = DEFAULT_GATE,
    annotate: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            show_default=False,
            callback=checked_place,
            help="Write a copy with boxes and names: .avi, .mp4, or .png.",
        ),
    ] = None,
    model: Model = DEFAULT_MODEL,
    calibration: CalibrationFile = None,
    mirror: Mirror = False,
    min_score: MinScore = DEFAULT_MIN_SCORE,
    engine: Runtime = DEFAULT_ENGINE,
    as_json: JsonFlag = False,
) -> None:
    """Say who of the known people is in a video, before a camera, or in a photo.

    In a video each person is followed and there is one decision for the best faces together, printed when the person
    has gone; with --json a line of JSON each. Ctrl-C ends a video or camera in order: whoever is in sight is answered.
    Exit status: 0 somebody was found, 1 nobody, 3 it cannot be told (no face, too poor), 2 an error, 130 ended by
    Ctrl-C.
    """
    from marginface.video import VideoSettings

    recognizer = recognizer_for(model, calibration, mirror=mirror, min_score=min_score, engine=engine)
    settings = VideoSettings(fpir, uncertain_fpir, quality=quality)
    shown = _photo_at(source, annotate) if _is_photo(source) else _frames_of(source, every, annotate)
    with _known(recognizer, people, gallery, collection, key_file) as known:
        if isinstance(shown, Path):
            status = _photo(recognizer, shown, known, settings, annotate, as_json=as_json)
        else:
            status = _video(recognizer, shown, known, settings, annotate, as_json=as_json)
    raise typer.Exit(status)


@contextmanager
def _known(
    recognizer: Recognizer, folder: Path | None, gallery: str, collection: str, key_file: Path | None
) -> Iterator[Searchable]:
    """Give the people to search among; a gallery stays open as long as they are needed."""
    from marginface.enrolment import CollectionPeople, folder_of_people, require_contract
    from marginface.errors import InputError

    if (folder is None) == (not gallery):
        raise InputError("say who is known: --people DIR or --gallery GALLERY, one of the two")
    if folder is None:
        with opened(gallery, key_file) as whole:
            chosen = whole.collection(collection)
            require_contract(gallery, chosen, recognizer)
            yield CollectionPeople(chosen)
        return
    photos: dict[str, list[Path]] = {}
    for one in folder_of_people(folder).photos:
        if one.person:
            photos.setdefault(one.person, []).append(one.path)
    known = recognizer.enrol(photos)
    typer.echo(known.explain(), err=True)
    if not len(known):
        raise InputError(f"{folder}: nobody is known: it has a folder for each person, with their photos")
    yield known


def _is_photo(source: str) -> bool:
    """Say whether a photo is named; a file of any other name is one by its content, as everywhere."""
    from marginface.images import IMAGE_SUFFIXES, is_picture

    path = Path(source)
    if "://" in source or source.isdecimal() or path.suffix.lower() in _PICTURES_IN_A_ROW:
        return False
    return path.suffix.lower() in IMAGE_SUFFIXES or (path.is_file() and is_picture(path))


def _photo_at(source: str, annotate: Path | None) -> Path:
    """Return the photo that is named; raise what is wrong with it before everyone who is known is embedded."""
    from marginface.images import read_image
    from marginface.video import format_for

    photo = Path(source)
    read_image(photo)
    if annotate is not None:
        format_for(photo, annotate)
    return photo


def _frames_of(source: str, every: float, annotate: Path | None) -> Frames:
    """Return the frames of the video or camera that is named; raise what is wrong with it, as for a photo."""
    from marginface.errors import InputError
    from marginface.video import VideoFile, codec_for, open_frames

    frames = open_frames(source, every=every)
    if annotate is not None:
        if not isinstance(frames, VideoFile):
            raise InputError("--annotate needs a file: it is written at the end, and what a camera showed is gone then")
        codec_for(frames.path, annotate)
    return frames


def _photo(
    recognizer: Recognizer,
    photo: Path,
    people: Searchable,
    settings: VideoSettings,
    annotate: Path | None,
    *,
    as_json: bool,
) -> int:
    from marginface.video import annotate_photo

    answer = recognizer.identify(
        photo, people, fpir=settings.fpir, uncertain_fpir=settings.uncertain_fpir, quality=settings.quality
    )
    print_json(answer.to_dict()) if as_json else typer.echo(answer.explain())
    if annotate is not None:
        annotate_photo(photo, annotate, answer)
        typer.echo(f"With boxes: {annotate}", err=True)
    return answer.exit_status


def _video(
    recognizer: Recognizer,
    frames: Frames,
    people: Searchable,
    settings: VideoSettings,
    annotate: Path | None,
    *,
    as_json: bool,
) -> int:
    from marginface.cropping import FaceCropper
    from marginface.video import VideoFile, annotate_video, identify_video

    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # what FFmpeg says of a broken file; ours says it in words
    single = FaceCropper.load("yunet-single-pass", min_score=recognizer.cropper.min_score)
    tracks: list[IdentifiedTrack] = []
    with _interruptible(frames) as interrupted:
        for track in identify_video(replace(recognizer, cropper=single), frames, people, settings):
            tracks.append(track)
            typer.echo(json_text(track.to_dict()) if as_json else track.explain())
    typer.echo(_summary(tracks), err=True)
    if annotate is not None and isinstance(frames, VideoFile) and not interrupted:
        written = annotate_video(frames.path, annotate, tracks)
        typer.echo(f"With boxes: {annotate}, {written} frames", err=True)
    return _INTERRUPTED if interrupted else _status(tracks)


@contextmanager
def _interruptible(frames: Frames) -> Iterator[list[Any]]:
    """Let Ctrl-C end the frames in order; a second one stops at once. What is given is not empty after the first."""
    heard: list[Any] = []

    def stop(number: int, _frame: Any) -> None:
        if heard:
            raise KeyboardInterrupt
        heard.append(number)
        frames.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, before)


def _summary(tracks: list[IdentifiedTrack]) -> str:
    people = sorted({track.person for track in tracks if track.person is not None})
    if not tracks:
        return "No face was seen."
    threshold = tracks[-1].identification.threshold
    found = f"found: {', '.join(people)}" if people else "nobody known"
    followed = plural(len(tracks), "track")
    return f"{followed}, {found}. Threshold {threshold.similarity:.3f}, a false-match rate of {threshold.fmr:.2g}."


def _status(tracks: list[IdentifiedTrack]) -> int:
    """Return 0 if anybody was found; 1 if all were strangers; 3 if of one it cannot be told, or nobody was seen."""
    if any(tracks):
        return 0
    return max((track.decision.exit_status for track in tracks), default=3)
