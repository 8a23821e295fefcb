from __future__ import annotations

import threading
import time

import cv2
import numpy as np
import pytest

from marginface.errors import InputError, VideoError
from marginface.video import Camera, VideoFile, open_frames
from marginface.video.frames import LatestSlot
from oracles.drawn_videos import write_video
from oracles.patience import PATIENCE, wait_for


def grays(frames):
    return [round(float(frame.image.mean()) / 10) for frame in frames]


def test_a_file_is_named_by_a_text_or_a_path(gray_video):
    for place in (gray_video, str(gray_video)):
        assert len(list(open_frames(place, every=0))) == 20


def test_every_frame_of_a_file_comes_with_number_and_time(gray_video):
    frames = list(open_frames(str(gray_video), every=0))
    assert grays(frames) == list(range(20))
    assert [frame.number for frame in frames] == list(range(20))
    np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(20) / 20, atol=1e-6)
    assert frames[0].image.shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("every", "numbers"), [(0.2, [0, 4, 8, 12, 16]), (0.12, [0, 3, 5, 8, 10, 12, 15, 17]), (5, [0])]
)
def test_frames_are_sampled_by_time(gray_video, every, numbers):
    assert [frame.number for frame in open_frames(str(gray_video), every=every)] == numbers


def test_colors_are_rgb(tmp_path):
    write_video(tmp_path / "red.avi", [np.full((48, 64, 3), (200, 30, 30), np.uint8)] * 3)
    frame = next(iter(VideoFile(tmp_path / "red.avi")))
    assert frame.image[..., 0].mean() > 150 > 100 > frame.image[..., 2].mean()


def test_stop_ends_the_frames_of_a_file(gray_video):
    source = open_frames(str(gray_video), every=0)
    seen = []
    for frame in source:
        seen.append(frame.number)
        if len(seen) == 3:
            source.stop()
    assert seen == [0, 1, 2]


def test_a_file_that_is_no_video_is_said_to_be_none(tmp_path):
    path = tmp_path / "letter.mp4"
    path.write_text("not a video" * 100, encoding="utf-8")
    with pytest.raises(VideoError, match=r"letter\.mp4: not a video, or in a codec"):
        list(open_frames(str(path)))


def test_a_file_that_ends_early_gives_the_frames_it_has(tmp_path):
    path = tmp_path / "cut.avi"
    write_video(path, np.random.default_rng(0).integers(0, 255, (20, 96, 96, 3)).astype(np.uint8))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 0 < len(list(open_frames(str(path), every=0))) < 20


def test_a_name_that_is_nothing_says_how_a_camera_is_named(tmp_path):
    with pytest.raises(InputError, match="A camera is named by its number"):
        open_frames(str(tmp_path / "absent.mp4"))
    with pytest.raises(InputError, match="every is a number of seconds"):
        open_frames("0", every=-1)


@pytest.mark.parametrize(
    "name", ["0", "12", "/dev/video0", "rtsp://user@example.org/door", "http://example.org/a.mjpg"]
)
def test_cameras_and_streams_are_live(name):
    assert isinstance(open_frames(name), Camera)


def test_a_camera_that_is_not_there_is_said_to_be_none():
    with pytest.raises(VideoError, match="camera 99: none there"):
        list(open_frames("99"))


class FakeCapture:
    """A camera of a hundred frames a second; frame n has the gray n modulo 256. It ends after ``last`` frames."""

    def __init__(self, last: int = 10**6) -> None:
        self.number, self.last, self.released = -1, last, threading.Event()

    def passes(self, frames: int) -> None:
        """Wait until so many frames more have come."""
        there = self.number + frames
        wait_for(lambda: self.number >= there, "the camera gives no frames", pause=0.005)

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def grab(self) -> bool:
        time.sleep(0.01)
        self.number += 1
        return self.number < self.last

    def retrieve(self):
        return True, np.full((4, 4, 3), self.number % 256, np.uint8)

    def get(self, _property: int) -> float:
        return 0.0

    def release(self) -> None:
        self.released.set()


def test_a_slow_taker_gets_the_newest_frame_and_lag_does_not_grow():
    capture = FakeCapture()
    camera = Camera("0", every=0, capture=lambda _: capture)
    newest, seen = [], []
    for frame in camera:
        seen.append(frame.number)
        assert frame.image[0, 0, 0] == frame.number % 256
        capture.passes(5)  # the work on a frame: as long as five frames
        newest.append(capture.number)
        if len(seen) == 10:
            camera.stop()
    assert all(number >= before - 1 for number, before in zip(seen[1:], newest, strict=False)), "one lags"
    assert np.diff(seen).min() > 1
    assert capture.released.wait(PATIENCE)


def test_frames_of_a_camera_are_apart_as_asked():
    camera = Camera("0", every=0.1, capture=lambda _: FakeCapture())
    times = []
    for frame in camera:
        times.append(frame.seconds)
        if len(times) == 5:
            camera.stop()
    assert np.diff(times).min() >= 0.1


def test_a_camera_that_ends_says_so_after_its_last_frame():
    camera = Camera("0", every=0, capture=lambda _: FakeCapture(last=3))
    frames = iter(camera)
    assert next(frames).number >= 0
    with pytest.raises(VideoError, match="0: gives no frames any more"):
        list(frames)


def test_stop_wakes_a_camera_that_waits():
    camera = Camera("0", every=60, capture=lambda _: FakeCapture())
    threading.Timer(0.2, camera.stop).start()
    start = time.monotonic()
    assert len(list(camera)) == 1
    assert time.monotonic() - start < 50  # it waits 60 seconds for the next frame


def test_a_slot_gives_the_newest_once_and_none_when_it_is_closed():
    slot: LatestSlot[int] = LatestSlot()
    slot.put(1)
    slot.put(2)
    assert slot.take(0) == 2
    assert slot.take(0.01) is None
    threading.Timer(0.05, slot.put, (3,)).start()
    assert slot.take(PATIENCE) == 3
    slot.put(4)
    slot.close()
    assert not slot.is_over
    assert [slot.take(PATIENCE), slot.take(PATIENCE)] == [4, None]
    assert slot.is_over


def test_a_file_without_times_has_those_of_its_rate(gray_video, monkeypatch):
    real = cv2.VideoCapture

    class WithoutTimes:
        def __init__(self, path: str) -> None:
            self.real = real(path)

        def get(self, which: int) -> float:
            return 0.0 if which == cv2.CAP_PROP_POS_MSEC else self.real.get(which)

        def __getattr__(self, name: str):
            return getattr(self.real, name)

    monkeypatch.setattr(cv2, "VideoCapture", WithoutTimes)
    times = [frame.seconds for frame in VideoFile(gray_video)]
    np.testing.assert_allclose(times, np.arange(20) / 20, atol=1e-6)
