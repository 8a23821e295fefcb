from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from marginface.data.pairs.cfp import cfp_pairs
from marginface.errors import DataError, InputError


@pytest.fixture
def cfp(tmp_path: Path) -> Path:
    """Two identities of two frontal images and one profile image; two folds of one pair of each kind."""
    frontal, profile = [], []
    for who in ("001", "002"):
        for kind, count, lines in (("frontal", 2, frontal), ("profile", 1, profile)):
            for number in range(1, count + 1):
                path = tmp_path / "Data" / "Images" / who / kind / f"{number:02d}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"")
                lines.append(f"{len(lines) + 1} ../Data/Images/{who}/{kind}/{number:02d}.jpg\n")
    for split, rows in {"FF": ("1,2", "1,3", "3,4", "2,4"), "FP": ("2,1", "1,2", "4,2", "3,1")}.items():
        for fold in (0, 1):
            folder = tmp_path / "Protocol" / "Split" / split / f"{fold + 1:02d}"
            folder.mkdir(parents=True)
            (folder / "same.txt").write_text(rows[2 * fold] + "\n")
            (folder / "diff.txt").write_text(rows[2 * fold + 1])
    (tmp_path / "Protocol" / "Pair_list_F.txt").write_text("".join(frontal))
    (tmp_path / "Protocol" / "Pair_list_P.txt").write_text("".join(profile))
    return tmp_path


def test_a_frontal_profile_pair_takes_its_second_image_from_the_profile_list(cfp: Path) -> None:
    pairs = cfp_pairs(cfp, "FP")
    read = [
        ("/".join(pairs.images[a].parts[-3:]), "/".join(pairs.images[b].parts[-3:]))
        for a, b in zip(pairs.first, pairs.second, strict=True)
    ]
    assert read == [
        ("001/frontal/02.jpg", "001/profile/01.jpg"),
        ("001/frontal/01.jpg", "002/profile/01.jpg"),
        ("002/frontal/02.jpg", "002/profile/01.jpg"),
        ("002/frontal/01.jpg", "001/profile/01.jpg"),
    ]
    assert pairs.genuine.tolist() == [True, False, True, False]
    assert pairs.fold.tolist() == [0, 0, 1, 1]


def test_a_frontal_pair_takes_both_from_the_frontal_list(cfp: Path) -> None:
    pairs = cfp_pairs(cfp, "FF")
    assert {path.parent.name for path in pairs.images} == {"frontal"}


def test_crops_of_another_suffix_do_as_well(cfp: Path) -> None:
    photos = cfp_pairs(cfp, "FP").images
    for path in photos:
        path.rename(path.with_suffix(".png"))
    assert cfp_pairs(cfp, "FP").images == tuple(path.with_suffix(".png") for path in photos)


def test_what_is_not_cfp_is_refused(cfp: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"FF .* and FP"):
        cfp_pairs(cfp, "PP")  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"Is .* CFP"):
        cfp_pairs(tmp_path / "elsewhere", "FF")
    (cfp / "Data/Images/002/profile/01.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 6 images .*002/profile/01.jpg"):
        cfp_pairs(cfp, "FP")
    (cfp / "Protocol/Split/FF/02/same.txt").write_text("3,99\n")
    with pytest.raises(DataError, match=r"names image F99, which Pair_list_F.txt lacks"):
        cfp_pairs(cfp, "FF")
    (cfp / "Protocol/Split/FF/02/same.txt").write_text("3 4\n")
    with pytest.raises(DataError, match=r"same.txt:1: expected two image numbers"):
        cfp_pairs(cfp, "FF")


@pytest.mark.parametrize(("split", "second"), [("FF", "frontal"), ("FP", "profile")])
def test_the_published_protocol_has_10_balanced_folds_of_700(
    shared_data: Path, split: Literal["FF", "FP"], second: str
) -> None:
    pairs = cfp_pairs(shared_data / "cfp", split)
    assert np.bincount(pairs.fold).tolist() == [700] * 10
    assert np.bincount(pairs.fold[pairs.genuine]).tolist() == [350] * 10
    assert {pairs.images[i].parent.name for i in pairs.first} == {"frontal"}
    assert {pairs.images[i].parent.name for i in pairs.second} == {second}
    who = [path.parts[-3] for path in pairs.images]
    assert [who[a] == who[b] for a, b in zip(pairs.first, pairs.second, strict=True)] == pairs.genuine.tolist()
