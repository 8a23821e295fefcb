from __future__ import annotations

from pathlib import Path

import pytest

from marginface.data.packs import open_images
from marginface.errors import DataError, UnreadableImage


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b, c.jpg", "d.jpg"):
        (tmp_path / "crops").mkdir(exist_ok=True)
        (tmp_path / "crops" / name).write_bytes(name.encode())
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.csv", 'crops/a.jpg,7\n"crops/b, c.jpg",11\ncrops/d.jpg,7\n'),
        ("l.txt", "crops/a.jpg\t7\r\n# a note\r\n\r\ncrops/b, c.jpg\t11\r\ncrops/d.jpg\t7\r\n"),
        ("l.tsv", "label\tx\tfile_name\n7\t\tcrops/a.jpg\n11\t\tcrops/b, c.jpg\n7\t\tcrops/d.jpg"),
        ("im2rec.lst", "0\t7.000000\tcrops/a.jpg\n5\t11.0\tcrops/b, c.jpg\n6\t7.0\t0.5\tcrops/d.jpg\n"),
        ("insightface.lst", "1\tcrops/a.jpg\t7\n1\tcrops/b, c.jpg\t11\t8\t9\n0\tcrops/d.jpg\t7\n"),
        ("bom.csv", '\ufeffPath,Identity\ncrops/a.jpg, 7\n"crops/b, c.jpg",11\ncrops/d.jpg,7\n'),
    ],
)
def test_every_kind_of_list_gives_the_same_images_and_labels(files: Path, name: str, text: str) -> None:
    (files / name).write_text(text, encoding="utf-8", newline="")
    images = open_images(files / name)
    assert (images.listing.identities, images.listing.labels.tolist()) == (("7", "11"), [0, 1, 0])
    assert [images.bytes_of(i) for i in range(3)] == [b"a.jpg", b"b, c.jpg", b"d.jpg"]
    assert images.name(1) == "11/crops/b, c.jpg"
    assert images.place(0) == str(files / "crops" / "a.jpg")


def test_labels_are_text_as_well_paths_may_be_absolute_and_a_column_can_be_named(files: Path) -> None:
    (files / "l.csv").write_text(f"path,who,label\n{files / 'crops' / 'a.jpg'},Zoë Ann,1\ncrops/d.jpg,Bo,2\n")
    images = open_images(files / "l.csv", label="who")
    assert images.listing.identities == ("Bo", "Zoë Ann")
    assert images.bytes_of(0) == b"a.jpg"
    with pytest.raises(DataError, match="names a path and 'whom'"):
        open_images(files / "l.csv", label="whom")


def test_a_person_called_none_among_numbers_is_a_person(files: Path) -> None:
    (files / "none.txt").write_text("1.png 9\n2.png None\n3.png 10\n".replace(" ", "\t"))
    assert open_images(files / "none.txt").listing.identities == ("10", "9", "None")


def test_a_file_that_is_missing_is_an_unreadable_image(files: Path) -> None:
    (files / "l.csv").write_text("crops/none.jpg,1\ncrops,2\ncrops/a\0.jpg,3\n")
    images = open_images(files / "l.csv")
    for index in range(3):
        with pytest.raises(UnreadableImage, match="no such file"):
            images.bytes_of(index)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected lines of path and label; got none"),
        ("# nothing\n", "expected lines of path and label; got none"),
        ("path,label\n", "expected lines of path and label; got none"),
        ("crops/a.jpg\n", r"expected path and label with a tab or comma between .* got \['crops/a.jpg'\]"),
        ("a,b,c\n", "expected path and label with a tab or comma"),
        ("crops/a.jpg,1\ncrops/d.jpg\n", r"l\.csv:2: expected path and label as in the lines before"),
        ("crops/a.jpg,1\n,2\n", r"l\.csv:2: expected"),
        ("crops/a.jpg,1\ncrops/d.jpg,\n", r"l\.csv:2: expected"),
        ('crops/a.jpg,1\n"' + "x" * 200_000, "expected a text file|l.csv:2"),
    ],
)
def test_a_list_that_is_none_is_an_error_that_names_the_line(files: Path, text: str, message: str) -> None:
    (files / "l.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        open_images(files / "l.csv")


def test_a_missing_list_and_one_that_is_no_text_are_errors(files: Path) -> None:
    with pytest.raises(DataError, match="got nothing there"):
        open_images(files / "none.csv")
    (files / "l.csv").write_bytes(b"\xff\xd8\xff\xe0\x80")
    with pytest.raises(DataError, match="expected a text file of paths and labels"):
        open_images(files / "l.csv")


def test_a_folder_with_one_lst_file_is_that_list_and_other_places_are_none(files: Path) -> None:
    (files / "train.lst").write_text("1\tcrops/a.jpg\t7\n")
    assert open_images(files).listing.identities == ("7",)
    (files / "train.lst").unlink()
    assert open_images(files).listing.identities == ("crops",), "a folder per identity"
    for place, what in ((files / "crops", "a folder without any"), (files / "no", "nothing there")):
        with pytest.raises(DataError, match=f"expected train.rec, tar shards.*{what}"):
            open_images(place)
    (files / "lfw.bin").write_bytes(b"\x80")
    with pytest.raises(DataError, match=r"lfw\.bin: an evaluation pack .*marginface evaluate pairs MODEL"):
        open_images(files / "lfw.bin")
    with pytest.raises(DataError, match="got another file"):
        open_images(files / "crops" / "a.jpg")
