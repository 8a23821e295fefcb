"""Closed set beside open set: the same search by hand, in a run, and where it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from marginface.data.sampling.closed_set import keep_out_probes
from marginface.data.sampling.holdout import split
from marginface.data.synthetic import DrawnFaces
from marginface.errors import RecipeError
from marginface.training import Recipe, train
from marginface.training.distributed import Ranks
from marginface.training.feed.sources import open_data
from marginface.training.folder.journal import read_journal
from marginface.training.measuring.closed_set import evaluate_closed_set
from marginface.training.measuring.features import embed_source

Small = Callable[..., Recipe]


class Means(nn.Module):
    """The mean color of each quarter, less the mean of all: 12 numbers that tell drawn people apart now and then."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        quarters = nn.functional.adaptive_avg_pool2d(images, 2).flatten(1)
        return quarters - quarters.mean(dim=1, keepdim=True)


def test_rank_one_is_that_of_a_search_by_hand() -> None:
    train_crops, held_out = split(DrawnFaces(40, 5, seed=1, strength=0.3), 20, seed=0)
    _, searched = keep_out_probes(train_crops, held_out, 20, seed=0)
    found = evaluate_closed_set(Means(), searched, 32, torch.device("cpu"), Ranks())
    assert found.identities == 20
    for side, rank_one in ((searched.closed, found.closed), (searched.open, found.open)):
        rows, _ = embed_source(Means(), side.source, 32, torch.device("cpu"), Ranks())
        hits = 0
        for person in range(20):
            mine = side.source.labels == person
            probe = rows[mine & side.is_probe][0]
            scores = []
            for other in range(20):
                entry = rows[(side.source.labels == other) & ~side.is_probe].sum(axis=0)
                scores.append(float(probe @ entry / np.linalg.norm(entry)))
            hits += int(np.argmax(scores)) == person
        assert 0 < hits < 20
        assert rank_one.rate == pytest.approx(hits / 20)
        assert rank_one.interval.low < rank_one.rate < rank_one.interval.high


def test_a_run_tells_both_in_journal_summary_report_and_manifest(small: Small, tmp_path: Path) -> None:
    result = train(small(evaluation={"closed_set": 4}), tmp_path / "run")
    assert result.held_out is not None
    assert result.held_out.closed_set is not None
    last = read_journal(tmp_path / "run" / "journal.jsonl")[-1]
    assert last["searched_identities"] == 4
    assert {last["closed_set_rank_1"], last["open_set_rank_1"]} <= {0, 0.25, 0.5, 0.75, 1}
    sentence = result.held_out.closed_set.sentence()
    assert "Searched among 4 identities" in sentence
    assert sentence in result.summary()
    assert sentence in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["closed_set"]["closed_set_rank_1"] == last["closed_set_rank_1"]
    assert manifest["data"]["trained_on"]["images"] == 8 * 6 - 4


def test_the_photos_are_kept_out_of_the_training(small: Small) -> None:
    without, asked = open_data(small()), open_data(small(evaluation={"closed_set": 3}))
    assert len(asked.train.labels) == len(without.train.labels) - 3
    assert asked.fingerprint != without.fingerprint
    assert asked.train.identities == without.train.identities


def test_it_needs_held_out_identities_beside(small: Small) -> None:
    with pytest.raises(RecipeError, match=r"data.hold_out is 0"):
        open_data(small(data={"hold_out": 0}, evaluation={"closed_set": 3}))
