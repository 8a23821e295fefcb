"""A recipe that trains in a second, shared by the tests of runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marginface.training import Recipe, recipe_from

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
