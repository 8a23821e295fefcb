"""A video file of drawn people through the real networks: a cut, an occlusion, a stranger."""

from __future__ import annotations

from pathlib import Path

import pytest

from marginface.pipeline import Recognizer, SearchDecision
from marginface.values import Threshold
from marginface.video import IdentifiedTrack, TrackingRule, VideoSettings, identify_video, open_frames
from oracles.drawn_videos import EMPTY, covered, person, scene, write_video

ANN, BOB, STRANGER = 2, 6, 7
SAME = 0.7  # SFace finds drawn people alike: up to 0.41 between these three, above 0.84 within


class OneThreshold:
    """Where drawn people differ, whatever the rate."""

    def __init__(self, contract: str) -> None:
        self.contract = contract

    def require(self, contract: str) -> None:
        assert contract == self.contract

    def threshold(self, fmr: float) -> Threshold:
        return Threshold(SAME, fmr, 1000, "drawn people")

    def identification_threshold(self, fpir: float, size: int) -> Threshold:
        return self.threshold(fpir / size)


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> list[IdentifiedTrack]:
    """Ten frames a second: 2 s Ann on the left; a cut: 2 s Bob there, half a second of it covered; 0.5 s nobody; then
    Ann on the right and a stranger on the left for 1.5 s."""
    images = [
        *(scene(n, (ANN, 0)) for n in range(20)),
        *(covered(scene(n, (BOB, 0))) if 8 <= n < 13 else scene(n, (BOB, 0)) for n in range(20)),
        *([EMPTY] * 5),
        *(scene(n, (STRANGER, 0), (ANN, 236)) for n in range(15)),
    ]
    path: Path = tmp_path_factory.mktemp("video") / "people.avi"
    write_video(path, images)
    base = Recognizer.load("sface", detector="yunet-single-pass")
    recognizer = Recognizer(base.cropper, base.embedder, OneThreshold(base.contract.id))
    known = recognizer.enrol({"Ann": [person(ANN, 0)], "Bob": [person(BOB, 0)]}, quality="off")
    rule = TrackingRule(same=SAME, apart=SAME / 2 + 0.1, patience=1.0)
    return list(identify_video(recognizer, open_frames(str(path), every=0.2), known, VideoSettings(), rule))


def test_each_person_of_each_scene_is_a_track_with_the_right_decision(tracks: list[IdentifiedTrack]) -> None:
    said = {track.number: (track.person, track.decision) for track in tracks}
    assert said[1] == ("Ann", SearchDecision.MATCH)
    assert said[2] == ("Bob", SearchDecision.MATCH)
    assert sorted(said[number][0] or "" for number in (3, 4)) == ["", "Ann"]
    assert len(said) == 4


def test_the_times_are_those_of_the_scenes(tracks: list[IdentifiedTrack]) -> None:
    times = {track.number: (round(track.first, 1), round(track.last, 1)) for track in tracks}
    assert times[1] == (0.0, 1.8)
    assert times[2] == (2.0, 3.8)
    assert {times[3], times[4]} == {(4.6, 5.8)}


def test_the_occlusion_leaves_a_gap_and_no_second_track(tracks: list[IdentifiedTrack]) -> None:
    bob = next(track for track in tracks if track.person == "Bob")
    seconds = [round(place.seconds, 1) for place in bob.places]
    assert not {2.8, 3.0, 3.2} & set(seconds)
    assert {2.6, 3.4} <= set(seconds)
