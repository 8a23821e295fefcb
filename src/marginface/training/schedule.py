"""Learning rate and margin over a run: pure functions from a step or a fraction of the run to a factor."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from marginface.data.sampling.sampler import steps_per_epoch
from marginface.training.recipe import LossSection, ScheduleSection, TrainSection


@dataclass(frozen=True, slots=True)
class Length:
    """Steps of a run, and how many an epoch has."""

    steps: int
    per_epoch: int


def length_of(train: TrainSection, images: int) -> Length:
    """Return the length of a run over so many images."""
    per_epoch = steps_per_epoch(images, train.batch_size)
    return Length(train.steps or max(round(train.epochs * per_epoch), 1), per_epoch)


def learning_rate_factor(schedule: ScheduleSection, step: int, total_steps: int, steps_per_epoch: int) -> float:
    """Return the factor of the learning rate at a step (from 0).

    In warm-up of w steps it is (step + 1) / w; after it the shape runs over what is left, except ``step``, whose
    milestones count from the start of the run.

    >>> learning_rate_factor(ScheduleSection(kind="polynomial"), step=5, total_steps=10, steps_per_epoch=5)
    0.5
    """
    warmup_steps = round(schedule.warmup * total_steps)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(total_steps - warmup_steps, 1)
    match schedule.kind:
        case "step":
            by_epoch = step_factor(step / steps_per_epoch, schedule.milestones, schedule.decay)
            return by_epoch * step_factor(step, schedule.milestone_steps, schedule.decay)
        case "polynomial":
            return polynomial_factor(progress, schedule.power)
        case "cosine":
            return cosine_factor(progress, schedule.floor)
        case "constant":
            return 1.0


def step_factor(place: float, milestones: Sequence[float], decay: float) -> float:
    """Return decay to the number of milestones reached at a place in the run, in epochs or in steps as they are."""
    return float(decay ** bisect_right(sorted(milestones), place + 1e-9))


def polynomial_factor(progress: float, power: float) -> float:
    """Return (1 − progress)^power, progress in [0, 1]."""
    return float(max(1 - progress, 0.0) ** power)


def cosine_factor(progress: float, floor: float) -> float:
    """Return floor + (1 − floor) · (1 + cos(π · progress)) / 2 (Loshchilov & Hutter, ICLR 2017, arXiv:1608.03983)."""
    return floor + (1 - floor) * (1 + math.cos(math.pi * progress)) / 2


def margin_strength(loss: LossSection, step: int, total_steps: int) -> float:
    """Return how much of the margin holds at a step: 0 until margin_from, 1 from margin_full, linear in between."""
    progress = step / total_steps
    if progress >= loss.margin_full:
        return 1.0
    if progress <= loss.margin_from:
        return 0.0
    return (progress - loss.margin_from) / (loss.margin_full - loss.margin_from)
