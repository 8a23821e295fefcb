"""A recipe that trains in a second, shared by the tests of runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from marginface.data.synthetic import DrawnFaces
from marginface.training import Progress, Recipe, recipe_from, run

SMALL: dict[str, dict[str, Any]] = {
    "data": {"identities": 12, "images_per_identity": 6, "hold_out": 4, "strength": 0.3},
    "augment": {"shift": 0.05, "brightness": 0.2, "final_strength": 0.5},
    "backbone": {"name": "tiny", "input_size": 32, "embedding_size": 16, "options": {"width": 0.5}},
    "loss": {"name": "arcface", "scale": 16.0, "margin": 0.2, "margin_from": 0.2, "margin_full": 0.6},
    "optim": {"learning_rate": 0.05},
    "train": {"steps": 20, "batch_size": 8, "threads": 1, "log_every": 5, "checkpoint_every": 10},
    "evaluation": {"pairs": 24, "folds": 2},
}


@pytest.fixture
def small() -> Callable[..., Recipe]:
    """Return a function: changes by section → the small recipe with them."""

    def recipe(**changes: dict[str, Any]) -> Recipe:
        sections = SMALL.keys() | changes.keys()
        return recipe_from({name: {**SMALL.get(name, {}), **changes.get(name, {})} for name in sections})

    return recipe


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the pictures out of the report, for tests that end many runs: drawing them takes as long as the runs."""
    monkeypatch.setattr(run, "write_run_report", lambda recipe, data, result, path: path.write_text("a report"))


@pytest.fixture
def face_folders(tmp_path: Path) -> Path:
    """Return drawn faces in folders: 8 identities, 4 images each."""
    drawn = DrawnFaces(8, 4, seed=0, strength=0.3)
    crops = drawn.read(np.arange(len(drawn.labels)))
    for i, (label, crop) in enumerate(zip(drawn.labels.tolist(), crops, strict=True)):
        path = tmp_path / "faces" / f"person-{label}" / f"{i:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), crop[..., ::-1])
    return tmp_path / "faces"


@pytest.fixture
def of_folders(small: Callable[..., Recipe]) -> Callable[..., Recipe]:
    """Return a function: a folder of faces, changes by section → the small recipe on it; no crop is kept in memory."""

    def recipe(faces: Path, **changes: dict[str, Any]) -> Recipe:
        data = {"source": "folders", "folders": [str(faces)], "memory_gb": 0.0, **changes.pop("data", {})}
        values = small(**changes).model_dump(mode="json", exclude_none=True)
        return recipe_from({**values, "data": data})

    return recipe


@pytest.fixture
def same_weights() -> Callable[[Path, Path], bool]:
    """Return a function that says whether two checkpoints are equal to the bit, optimizer and head included."""

    def same(first: Path, second: Path) -> bool:
        names = sorted(path.name for path in first.glob("*.safetensors"))
        assert names == sorted(path.name for path in second.glob("*.safetensors"))
        ours, theirs = ([load_file(folder / name) for name in names] for folder in (first, second))
        return all(
            a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)
            for a, b in zip(ours, theirs, strict=True)
        )

    return same


@pytest.fixture
def at_step() -> Callable[[int, Callable[[], object]], Callable[[Progress], None]]:
    """Return a function: a step, what to do after it → a progress callback."""

    def callback(step: int, do: Callable[[], object]) -> Callable[[Progress], None]:
        def tell(progress: Progress) -> None:
            if progress.step == step and progress.record:
                do()

        return tell

    return callback
