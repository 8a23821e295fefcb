from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.evaluation.comparison import ComparedLoss, ComparedRun, Decisions, compare_losses, sentences
from marginface.evaluation.comparison_files import Comparison, write_tables
from marginface.evaluation.comparison_report import Extras, render_comparison
from marginface.values import BoolArray

PEOPLE = np.repeat(np.arange(50), 8)


def decided(right: BoolArray) -> Decisions:
    return Decisions(right, (PEOPLE, PEOPLE))


def loss(label: str, skill: float, seeds: int, *, training_noise: float = 0.0) -> ComparedLoss:
    """A loss whose runs decide each pair right with a probability that training chance moves."""
    rng = np.random.default_rng(sum(map(ord, label)))
    runs = []
    for seed in range(seeds):
        right = rng.random(len(PEOPLE)) < skill + training_noise * rng.normal()
        runs.append(ComparedRun(seed, "finished", "", 10.0, 500.0, 400.0, {"held-out pairs": decided(right)}))
    return ComparedLoss(label, runs)


def test_a_planted_difference_is_shown_over_three_seeds_and_an_equal_loss_is_not() -> None:
    rows = compare_losses([loss("first", 0.7, 3), loss("better", 0.9, 3), loss("equal", 0.7, 3)], "held-out pairs")
    better, equal = rows[1].difference, rows[2].difference
    assert better is not None
    assert equal is not None
    assert better.is_shown
    assert better.test == "paired t over seeds"
    assert better.value == pytest.approx(0.2, abs=0.04)
    assert better.interval.low < better.value < better.interval.high
    assert not equal.is_shown
    said = sentences(rows)
    assert said[0].startswith("better decides these pairs better than first (+")
    assert "One seed" not in said[0]
    assert said[1].startswith("equal against first: no difference shown")


def test_one_seed_is_tested_over_pairs_and_says_what_is_missing() -> None:
    rows = compare_losses([loss("first", 0.9, 1), loss("worse", 0.6, 1)], "held-out pairs")
    found = rows[1].difference
    assert found is not None
    assert found.only_first is not None
    assert found.only_this is not None
    assert found.test == "exact McNemar over pairs"
    assert found.only_first > found.only_this
    assert rows[0].interval is not None
    assert rows[0].interval.method == "bootstrap over identities"
    assert "decides these pairs worse than first" in sentences(rows)[0]
    assert "One seed: the chance of training is not in this" in sentences(rows)[0]


def test_training_noise_is_not_mistaken_for_a_loss() -> None:
    shown = 0
    for case in range(60):
        pair = [loss(f"{side}{case * 7}", 0.75, 3, training_noise=0.05) for side in "ab"]
        found = compare_losses(pair, "held-out pairs")[1].difference
        assert found is not None
        shown += found.is_shown
    assert shown <= 6, "5 % of 60 is 3"


def test_a_diverged_run_is_a_row_and_leaves_the_seeds_that_both_have() -> None:
    broken = ComparedLoss(
        "broken", [*loss("broken", 0.9, 2).runs, ComparedRun(2, "diverged", "step 3: the loss is nan")]
    )
    never = ComparedLoss("never", [ComparedRun(0, "diverged", "step 1: the loss is nan")])
    rows = compare_losses([loss("first", 0.7, 3), broken, never], "held-out pairs")
    assert rows[1].difference is not None
    assert (rows[1].seeds, rows[1].difference.seeds, rows[1].trouble) == ((0, 1), 2, "seed 2 diverged")
    assert (rows[2].accuracy, rows[2].interval, rows[2].difference) == (None, None, None)
    assert sentences(rows)[1] == "never against first: cannot be compared, seed 0 diverged."


def test_equal_accuracies_of_two_seeds_get_no_interval_of_width_zero() -> None:
    right = np.arange(len(PEOPLE)) % 4 > 0
    runs = [ComparedRun(seed, "finished", decisions={"p": decided(right)}) for seed in range(2)]
    interval = compare_losses([ComparedLoss("one", runs)], "p")[0].interval
    assert interval is not None
    assert interval.low < 0.75 < interval.high


def test_other_pairs_are_refused() -> None:
    short = Decisions(np.ones(5, bool), (np.arange(5), np.arange(5)))
    other = ComparedLoss("other", [ComparedRun(0, "finished", decisions={"held-out pairs": short})])
    with pytest.raises(InputError, match="same pairs"):
        compare_losses([loss("first", 0.7, 1), other], "held-out pairs")


def test_the_files_hold_the_same_rows(tmp_path: Path) -> None:
    never = ComparedLoss("never", [ComparedRun(0, "diverged", "step 1: <nan> & more")])
    comparison = Comparison(
        "compare", "Three", [loss("soft_max", 0.7, 2), loss("better", 0.95, 2), never], "the command"
    )
    write_tables(comparison, tmp_path)
    values = json.loads((tmp_path / "compare.json").read_text(encoding="utf-8"))
    rows = values["protocols"]["held-out pairs"]["results"]
    lines = list(csv.DictReader((tmp_path / "compare.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["loss"] for row in rows] == [line["loss"] for line in lines] == ["soft_max", "better", "never"]
    assert float(lines[1]["difference"]) == rows[1]["difference"]
    assert (lines[0]["seconds"], lines[2]["seconds"], lines[2]["trouble"]) == ("10.0", "", "seed 0 diverged")
    tex = (tmp_path / "compare.tex").read_text(encoding="utf-8")
    assert r"soft\_max & 2 & " in tex
    assert tex.count(r"\\") == 4, "a head and three rows"
    page = render_comparison(comparison, Extras())
    assert "step 1: &lt;nan&gt; &amp; more" in page
    assert all(text in page for text in ("the command", "better", "cannot be compared", "4 of 5 runs"))
    assert "http" not in page.replace("http://www.w3.org", "")
