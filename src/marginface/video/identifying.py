"""Frames → the people in them: one decision for each track, as tracks end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from marginface.defaults import DEFAULT_CANDIDATES, DEFAULT_FPIR, DEFAULT_GATE
from marginface.errors import InputError, VideoError
from marginface.pipeline import EmbeddedPhoto, Identification, Recognizer, Searchable
from marginface.video.frames import Frame
from marginface.video.pooling import ForPool, best_of, pooled
from marginface.video.results import IdentifiedTrack, Place
from marginface.video.tracking import Sighting, Track, Tracker, TrackingRule

_SAME_FMR, _APART_FMR = 1e-3, 1e-2


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """How the people of a video are identified.

    Attributes:
        fpir: How often a track of somebody unknown may find anybody: a track is one search.
        uncertain_fpir: A laxer rate: between the thresholds of the two the answer is "cannot tell".
        most: How many candidates to list for a track.
        quality: The gate below which a face is not compared; a track of such faces cannot be told.
        pool: How many of the best faces of a track are pooled.
    """

    fpir: float = DEFAULT_FPIR
    uncertain_fpir: float | None = None
    most: int = DEFAULT_CANDIDATES
    quality: str = DEFAULT_GATE
    pool: int = 5

    def __post_init__(self) -> None:
        if self.pool < 1:
            raise InputError(f"pool is at least 1 face; got {self.pool}")


def tracking_rule(recognizer: Recognizer) -> TrackingRule:
    """Return the rule for a recognizer: ``same`` is its threshold for an FMR of 0.1 %, ``apart`` that for 1 %.

    At a cut one of a hundred strangers goes on with the track of who sat in the same place. A higher ``apart`` would
    break more tracks of one person in two, which does less harm: each part has its decision. Without a threshold for
    1 %, ``apart`` is ``same``.
    """
    same = recognizer.thresholds.threshold(_SAME_FMR).similarity
    try:
        apart = recognizer.thresholds.threshold(_APART_FMR).similarity
    except InputError:
        apart = same
    return TrackingRule(same=same, apart=min(apart, same))


def identify_video(
    recognizer: Recognizer,
    frames: Iterable[Frame],
    people: Searchable,
    settings: VideoSettings | None = None,
    rule: TrackingRule | None = None,
) -> Iterator[IdentifiedTrack]:
    """Yield who the people of a video are, each as the track ends; the rest where the frames end.

    The same threshold as for a photo is used, for as many faces as are known when the track ends.

    Args:
        recognizer: Its detector sees every frame: ``yunet-single-pass`` wastes no second look on empty ones.
        frames: In the order of time, of ``open_frames`` or any others.
        people: Known people, of the same contract.
        settings: How they are identified.
        rule: How faces are put to tracks; without it ``tracking_rule``.

    Raises:
        ContractMismatch: The people were embedded with another model, detector or preprocessing.
        InputError: No threshold for this rate and so many faces.
        VideoError: The video cannot be read, or the camera gives no frames any more. Tracks that were seen before come
            first.
    """
    how = VideoSettings() if settings is None else settings
    _identify(recognizer, EmbeddedPhoto("nobody", (), 0), people, how)  # raises before the first frame, not after it
    return _tracks(recognizer, frames, people, how, tracking_rule(recognizer) if rule is None else rule)


def _tracks(
    recognizer: Recognizer, frames: Iterable[Frame], people: Searchable, settings: VideoSettings, rule: TrackingRule
) -> Iterator[IdentifiedTrack]:
    tracker = Tracker(rule)
    lost: VideoError | None = None
    try:
        for frame in frames:
            for track in tracker.update(frame.seconds, _sightings(recognizer, frame, settings.quality)):
                yield _decide(track, recognizer, people, settings)
    except VideoError as error:
        lost = error
    for track in tracker.finish():
        yield _decide(track, recognizer, people, settings)
    if lost is not None:
        raise lost


def _sightings(recognizer: Recognizer, frame: Frame, gate: str) -> list[Sighting]:
    faces = recognizer.detect(frame.image)
    if not faces:
        return []
    photo = recognizer.embed_faces(frame.image, faces, quality=gate, name=f"frame {frame.number}")
    return [Sighting(frame.seconds, frame.number, face) for face in photo.faces]


def _decide(track: Track, recognizer: Recognizer, people: Searchable, settings: VideoSettings) -> IdentifiedTrack:
    chosen = best_of(track.sightings, settings.pool)
    pool = pooled(chosen)
    photo = EmbeddedPhoto(f"track {track.number}", (pool.face,), 1)
    places = tuple(Place(one.seconds, one.box) for one in track.sightings)
    found = _identify(recognizer, photo, ForPool(people, pool.length), settings)
    return IdentifiedTrack(track.number, places, chosen[0].number, chosen[0].seconds, len(chosen), found)


def _identify(
    recognizer: Recognizer, photo: EmbeddedPhoto, people: Searchable, settings: VideoSettings
) -> Identification:
    return recognizer.identify_embedded(
        photo, people, fpir=settings.fpir, uncertain_fpir=settings.uncertain_fpir, most=settings.most
    )
