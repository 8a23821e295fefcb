"""Training: a recipe in, a run folder out.

recipe/       what a training does, as TOML, checked      resolve   "auto" and relative paths → values
run           a run folder from first to last: train()    resumption   what a resumed run goes on with
feed/         crops and batches                           learning/    backbone, head, optimizer, one step
measuring/    what is measured meanwhile                  loop/        the loop, and when it stops
folder/       the folder of a run, and what a kill cannot destroy
dream         a branch for turned heads, trained after the run
comparing/    several losses, or one over a grid, under equal conditions
plan/         what a head of C identities takes, before it is trained
dry_run/      what a whole recipe takes: two steps on noise
distributed/  all of it over several processes
schedule      learning rate, margin and length of a run   interrupt   Ctrl-C and its like
loading       what each stage of a batch costs
devices       the GPU of a process, with its number       allocator   memory that stays between steps
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marginface.training.interrupt import TrainingInterrupted
    from marginface.training.learning.centers_update import update_in_backward
    from marginface.training.loop.trainer import Progress
    from marginface.training.recipe import Recipe
    from marginface.training.recipe.file import read_recipe, recipe_from, write_recipe
    from marginface.training.run import TrainResult, train

__all__ = [
    "Progress",
    "Recipe",
    "TrainResult",
    "TrainingInterrupted",
    "read_recipe",
    "recipe_from",
    "train",
    "update_in_backward",
    "write_recipe",
]

_HOMES = {  # loaded on first use: who only looks at run folders waits for no torch
    "Progress": "loop.trainer",
    "Recipe": "recipe",
    "TrainResult": "run",
    "TrainingInterrupted": "interrupt",
    "read_recipe": "recipe.file",
    "recipe_from": "recipe.file",
    "train": "run",
    "update_in_backward": "learning.centers_update",
    "write_recipe": "recipe.file",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
