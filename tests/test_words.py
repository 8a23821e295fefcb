"""Counts in the singular and the plural."""

from __future__ import annotations

from pathlib import Path

import pytest

import marginface
from marginface.gallery import Gallery
from marginface.words import cause, decimal, plural, plurals, points, signed

SOURCES = Path(marginface.__file__).parent


def test_one_is_one_and_every_other_count_is_many() -> None:
    assert [plural(count, "face") for count in (0, 1, 2, 1234)] == ["0 faces", "1 face", "2 faces", "1,234 faces"]
    assert plurals((1, "person"), (2, "person"), (1, "entry"), (3, "entry")) == "1 person, 2 people, 1 entry, 3 entries"


def test_below_zero_stands_a_minus_sign_everywhere() -> None:
    assert (signed(0.518), signed(-0.518), signed(0.0), signed(-2.05, 1)) == ("+0.52", "−0.52", "+0.00", "−2.0")
    assert (decimal(-0.0515), decimal(0.25, 4)) == ("−0.051", "0.2500")
    assert points(-0.0052, (-0.0103, 0.0001)) == "−0.52 points [−1.03, +0.01]"
    found = [path.name for path in SOURCES.rglob("*.py") if ":+." in path.read_text(encoding="utf-8")]
    assert found == ["words.py"], "signed numbers have one home, marginface.words"


def test_the_cause_of_an_error_has_no_number_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        tmp_path.read_text()
    assert cause(caught.value) == "is a directory"
    assert cause(OSError("no shard")) == cause(ValueError("no shard")) == "no shard"


def test_a_gallery_of_one_says_one(tmp_path: Path) -> None:
    with Gallery.create(tmp_path / "people.db", sealed=False) as gallery:
        gallery.create_collection("staff", contract="0123456789abcdef", embedding_size=4).add_person("Ann")
        assert "1 collection, 1 person, 0 faces, 0 crops, " in gallery.check().explain()
