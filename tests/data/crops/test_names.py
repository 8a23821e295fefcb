from __future__ import annotations

from pathlib import Path

import pytest

from marginface.data.crops.names import identity_key, read_names
from marginface.errors import DataError


@pytest.mark.parametrize("other", ["AJ Lamas", "a.j. lamas", "A-J_Lamas", "aj lamas ", "ÁJ Lamas"])
def test_spellings_that_differ_in_case_spaces_punctuation_and_accents_are_one_name(other: str) -> None:
    assert identity_key(other) == identity_key("AJ_Lamas")


def test_other_letters_or_digits_are_another_name() -> None:
    assert len({identity_key(name) for name in ("50 Cent", "Cent", "51 Cent", "岸田 文雄", "Сент")}) == 5


def test_numbers_before_every_name_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# who\n001 50 Cent\n002 Aaron Hernandez\n\n400 Xi\n", encoding="utf-8")
    assert read_names(tmp_path / "list.txt") == ("50 Cent", "Aaron Hernandez", "Xi")


def test_a_number_that_only_one_name_has_stays(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("50 Cent\nAaron Hernandez\n", encoding="utf-8")
    assert read_names(tmp_path / "list.txt") == ("50 Cent", "Aaron Hernandez")


@pytest.mark.parametrize("content", [b"", b"\n# nobody\n", b"\xff\xfe\x00"])
def test_a_list_without_names_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(DataError, match="one name a line"):
        read_names(tmp_path / "list.txt")


def test_the_lists_of_cfp_read_as_324_and_500_names(shared_data: Path) -> None:
    absent = read_names(shared_data / "cfp/ids_not_in_lfw_by_name.txt")
    everyone = read_names(shared_data / "cfp/Data/list_name.txt")
    assert (len(absent), len(everyone), absent[0], everyone[0]) == (324, 500, "50 Cent", "50 Cent")
    assert {identity_key(name) for name in absent} < {identity_key(name) for name in everyone}
