"""Evaluation packs that are measured while a training goes on: the numbers are those of evaluate pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from marginface.data.pairs.binpack import open_pack
from marginface.data.synthetic import DrawnFaces
from marginface.embedding import load_embedder
from marginface.errors import DataError, RecipeError
from marginface.evaluation.protocols.pairs import evaluate_pairs
from marginface.evaluation.reading import Reader
from marginface.training import Progress, Recipe, train
from marginface.training.folder.journal import read_journal
from marginface.training.folder.state import open_run
from marginface.training.measuring.pack_figures import of_packs, pack_sentences
from oracles.packs import write_pack

pytestmark = pytest.mark.usefixtures("no_pictures")
Small = Callable[..., Recipe]


@pytest.fixture(scope="module")
def lfw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of 20 pairs of drawn people, half of them genuine."""
    drawn = DrawnFaces(20, 3, seed=5, strength=0.3)
    firsts = [3 * (pair // 2) for pair in range(20)]
    places = [place for pair, first in enumerate(firsts) for place in (first, first + 1 if pair % 2 else first + 3)]
    images = [cv2.imencode(".png", crop[..., ::-1])[1].tobytes() for crop in drawn.read(np.asarray(places))]
    return write_pack(tmp_path_factory.mktemp("packs") / "lfw.bin", images, [pair % 2 == 1 for pair in range(20)])


def test_each_evaluation_measures_the_packs_as_evaluate_pairs_does(small: Small, tmp_path: Path, lfw: Path) -> None:
    told: list[str] = []
    recipe = small(data={"hold_out": 0}, train={"evaluate_every": 10}, evaluation={"packs": [str(lfw)]})

    def tell(progress: Progress) -> None:
        told.append(progress.describe())

    result = train(recipe, tmp_path / "run", progress=tell)
    records = {record["step"]: record for record in read_journal(tmp_path / "run" / "journal.jsonl")}
    assert [step for step, record in records.items() if "pack_lfw" in record] == [10, 20]
    pack = open_pack(lfw)
    expected = evaluate_pairs(load_embedder(str(tmp_path / "run"), mirror=True), pack.pairs, Reader(store=pack)).scores
    assert records[20]["pack_lfw"] == expected.accuracy.mean
    assert records[20]["pack_lfw_interval"] == expected.accuracy_interval.to_list()
    sentence = f"lfw: {100 * expected.accuracy.mean:.2f} % right"
    assert sentence in result.summary()
    assert "nothing was measured" not in result.summary()
    assert f"lfw {100 * expected.accuracy.mean:.2f} %" in told[-1]
    assert open_run(tmp_path / "run").packs[0].startswith(sentence)


def test_packs_decide_nothing_and_may_come_late(
    small: Small, tmp_path: Path, lfw: Path, at_step: Callable[..., Callable[[Progress], None]],
    same_weights: Callable[[Path, Path], bool],
) -> None:  # fmt: skip
    def stop() -> None:
        raise KeyboardInterrupt

    alone = train(small(data={"hold_out": 0}), tmp_path / "alone")
    with pytest.raises(KeyboardInterrupt):
        train(small(data={"hold_out": 0}), tmp_path / "late", progress=at_step(7, stop))
    with_pack = small(data={"hold_out": 0}, train={"evaluate_every": 4}, evaluation={"packs": [str(lfw)]})
    late = train(with_pack, tmp_path / "late", resume=True)
    measured = [r["step"] for r in read_journal(tmp_path / "late" / "journal.jsonl") if "pack_lfw" in r]
    assert measured == [8, 12, 16, 20]
    assert same_weights(alone.checkpoint.folder, late.checkpoint.folder)


def test_what_is_no_pack_is_refused_before_anything_is_trained(small: Small, tmp_path: Path, lfw: Path) -> None:
    for packs, kind, message in (
        ([str(tmp_path / "cfp_fp.bin")], DataError, r"packs: .*cfp_fp\.bin: no such file"),
        ([str(tmp_path)], RecipeError, "no file of pairs of crops"),
        ([str(lfw), str(lfw)], RecipeError, "each has a name of its own in the journal; got lfw, lfw"),
    ):
        with pytest.raises(kind, match=message):
            train(small(evaluation={"packs": packs}), tmp_path / "run")
        assert not (tmp_path / "run").exists()
    (tmp_path / "agedb_30.bin").write_bytes(b"no pickle")
    with pytest.raises(DataError, match="expected an evaluation pack"):
        train(small(evaluation={"packs": [str(tmp_path / "agedb_30.bin")]}), tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []


def test_numbers_that_are_no_shares_are_not_told() -> None:
    odd = {"pack_a": 10**400, "pack_b": float("nan"), "pack_c": "0.5", "pack_d": 0.5, "pack_d_interval": [0, 10**400]}
    assert of_packs(odd) == {"d": 0.5}
    assert pack_sentences(odd) == ["d: 50.00 % right"]
