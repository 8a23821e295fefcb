"""A folder of drawn photos of four people → groups, pages, and named folders, with the real models."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from marginface import cli
from marginface.data.synthetic import draw_photo
from marginface.errors import InputError, MissingExtra, UnknownName
from marginface.grouping import sheets as sheets_module
from marginface.grouping import write_sheets
from marginface.grouping.naming import cut_out
from marginface.pipeline import EmbeddedFace, EmbeddedPhoto, Recognizer
from marginface.pipeline import clusters as clusters_module
from marginface.pipeline.clusters import clusters_of
from marginface.quality import Quality
from marginface.values import Box, Embedding, Face

LANDMARKS = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ann three times, Bob three, both together once, one stranger, a photo without a face, and a text file."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "later").mkdir()
    for number in range(3):
        Image.fromarray(draw_photo(1, number)[0]).save(folder / f"a{number}.png")
        Image.fromarray(draw_photo(2, number)[0]).save(folder / "later" / f"b{number}.jpg", quality=95)
    both = np.hstack([draw_photo(1, 5)[0], draw_photo(2, 5)[0]])
    Image.fromarray(both).save(folder / "both.png")
    Image.fromarray(draw_photo(0, 0)[0]).save(folder / "stranger.png")
    Image.new("RGB", (200, 200), "gray").save(folder / "wall.png")
    (folder / "letter.jpg").write_text("Dear Ann, ...")
    return folder


@pytest.fixture(scope="module")
def grouped(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("out") / "groups"
    return out, call("cluster", photos, "--out", out, "--threshold", 0.8)


def record_of(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "groups.json").read_text(encoding="utf-8")))


def test_the_people_of_the_photos_are_the_groups(grouped: tuple[Path, Result]) -> None:
    out, result = grouped
    assert result.exit_code == 0, result.output
    found = [{face["photo"] for face in group["faces"]} for group in record_of(out)["groups"]]
    ann, bob = ({f"{name}{number}.{kind}" for number in range(3)} for name, kind in (("a", "png"), ("later/b", "jpg")))
    assert sorted(map(sorted, found)) == sorted(map(sorted, [ann | {"both.png"}, bob | {"both.png"}, {"stranger.png"}]))
    assert "Photos: 10. Faces: 9. Groups of two or more: 2. Faces without company: 1." in result.stdout
    assert "letter.jpg" in result.stdout
    assert "wall.png: no face found" in result.stdout
    assert [Path(photo["photo"]).name for photo in record_of(out)["left_out"]] == ["letter.jpg", "wall.png"]


def test_the_record_says_where_each_face_is_and_how_typical(grouped: tuple[Path, Result]) -> None:
    out, _ = grouped
    record = record_of(out)
    assert record["similarity"] == 0.8
    assert re.fullmatch(r"[0-9a-f]{16}", record["contract"])
    for group in record["groups"]:
        likeness = [face["likeness"] for face in group["faces"]]
        assert likeness == sorted(likeness, reverse=True)
        for face in group["faces"]:
            x1, y1, x2, y2 = face["box"]
            assert x2 - x1 > 40
            assert y2 - y1 > 40
            assert face["faces_found"] == (2 if face["photo"] == "both.png" else 1)


def test_the_page_shows_every_face_and_needs_no_other_file(grouped: tuple[Path, Result]) -> None:
    out, _ = grouped
    pages = [(out / name).read_text(encoding="utf-8") for name in ("groups.html", "groups-2.html")]
    assert pages[0].count("<img") == 8
    assert pages[1].count("<img") == 1
    assert 'href="groups-2.html"' in pages[0]
    for page in pages:
        assert set(re.findall(r'(?:src|href)="([^"#]{1,5})', page)) <= {"data:", "group"}


def test_names_that_are_filled_in_become_folders(grouped: tuple[Path, Result], photos: Path, tmp_path: Path) -> None:
    out, _ = grouped
    people, names = tmp_path / "people", tmp_path / "names.csv"
    with (out / "names.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["faces"] for row in rows] == ["4", "4"]
    rows[0]["name"], rows[1]["name"] = "Ann Øster", ""
    with names.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.DictWriter(stream, rows[0])
        lines.writeheader()
        lines.writerows(rows)
    result = call("cluster", photos, "--out", out, "--names", names, "--copy-to", people)
    assert result.exit_code == 0, result.output
    assert [folder.name for folder in people.iterdir()] == ["Ann Øster"]
    written = sorted(people.glob("*/*"))
    assert len(written) == 4
    whole = next(path for path in written if path.name.startswith(("a0", "b0")))
    original = next(photos.rglob(f"{whole.name[:2]}.*"))
    assert whole.read_bytes() == original.read_bytes()
    cut = next(path for path in written if path.name.startswith("both"))
    with Image.open(cut) as image:
        assert image.width < 640
    again = call("cluster", photos, "--out", out, "--names", names, "--copy-to", people, "--json")
    assert json.loads(again.stdout) == {"people": {}, "there_before": 4, "failed": {}}


def test_without_names_every_group_gets_a_folder_with_a_number(photos: Path, tmp_path: Path) -> None:
    out, people = tmp_path / "out", tmp_path / "people"
    result = call("cluster", photos, "-o", out, "--threshold", 0.8, "--copy-to", people, "--json")
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["groups"]) == 3
    assert {folder.name: len(list(folder.iterdir())) for folder in people.iterdir()} == {
        "person-0001": 4,
        "person-0002": 4,
    }


def test_the_threshold_grows_with_the_faces_and_is_named(photos: Path) -> None:
    recognizer = Recognizer.load()
    found = recognizer.cluster([photos / "a0.png", photos / "stranger.png"])
    assert found.threshold == recognizer.thresholds.identification_threshold(0.5, 692)
    assert found.similarity == found.threshold.similarity
    assert found.threshold.explain() in found.explain()
    assert found.to_dict()["threshold"] == found.threshold.explain()
    many = clusters_module.threshold_among(recognizer.thresholds, 0.5, 10_001)
    assert many == recognizer.thresholds.identification_threshold(0.5, 10_000)


def unread() -> Iterator[str]:
    yield from ()
    raise AssertionError("a photo was read")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"quality": "best"}, UnknownName, "quality gate"),
        ({"similarity": 2.0}, InputError, "between -1 and 1"),
        ({"fpir": 2.0}, InputError, "between 0 and 1"),
    ],
)
def test_what_was_asked_for_is_checked_before_any_photo_is_read(
    options: dict[str, Any], error: type[InputError], message: str
) -> None:
    with pytest.raises(error, match=message):
        Recognizer.load().cluster(unread(), **options)


def test_without_scipy_it_is_said_before_any_photo_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(MissingExtra, match=r"marginface\[cluster\]"):
        Recognizer.load().cluster(unread())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "FILE"], "FILE is a file"),
        (["--out", "out", "--copy-to", "FILE"], "this is a file"),
        (["--out", "out", "--copy-to", "PHOTOS/people"], "cannot lie in"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_any_photo_is_read(
    options: list[str], message: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recognizer, "cluster", lambda *_, **__: pytest.fail("the photos were looked at"))
    monkeypatch.chdir(tmp_path)
    Path("FILE").touch()
    result = call("cluster", photos, *(option.replace("PHOTOS", str(photos)) for option in options))
    assert result.exit_code == 2, result.output
    assert message in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--names", "nowhere.csv"], "--copy-to DIR"),
        (["--names", "nowhere.csv", "--copy-to", "people"], "groups.json: no groups yet"),
        (["--threshold", "2"], "similarity between -1 and 1; got 2.0"),
    ],
)
def test_what_cannot_be_done_is_said(options: list[str], message: str, photos: Path, tmp_path: Path) -> None:
    one = tmp_path / "photos"
    one.mkdir()
    (one / "a.png").write_bytes((photos / "a0.png").read_bytes())
    result = call("cluster", one, "--out", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_folder_without_photos_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    result = call("cluster", tmp_path / "photos", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "no photos below this folder" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_without_faces_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (100, 100)).save(tmp_path / "photos" / "black.png")
    result = call("cluster", tmp_path / "photos", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "Faces: 0. Groups of two or more: 0." in result.stdout
    assert (tmp_path / "out" / "groups.html").is_file()


def made_up(groups: list[int], photo: Path) -> tuple[EmbeddedPhoto, ...]:
    """Photos with a face each, at right angles from group to group."""
    rows = np.repeat(np.eye(len(groups), dtype=np.float32), groups, axis=0)
    face = Face(Box(0, 0, 100, 100), LANDMARKS, 0.9)
    return tuple(EmbeddedPhoto(str(photo), (EmbeddedFace(face, Quality({}), Embedding(row, "c")),), 1) for row in rows)


def test_many_groups_fill_several_pages_and_large_groups_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets_module, "GROUPS", 2)
    monkeypatch.setattr(sheets_module, "ALONE", 3)
    monkeypatch.setattr(sheets_module, "FACES", 8)
    Image.new("RGB", (100, 100)).save(tmp_path / "x.png")
    faces = made_up([20, 3, 2, 1, 1, 1, 1], tmp_path / "x.png")
    pages = write_sheets(clusters_of(faces, 0.5, None, "c"), tmp_path)
    assert [page.name for page in pages] == [f"groups{part}.html" for part in ("", "-2", "-3", "-4")]
    texts = [page.read_text(encoding="utf-8") for page in pages]
    assert [text.count("<img") for text in texts] == [8 + 3, 2, 3, 1]
    assert "20 faces, 12 not shown" in texts[0]
    assert all(text.count('<a href="groups') == 3 for text in texts)


def test_pages_of_an_earlier_run_with_more_groups_are_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets_module, "GROUPS", 1)
    (tmp_path / "groups-of-mine.html").touch()
    for groups, pages in (([2, 2, 2], ["groups-2.html", "groups-3.html"]), ([2, 2], ["groups-2.html"])):
        write_sheets(clusters_of(made_up(groups, tmp_path / "gone.png"), 0.5, None, "c"), tmp_path)
        assert sorted(path.name for path in tmp_path.glob("groups-*")) == [*pages, "groups-of-mine.html"]


def test_a_photo_that_is_gone_is_named_in_place_of_its_picture(tmp_path: Path) -> None:
    (page,) = write_sheets(clusters_of(made_up([2], tmp_path / "gone.png"), 0.5, None, "c"), tmp_path)
    assert page.read_text(encoding="utf-8").count("gone.png cannot be read any more") == 2


def test_a_cut_out_face_stays_within_the_photo() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    assert cut_out(image, (40, 40, 60, 60)).shape == (41, 41, 3)
    assert cut_out(image, (-5, 0, 30, 30)).shape[:2] == (48, 48)
    assert cut_out(image, (90, 90, 120, 120)).size > 0


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    result = call("cluster", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "no such folder" in result.stderr
