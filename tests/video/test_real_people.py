"""A video made from photos of LFW, with the shipped thresholds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from marginface.images import read_image
from marginface.pipeline import Recognizer
from marginface.values import ImageArray
from marginface.video import VideoSettings, identify_video, open_frames
from oracles.drawn_videos import write_video

BUSH, BLAIR, STRANGER = "George_W_Bush", "Tony_Blair", "Colin_Powell"


def photo(lfw: Path, name: str, number: int) -> Path:
    return lfw / name / f"{name}_{number:04d}.jpg"


def frames_of(lfw: Path) -> list[ImageArray]:
    """Ten frames a second, each photo for 0.4 s: one man alone, a cut to another with a stranger beside him."""
    pictures = [read_image(photo(lfw, BUSH, number)) for number in range(2, 6)]
    alone = [np.hstack([picture, np.full_like(picture, 90)]) for picture in pictures]
    pairs = [np.hstack([read_image(photo(lfw, name, number)) for name in (BLAIR, STRANGER)]) for number in range(2, 6)]
    return [frame for frame in alone + pairs for _ in range(4)]


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino-bf16"])
def test_known_people_are_found_and_a_stranger_is_not(shared_data: Path, tmp_path: Path, engine: str) -> None:
    if engine != "onnxruntime":
        open_vino = pytest.importorskip("marginface.weights.open_vino")
        pytest.importorskip("openvino")
        if not open_vino.has_bf16():
            pytest.skip("this processor has no bfloat16")
    lfw = shared_data / "lfw"
    recognizer = Recognizer.load("sface", detector="yunet-single-pass", engine=engine)
    known = recognizer.enrol({name: [photo(lfw, name, 1)] for name in (BUSH, BLAIR)}, quality="off", faces="center")
    write_video(tmp_path / "people.avi", frames_of(lfw))
    video = open_frames(str(tmp_path / "people.avi"), every=0.2)
    tracks = list(identify_video(recognizer, video, known, VideoSettings(fpir=0.01)))
    long = [track for track in tracks if len(track.places) >= 4]  # LFW shows people in the background too
    assert sorted(track.person or "" for track in long) == ["", BUSH, BLAIR]
    assert [track.person for track in tracks if track not in long and track.person] == []
    bush = next(track for track in long if track.person == BUSH)
    assert bush.last < 1.6 <= min(track.first for track in long if track is not bush)
