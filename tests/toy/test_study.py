from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.losses.notation import read_losses
from marginface.toy import Budget, ToyData, ToyStudy, run_toy, toy_losses, write_study
from marginface.toy.results import TABLE, table_row

SHORT = Budget(steps=12, digits=16)


def study(data: ToyData, losses: str, *, size: int = 2, seed: int = 0, budget: Budget = SHORT) -> ToyStudy:
    entries = toy_losses(read_losses(losses), len(data.classes), size)
    return run_toy(data, entries, size=size, seed=seed, budget=budget, progress=lambda *_: None)


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others(few_digits: ToyData) -> None:
    first, again, other = (study(few_digits, "softmax,arcface", seed=seed) for seed in (0, 0, 1))
    for one, two, three in zip(first.results, again.results, other.results, strict=True):
        np.testing.assert_array_equal(one.train.features, two.train.features)
        np.testing.assert_array_equal(one.centers, two.centers)
        assert not np.allclose(one.train.features, three.train.features)


def test_a_loss_gives_the_same_whatever_else_is_in_the_study(few_digits: ToyData) -> None:
    alone, behind = study(few_digits, "arcface"), study(few_digits, "softmax,arcface")
    np.testing.assert_array_equal(alone.results[0].train.features, behind.results[1].train.features)


def test_all_losses_see_the_same_images_from_the_same_weights(few_digits: ToyData) -> None:
    """Without a margin all of these are one function, so that the same order and start gives the same numbers."""
    found = study(few_digits, "normface,cosface:margin=0,arcface:margin=0").results
    for other in found[1:]:
        np.testing.assert_allclose(found[0].train.features, other.train.features, rtol=1e-3, atol=1e-4)


def test_a_short_training_learns_and_measures(few_digits: ToyData) -> None:
    found = study(few_digits, "softmax,normface,cosface", budget=Budget(steps=120, digits=32))
    for result in found.results:
        assert result.train.accuracy > 0.9
        assert result.held_out.accuracy > 0.8
        assert len(result.held_out.labels) == len(few_digits.held_out.labels)
    plain, normface, cosface = found.results
    assert plain.margin_kept is None
    assert normface.margin_kept == pytest.approx(normface.train.accuracy)
    assert cosface.margin_kept is not None
    assert cosface.margin_kept <= cosface.train.accuracy


def test_the_random_state_of_the_caller_stays(few_digits: ToyData) -> None:
    import torch

    torch.manual_seed(5)
    before = torch.get_rng_state()
    study(few_digits, "arcface")
    assert torch.equal(before, torch.get_rng_state())


def test_features_are_drawn_in_two_or_three_dimensions(few_digits: ToyData) -> None:
    with pytest.raises(InputError, match="2 or 3 dimensions"):
        study(few_digits, "softmax", size=4)


@pytest.mark.parametrize("size", [2, 3])
def test_the_study_is_one_page_two_pictures_and_every_number(few_digits: ToyData, tmp_path: Path, size: int) -> None:
    found = study(few_digits, "softmax,cosface:margin=0.1", size=size)
    paths = write_study(found, tmp_path / "new" / "toy", "marginface toy <&>")
    assert sorted(path.name for path in paths) == ["toy.html", "toy.json", "toy.png", "toy.svg"]
    page = (tmp_path / "new" / "toy" / "toy.html").read_text(encoding="utf-8")
    assert "marginface toy &lt;&amp;&gt;" in page
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page) == []
    assert "<script" not in page
    assert page.count("data:image/svg+xml") == 2
    numbers = json.loads((tmp_path / "new" / "toy" / "toy.json").read_text(encoding="utf-8"))
    assert [result["loss"] for result in numbers["results"]] == ["softmax", "cosface:margin=0.1"]
    spread = np.degrees(found.results[0].train.geometry.spread.mean())
    assert numbers["results"][0]["train"]["spread_deg"] == pytest.approx(spread, abs=1e-3)
    assert numbers["findings"][0]["verdict"] in ("agrees", "agrees in part", "does not agree", "not shown")
    assert all(finding["numbers"] in page.replace("&#x27;", "'") for finding in numbers["findings"])


def test_a_row_has_a_cell_under_every_head(few_digits: ToyData) -> None:
    result = study(few_digits, "softmax").results[0]
    row = table_row(result)
    assert len(row) == len(TABLE)
    assert row[1] == f"{100 * result.train.accuracy:.1f} / {100 * result.held_out.accuracy:.1f}"
    assert row[-1] == "–"
