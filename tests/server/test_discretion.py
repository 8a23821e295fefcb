"""What is said to a caller tells of nobody else, and not where the gallery lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from marginface.errors import GalleryError, UnknownName
from marginface.gallery import Gallery
from marginface.server.discretion import receipt_values, told


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    (tmp_path / "keys").mkdir()
    with Gallery.create(tmp_path / "people.db", key=tmp_path / "keys" / "gallery.key") as made:
        yield made


def test_an_error_names_no_other_person_and_no_place(gallery: Gallery) -> None:
    staff = gallery.create_collection("staff", contract="0" * 16, embedding_size=4)
    staff.add_person("Ann Example")
    with pytest.raises(UnknownName, match="Ann Example") as unknown:
        staff.person("Anna Example")
    assert told(unknown.value, gallery) == "staff has no person 'Anna Example'"
    assert told(GalleryError(f"{gallery.address}: damaged"), gallery) == "the gallery: damaged"


def test_a_receipt_says_the_name_of_the_file_alone(gallery: Gallery) -> None:
    staff = gallery.create_collection("staff", contract="0" * 16, embedding_size=4)
    receipt = staff.erase(staff.add_person("Ann Example"))
    assert str(Path(receipt.gallery).parent) in receipt.gallery
    assert receipt_values(receipt)["gallery"] == "people.db"
