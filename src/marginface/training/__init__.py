"""Training: a recipe in, a run folder out.

recipe               what a training does, as TOML, checked
resolve, devices     "auto" and relative paths → values; the GPU of a process, with its number
sources, batches     crops to train on and held out; batches as a function of (seed, step)
prefetch, loading    batches made ahead on threads; what each of their stages costs
learner, optim       backbone, head, optimizer, one step; averaging: the mean of the weights that is served
schedule             learning rate, margin and length of a run
start, features      where the weights come from; class centers from the means of features; freezing: what stays
weighted             losses of samples that a backbone weighs (TransFace)
dream                a branch for turned heads, trained after the run
held_out             the pairs of the identities that are kept out
packs, pack_figures  lfw.bin and its like, measured meanwhile; what the journal has of them
closed_set           rank 1 among identities of the training and among others, side by side
centers_update       the optimizer's step on the class centers within the backward pass
skipped_steps        ... on those that were not drawn, in closed form
trainer, interrupt   the loop, and how it is asked to stop
run, run_names       the folder: train(); run_report: its page
resumption, history  what a resumed run goes on with, and what of it was changed when
data_record          what it is trained on, by identity
checkpoint, journal  what a kill cannot destroy
failures             a full disk and the like, as one message
live_curves          the journal for TensorBoard
run_folder, run_diff a run folder, and two of them, for those who look (without torch)
divergence           when to stop
collapse             when embeddings have become one
variants             the losses of a comparison, as recipes
jobs                 its runs, one after the other or side by side
lock                 one process at a time in a folder
decisions            what a finished run decides on its pairs
compare, sweep       all of it: several losses, or one over a grid; comparison_folder: its folder, for those who look
plan/                what a head of C identities takes, before it is trained
dry_run/             what a whole recipe takes: two steps on noise
distributed/         all of it over several processes
allocator            memory that stays between steps
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marginface.training.centers_update import update_in_backward
    from marginface.training.interrupt import TrainingInterrupted
    from marginface.training.recipe import Recipe
    from marginface.training.recipe.file import read_recipe, recipe_from, write_recipe
    from marginface.training.run import TrainResult, train
    from marginface.training.trainer import Progress

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
    "Progress": "trainer",
    "Recipe": "recipe",
    "TrainResult": "run",
    "TrainingInterrupted": "interrupt",
    "read_recipe": "recipe.file",
    "recipe_from": "recipe.file",
    "train": "run",
    "update_in_backward": "centers_update",
    "write_recipe": "recipe.file",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
