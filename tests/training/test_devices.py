"""The GPU of a process has a number: a thread of its own would take the first GPU for "cuda"."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from marginface import training
from marginface.errors import RecipeError
from marginface.training import recipe_from, resolve
from marginface.training.devices import numbered


def test_a_gpu_is_named_with_the_number_that_this_process_has_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)
    assert numbered("cuda") == torch.device("cuda", 3)
    assert numbered("cpu") == torch.device("cpu")


def test_no_training_computes_on_a_gpu_without_a_number() -> None:
    """What threads send to torch.device("cuda") lies on GPU 0, whichever the process has taken."""
    files = Path(training.__file__).parent.rglob("*.py")
    unnumbered = [path.name for path in files if "torch.device(recipe" in path.read_text(encoding="utf-8")]
    assert unnumbered == []


def test_the_recipe_of_a_run_on_a_gpu_says_how_to_go_on_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RecipeError, match=r"device: cuda, and torch .*--set train\.device=cpu"):
        resolve.resolve(recipe_from({"train": {"device": "cuda"}}))
