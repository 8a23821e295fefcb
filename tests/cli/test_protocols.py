"""``marginface evaluate distractors, tinyface, groups, all-pairs, templates``: parsed, measured, printed, written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from typer.testing import CliRunner

from marginface.cli import app
from marginface.data.synthetic.layouts.grouped_pairs import GroupPlan, write_bfw, write_rfw
from marginface.data.synthetic.layouts.ijb import IjbPlan, write_ijb
from marginface.data.synthetic.layouts.planted import (
    AllPairsPlan,
    MegaPlan,
    PlantedGroup,
    write_all_pairs,
    write_megaface,
)
from marginface.data.synthetic.layouts.tinyface import TinyPlan, write_tinyface
from oracles.coarse import CARD, Coarse


@pytest.fixture(autouse=True)
def _foreseeable_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("marginface.embedding")

    def load_embedder(model: str, *, mirror: bool, engine: str) -> Coarse:
        size = int(model) if model.isdecimal() else CARD.embedding_size
        card = CARD.model_copy(update={"embedding_size": size})
        return Coarse(card=card, contract=card.contract(mirror=mirror))

    module.load_embedder = load_embedder  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "marginface.embedding", module)


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def test_distractors_from_files_give_the_answer_that_was_planted(tmp_path: Path) -> None:
    plan = MegaPlan(people=6, photos=4, distractors=300, lookalikes=6, size=24)
    probes, others = write_megaface(tmp_path, plan)
    numbers = tmp_path / "out" / "numbers.json"
    status, text = run("distractors", "24", probes, others, "--far", "1e-3", "--out", numbers)
    assert status == 0, text
    assert "300 distractors rank 1: 75.00 %" in text
    values = json.loads(numbers.read_text())
    assert values["rates"][-3]["identification_rate"] == plan.rank_one() == 0.75
    assert (values["searches"], values["distractors"]) == (72, 300)
    assert "Split: probes and distractors as given." in text


def test_one_folder_is_divided_into_probes_and_distractors(tmp_path: Path) -> None:
    write_rfw(tmp_path, GroupPlan(people=5, images=3, folds=2, per_fold=2))
    status, text = run("distractors", "m", tmp_path / "data" / "Asian", "--probe-people", "2", "--aligned")
    assert status == 0, text
    assert "9 distractors" in text
    assert "2 people with two photos or more, drawn with seed 0, are probes" in text
    status, text = run("distractors", "m", tmp_path / "data" / "Asian", tmp_path / "data" / "Indian", "--aligned")
    assert status == 0, text
    assert "15 distractors" in text
    status, text = run("distractors", "m", tmp_path / "data" / "Asian", "--aligned")
    assert status == 2
    assert "or give a second folder of distractors" in text


def test_tinyface_is_measured_printed_and_written(tmp_path: Path) -> None:
    write_tinyface(tmp_path, TinyPlan(people=5, distractors=12))
    numbers = tmp_path / "numbers.json"
    status, text = run("tinyface", "m", tmp_path, "--aligned", "--out", numbers)
    assert status == 0, text
    assert "5 probes in 10 images and 12 distractors" in text
    assert f"mAP {100 * json.loads(numbers.read_text())['mean_average_precision']:.2f} %" in text


def test_groups_are_shown_at_their_own_and_at_one_threshold(tmp_path: Path) -> None:
    plan = GroupPlan(people=4, folds=2, per_fold=6)
    write_rfw(tmp_path / "rfw", plan)
    numbers = tmp_path / "numbers.json"
    status, text = run("groups", "m", tmp_path / "rfw", "--aligned", "--out", numbers)
    assert status == 0, text
    values = json.loads(numbers.read_text())
    for group in values["groups"]:
        assert f"{group['group']} {100 * group['accuracy_mean']:.2f} %" in text
    assert "of all pairs" in text
    assert "worst : best" in text
    table = write_bfw(tmp_path / "bfw", plan)
    status, text = run("groups", "m", tmp_path / "bfw", "--pairs", table, "--by", "e", "--aligned", "--far", "0.1")
    assert status == 0, text
    assert "at 0.1" in text
    status, text = run("groups", "m", tmp_path / "bfw", "--pairs", table, "--by", "race", "--aligned")
    assert status == 2
    assert "it has id, att, a, g, e" in text


def test_all_pairs_of_groups_and_of_mask_against_no_mask(tmp_path: Path) -> None:
    plan = AllPairsPlan((PlantedGroup("one", 12), PlantedGroup("two", 15, hard=3, twins=2)), size=48)
    faces, about = write_all_pairs(tmp_path, plan)
    numbers = tmp_path / "numbers.json"
    asked = "all-pairs", "48", faces, "--metadata", about, "--slice", "group", "--far", "0.01", "--out", numbers
    for cross, pairs in (((), "5,616 impostor pairs"), (("--cross", "mask"), "2,106 impostor pairs")):
        status, text = run(*asked, *cross)
        assert status == 0, text
        assert pairs in text
        tars = {one["set"]: one["tar_at_far"][0]["tar"] for one in json.loads(numbers.read_text())["sets"]}
        for name, groups in {"all": plan.groups, "group: two": plan.groups[1:]}.items():
            assert tars[name] == pytest.approx(plan.tar(groups, 0.01, crossed=bool(cross)))
    status, text = run("all-pairs", "48", faces, "--slice", "group")
    assert status == 2
    assert "a column of --metadata FILE.csv" in text


def test_embeddings_of_another_contract_are_refused(tmp_path: Path) -> None:
    contract = np.array(CARD.contract(mirror=False).id)
    rows = np.eye(4, 48, dtype=np.float32)
    np.savez(tmp_path / "a.npz", photos=np.array(["a/1", "a/2", "b/1", "b/2"]), embeddings=rows, contract=contract)
    status, text = run("all-pairs", "m", tmp_path / "a.npz")
    assert status == 2
    assert "an evaluation has it unless --no-mirror is" in text
    status, text = run("all-pairs", "m", tmp_path / "a.npz", "--no-mirror")
    assert status == 0, text


def test_templates_are_pooled_by_name(tmp_path: Path) -> None:
    write_ijb(tmp_path, IjbPlan(subjects=4, probes=2, photos=1, frames=2, impostors=3))
    for name, switches in (("insightface", "N1D1F1"), ("mean", "N0D0F1")):
        status, text = run("templates", "m", tmp_path, "--pooling", name)
        assert status == 0, text
        assert switches in text
    assert "N1D1F1" in run("templates", "m", tmp_path)[1]
    status, text = run("templates", "m", tmp_path, "--pooling", "units")
    assert status == 2
    assert "Did you mean 'unit'?" in text
