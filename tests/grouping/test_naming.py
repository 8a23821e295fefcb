"""Names filled in by a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from marginface.errors import DataError, InputError
from marginface.grouping import check_unnamed, copy_people, numbered, read_names, read_record
from marginface.grouping.record import RECORD


def face(photo: str, faces: int = 1) -> dict[str, Any]:
    return {"photo": photo, "faces_found": faces, "box": [10, 10, 30, 30]}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        Image.new("RGB", (60, 60), "red").save(folder / name)
    return folder


def test_groups_of_one_name_go_into_one_folder(photos: Path, tmp_path: Path) -> None:
    record = [(1, [face("a.jpg"), face("b.jpg", 2)]), (2, [face("c.jpg")]), (3, [face("a.jpg", 2)])]
    copied = copy_people(record, {1: "Ann", 2: "Bob", 3: "Ann"}, photos, tmp_path / "people")
    assert copied.people == {"Ann": 3, "Bob": 1}
    assert sorted(path.suffix for path in (tmp_path / "people" / "Ann").iterdir()) == [".jpg", ".png", ".png"]
    assert copied.summary() == "4 photos of 2 people copied."


def test_a_photo_that_is_gone_is_reported_and_the_others_are_copied(photos: Path, tmp_path: Path) -> None:
    (photos / "b.jpg").unlink()
    (photos / "c.jpg").write_text("no photo")
    record = [(1, [face("a.jpg"), face("b.jpg"), face("c.jpg", 2)])]
    copied = copy_people(record, {1: "Ann"}, photos, tmp_path / "people")
    assert copied.people == {"Ann": 1}
    assert copied.failed.keys() == {"b.jpg", "c.jpg"}
    assert "b.jpg: No such file" in copied.summary()


@pytest.mark.parametrize("photo", ["../secret.jpg", "/etc/passwd", "x/../../y.jpg"])
def test_a_record_cannot_reach_beyond_the_photos(photo: str, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="below their folder"):
        copy_people([(1, [face(photo)])], {1: "Ann"}, photos, tmp_path / "people")


def test_a_group_that_is_not_there_and_folders_within_the_photos_are_refused(photos: Path, tmp_path: Path) -> None:
    record = [(1, [face("a.jpg")])]
    with pytest.raises(InputError, match=r"no group 7; groups are numbered 1 to 1"):
        copy_people(record, {7: "Ann"}, photos, tmp_path / "people")
    with pytest.raises(InputError, match="cannot lie in"):
        copy_people(record, {1: "Ann"}, photos, photos / "people")


def test_numbers_are_for_groups_of_two_or_more() -> None:
    assert numbered([(1, [face("a"), face("b")]), (2, [face("c")])], Path("people")) == {1: "person-0001"}


@pytest.mark.parametrize(
    "text", ["group,name\n1, Ann \n2,\n12,Bob\n", "\ufeffgroup,name,faces\r\n1,Ann,3\r\n12,Bob,\r\n"]
)
def test_names_are_read_as_spreadsheets_write_them(text: str, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text(text, encoding="utf-8", newline="")
    assert read_names(tmp_path / "names.csv") == {1: "Ann", 12: "Bob"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("group;name\n1;Ann\n", r"names.csv:2: expected the columns group"),
        ("group,name\none,Ann\n", r"names.csv:2: .*'one'"),
        ("group,name\n1,a/b\n", r"names.csv:2: .*no slash.*'a/b'"),
        ("group,name\n1,.hidden\n", "no dot in front"),
        ("group,name\n1," + "n" * 200 + "\n", "120 bytes"),
    ],
)
def test_a_file_of_names_that_cannot_be_used_is_named_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_names(tmp_path / "names.csv")


def test_names_of_an_earlier_run_are_not_lost(tmp_path: Path) -> None:
    check_unnamed(tmp_path)
    (tmp_path / "names.csv").write_text("group,name\n1,\n", encoding="utf-8")
    check_unnamed(tmp_path)
    (tmp_path / "names.csv").write_text("group,name\n1,Ann\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"names of 1 groups.*--copy-to"):
        check_unnamed(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"marginface": "groups of faces", "version": 1}', "{"])
def test_a_record_of_something_else_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="not a record of groups"):
        read_record(tmp_path)


def test_numbers_of_another_run_are_not_mixed_with_these(photos: Path, tmp_path: Path) -> None:
    record, people = [(1, [face("a.jpg"), face("b.jpg", 2)]), (2, [face("c.jpg")])], tmp_path / "people"
    assert copy_people(record, numbered(record, people), photos, people).people == {"person-0001": 2}
    (people / "person-0001" / ".DS_Store").touch()
    assert numbered(record, people) == {1: "person-0001"}, "the same groups again go on"
    (people / "person-0002").mkdir()
    (people / "person-0002" / "d-2-0.jpg").touch()
    with pytest.raises(InputError, match=r"d-2-0\.jpg: is of other groups"):
        numbered(record, people)
