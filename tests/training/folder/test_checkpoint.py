from __future__ import annotations

from pathlib import Path

import pytest
import torch

from marginface.contract import ModelCard, file_sha256, read_card
from marginface.errors import CheckpointError
from marginface.training.folder.checkpoint import (
    Checkpoint,
    Content,
    checkpoints_folder,
    newest_checkpoint,
    read_checkpoint,
    save_checkpoint,
)

CARD = ModelCard(name="x", file="y", sha256="0" * 64, license="none", embedding_size=2)


def save(out: Path, step: int, keep: int = 2) -> Checkpoint:
    state = Checkpoint(out, step, "recipe", "data")
    tensors = {"backbone": {"w": torch.full((2, 3), float(step))}, "head": {"centers": torch.ones(4, 2)}}
    return save_checkpoint(out, state, Content(tensors), CARD, keep=keep)


def test_a_checkpoint_comes_back_with_its_tensors_and_the_hash_in_its_card(tmp_path: Path) -> None:
    saved = save(tmp_path, 7)
    assert saved.folder == tmp_path / "checkpoints" / "step-00000007"
    found, problems = newest_checkpoint(tmp_path)
    assert (found, problems) == (saved, [])
    assert torch.equal(saved.tensors("backbone")["w"], torch.full((2, 3), 7.0))
    assert saved.tensors("live") == {}
    assert read_card(saved.folder / "card.toml").sha256 == file_sha256(saved.folder / "backbone.safetensors")


def test_only_the_newest_stay_and_nothing_partial_does(tmp_path: Path) -> None:
    (checkpoints_folder(tmp_path) / ".step-00000003.partial").mkdir(parents=True)
    for step in (1, 2, 3):
        save(tmp_path, step)
    names = sorted(path.name for path in checkpoints_folder(tmp_path).iterdir())
    assert names == ["step-00000002", "step-00000003"]


@pytest.mark.parametrize("name", ["backbone.safetensors", "head.safetensors", "card.toml", "state.json"])
def test_a_damaged_file_is_found_and_the_checkpoint_before_is_used(tmp_path: Path, name: str) -> None:
    before, damaged = save(tmp_path, 1), save(tmp_path, 2)
    content = (damaged.folder / name).read_bytes()
    (damaged.folder / name).write_bytes(content[:-9])
    found, problems = newest_checkpoint(tmp_path)
    assert found == before
    assert len(problems) == 1
    assert "step-00000002" in problems[0]
    assert "The one before it is used" in problems[0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    saved = save(tmp_path, 1)
    (saved.folder / "head.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"head\.safetensors is missing"):
        read_checkpoint(saved.folder)


def test_a_step_that_is_there_already_is_replaced(tmp_path: Path) -> None:
    save(tmp_path, 1)
    again = save(tmp_path, 1)
    assert read_checkpoint(again.folder) == again


def test_a_run_without_checkpoints_has_none(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path) == (None, [])
