"""identify, called as a user calls it, on a drawn video and a drawn photo."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from marginface import cli, video
from marginface.video import Frame, VideoFile
from oracles.drawn_videos import EMPTY, person, scene, write_video

ANN, BOB = 2, 6


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(cli.app, ["identify", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """people/Ann, people/Bob; walk.avi shows Ann for a second; empty.avi nobody; Ann.png a photo."""
    folder = tmp_path_factory.mktemp("identify")
    for name, who in (("Ann", ANN), ("Bob", BOB)):
        (folder / "people" / name).mkdir(parents=True)
        Image.fromarray(person(who, 0)).save(folder / "people" / name / "1.png")
    Image.fromarray(person(ANN, 1)).save(folder / "Ann.png")
    write_video(folder / "walk.avi", [scene(n, (ANN, 0)) for n in range(10)])
    write_video(folder / "empty.avi", [EMPTY] * 5)
    for name in ("letter.mp4", "letter.txt"):
        (folder / name).write_text("Dear Ann, ...", encoding="utf-8")
    return folder


def test_a_video_gives_a_line_of_json_for_each_track(place: Path) -> None:
    answer = call(place / "walk.avi", "--people", place / "people", "--json")
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [(line["track"], line["person"], line["sightings"]) for line in lines] == [(1, "Ann", 5)]
    assert answer.exit_code == 0
    assert "2 people, 2 faces" in answer.stderr
    assert "1 track, found: Ann" in answer.stderr


def test_every_frame_is_looked_at_with_every_0_and_boxes_are_written(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "boxes.avi"
    answer = call(place / "walk.avi", "--people", place / "people", "--every", 0, "--annotate", out)
    assert "track 1: Ann" in answer.stdout
    assert "seen 10 times" in answer.stdout
    assert len(list(VideoFile(out))) == 10


def test_a_video_without_faces_cannot_be_told(place: Path) -> None:
    answer = call(place / "empty.avi", "--people", place / "people")
    assert answer.exit_code == 3
    assert "No face was seen." in answer.stderr


def test_a_photo_is_answered_like_a_video(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "boxes.png"
    answer = call(place / "Ann.png", "--people", place / "people", "--json", "--annotate", out)
    assert json.loads(answer.stdout)["faces"][0]["person"] == "Ann"
    assert answer.exit_code == 0
    assert (np.asarray(Image.open(out)) != np.asarray(Image.open(place / "Ann.png"))).any()


def test_the_people_may_be_those_of_a_gallery(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARGINFACE_GALLERY_KEY", raising=False)
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config"))
    gallery = tmp_path / "galleries" / "people.db"
    gallery.parent.mkdir()
    for arguments in (["create", gallery], ["enrol", gallery, "--folder", place / "people", "--quality", "off"]):
        made = CliRunner().invoke(cli.app, ["gallery", *map(str, arguments)])
        assert made.exit_code == 0, made.output
    answer = call(place / "walk.avi", "--gallery", gallery, "--json")
    assert [json.loads(line)["person"] for line in answer.stdout.splitlines()] == ["Ann"]
    assert answer.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["walk.avi"], "--people DIR or --gallery GALLERY, one of the two"),
        (["walk.avi", "--people", "people", "--gallery", "g"], "one of the two"),
        (["absent.mp4", "--people", "people"], "absent.mp4: no such file"),
        (["absent.png", "--people", "people"], "absent.png: no such file"),
        (["people", "--people", "people"], "people: this is a folder"),
        (["letter.txt", "--people", "people"], "letter.txt: not a video"),
        (["letter.mp4", "--people", "people"], "letter.mp4: not a video"),
        (["99", "--people", "people"], "camera 99: none there"),
        (["99", "--people", "people", "--annotate", "o.avi"], "--annotate needs a file"),
        (["walk.avi", "--people", "people", "--annotate", "o.mov"], ".avi, .mp4"),
        (["Ann.png", "--people", "people", "--annotate", "o.mov"], "unknown suffix of an annotated photo '.mov'"),
        (["Ann.png", "--people", "people", "--annotate", "Ann.png"], "is the photo itself"),
        (["walk.avi", "--people", "people", "--every", "-1"], "every is a number of seconds"),
        (["walk.avi", "--people", "people", "--engine", "openvin"], "Did you mean 'openvino'"),
    ],
)
def test_what_is_wrong_is_said_in_one_message(
    place: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(place)
    answer = call(*arguments)
    assert said in answer.stderr
    assert answer.exit_code == 2


@pytest.mark.parametrize("source", ["absent.mp4", "absent.png"])
def test_a_wrong_name_is_said_before_everyone_is_embedded(place: Path, source: str) -> None:
    answer = call(place / source, "--people", place / "people")
    assert "2 people, 2 faces" not in answer.stderr
    assert answer.exit_code == 2


class Interrupted:
    """Frames of Ann; at the third one the user presses Ctrl-C."""

    def __init__(self) -> None:
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True

    def __iter__(self) -> Iterator[Frame]:
        for number in range(100):
            if self.stopped:
                return
            yield Frame(scene(number, (ANN, 0)), number / 10, number)
            if number == 2:
                os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_ends_in_order_with_an_answer_for_who_is_in_sight(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "open_frames", lambda source, every: Interrupted())
    answer = call("0", "--people", place / "people", "--json")
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [(line["person"], line["sightings"]) for line in lines] == [("Ann", 3)]
    assert answer.exit_code == 130
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_place_for_the_copy_that_cannot_be_is_refused_before_everyone_is_embedded(place: Path) -> None:
    out = place / "letter.txt" / "boxes.avi"
    answer = call(place / "walk.avi", "--people", place / "people", "--annotate", out)
    assert "letter.txt is a file. Choose another place\n" in answer.stderr, "this command has no --out"
    assert "2 people, 2 faces" not in answer.stderr
    assert answer.exit_code == 2


def test_a_photo_is_one_by_its_content_and_turned_upright(place: Path, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    photo = tmp_path / "download"
    with Image.open(place / "Ann.png") as image:
        image.transpose(Image.Transpose.ROTATE_90).save(photo, "JPEG", exif=exif, quality=95)
    answer = call(photo, "--people", place / "people", "--json")
    assert json.loads(answer.stdout)["faces"][0]["person"] == "Ann"
    assert answer.exit_code == 0


@pytest.mark.parametrize("name", ["phone.heic", "phone"])
def test_a_photo_that_cannot_be_read_is_not_taken_for_a_video(place: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    answer = call(tmp_path / name, "--people", place / "people")
    assert "this is a HEIC photo" in answer.stderr
    assert "2 people, 2 faces" not in answer.stderr
    assert answer.exit_code == 2
