from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marginface.cropping import Crop
from marginface.data.synthetic import DrawnFaces
from marginface.errors import DataError
from marginface.training import Recipe, train
from marginface.training.comparing import decisions
from marginface.values import ImageArray

Small = Callable[..., Recipe]
SPLITS = {"FF": ("1,2", "1,3", "3,4", "2,4"), "FP": ("2,1", "1,2", "4,2", "3,1")}


@pytest.fixture
def cfp(tmp_path: Path) -> Path:
    """CFP with two drawn people, two frontal images and one profile image each: crops, 112×112."""
    source, lists = DrawnFaces(2, 3, seed=9), {"F": [], "P": []}
    for index, crop in enumerate(source.read(np.arange(6))):
        person, number = divmod(index, 3)
        kind, folder = ("P", "profile") if number == 2 else ("F", "frontal")
        path = tmp_path / "cfp" / "Data" / "Images" / f"{person + 1:03d}" / folder / f"{number % 2 + 1:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).save(path)
        lists[kind].append(f"{len(lists[kind]) + 1} ../Data/Images/{person + 1:03d}/{folder}/{path.stem}.jpg\n")
    for split, rows in SPLITS.items():
        for fold in (0, 1):
            place = tmp_path / "cfp" / "Protocol" / "Split" / split / f"{fold + 1:02d}"
            place.mkdir(parents=True)
            (place / "same.txt").write_text(rows[2 * fold] + "\n")
            (place / "diff.txt").write_text(rows[2 * fold + 1])
    for kind, lines in lists.items():
        (tmp_path / "cfp" / "Protocol" / f"Pair_list_{kind}.txt").write_text("".join(lines))
    return tmp_path / "cfp"


def test_a_run_is_measured_on_cfp_once(
    small: Small, cfp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    class TakesAll:
        """The images are crops already; the first of all has no face."""

        def crop(self, image: ImageArray) -> Crop:
            asked.append(1)
            return Crop(None if len(asked) == 1 else image, None, 0)

    monkeypatch.setattr(decisions, "protocol_cropper", TakesAll)
    train(small(data={"hold_out": 0}, train={"steps": 1}), tmp_path / "run")
    told: list[str] = []
    first = decisions.cfp_decisions(tmp_path / "run", tmp_path, cfp, tmp_path / "crops", told.append)
    assert told == ["measuring CFP-FF", "measuring CFP-FP"]
    assert {name: found.right.shape for name, found in first.items()} == {"CFP-FF": (4,), "CFP-FP": (4,)}
    assert [a == b for a, b in zip(*first["CFP-FF"].groups, strict=True)] == [True, False, True, False]
    again = decisions.cfp_decisions(tmp_path / "run", tmp_path, tmp_path / "gone", tmp_path / "crops", told.append)
    assert len(told) == 2
    assert len(asked) == 6, "each photo once, though FF and FP share the frontal ones"
    (tmp_path / "other").mkdir()
    other = decisions.cfp_decisions(tmp_path / "run", tmp_path / "other", cfp, tmp_path / "crops", told.append)
    assert len(asked) == 6
    assert all(np.array_equal(other[name].right, found.right) for name, found in first.items())
    assert all(np.array_equal(again[name].right, found.right) for name, found in first.items())


def test_a_folder_that_is_not_cfp_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Is .* CFP"):
        decisions.check_cfp(tmp_path)
